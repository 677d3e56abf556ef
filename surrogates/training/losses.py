"""How far a prediction is from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["LOSSES", "Loss", "MeanSquare", "Plus", "RelativeL2", "Sobolev", "relative_l2"]


def relative_l2(predicted: Tensor, true: Tensor) -> Tensor:
    """|predicted - true| / |true| of each member, over all points and components [batch]."""
    return (predicted - true).flatten(1).norm(dim=1) / true.flatten(1).norm(dim=1).clamp(min=1e-30)


class Loss(Protocol):
    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        """One number for each member [batch]."""
        ...


@dataclass(frozen=True)
class RelativeL2:
    """Mean over the fields of |predicted - true| / |true|."""

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([relative_l2(predicted[name], true[name]) for name in true]).mean(dim=0)


@dataclass(frozen=True)
class MeanSquare:
    """Mean over the fields of the mean square of predicted - true, in the units of the fields squared."""

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([(predicted[n] - true[n]).square().flatten(1).mean(dim=1) for n in true]).mean(dim=0)


@dataclass(frozen=True)
class Sobolev:
    """Mean over the fields of |predicted - true| / |true| in H^s of the torus:
    |u|^2 = sum over waves of (1 + |k|^2)^s |u_k|^2.

    order: s, any real number; 0 is RelativeL2, 1 weighs slopes too, and below 0 the large scales count most. dim: of
    the grid, of fields [batch, *grid] or [batch, *grid, component]. k counts waves along each axis of the box.
    """

    order: float = 1.0
    dim: int = 2

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([self.size(predicted[n] - true[n]) / self.size(true[n]) for n in true]).mean(dim=0)

    def size(self, u: Tensor) -> Tensor:
        """[batch]"""
        axes = tuple(range(1, self.dim + 1))
        u_hat = torch.fft.fftn(u, dim=axes, norm="forward")
        waves = torch.zeros((), dtype=u.dtype, device=u.device)
        for axis in axes:
            k = torch.fft.fftfreq(u.shape[axis], 1.0 / u.shape[axis], dtype=u.dtype, device=u.device)
            waves = waves + k.square().view([-1 if a == axis else 1 for a in range(u.ndim)])
        return (((1.0 + waves) ** self.order) * u_hat.abs().square()).flatten(1).sum(1).sqrt().clamp(min=1e-30)


@dataclass(frozen=True)
class Plus:
    """first + weight * second."""

    first: Loss = field(default_factory=RelativeL2)
    second: Loss = field(default_factory=Sobolev)
    weight: float = 1.0

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        return self.first(predicted, true) + self.weight * self.second(predicted, true)


LOSSES = (RelativeL2, MeanSquare, Sobolev, Plus)
