"""How far a prediction is from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.evaluation.conserved import Quantity
from scenegrad.surrogates.evaluation.spectrum import power_spectrum
from scenegrad.surrogates.precision import in_full_precision

__all__ = ["LOSSES", "Conserved", "LogSpectrum", "Loss", "MeanSquare", "Plus", "RelativeL2", "Sobolev", "relative_l2"]


def relative_l2(predicted: Tensor, true: Tensor) -> Tensor:
    """|predicted - true| / |true| of each member, over all points and components [batch]."""
    rows = len(true)
    return (predicted - true).reshape(rows, -1).norm(dim=1) / true.reshape(rows, -1).norm(dim=1).clamp(min=1e-30)


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

    @in_full_precision
    def size(self, u: Tensor) -> Tensor:
        """[batch]"""
        refuse_other_grid(self, u)
        axes = tuple(range(1, self.dim + 1))
        u_hat = torch.fft.fftn(u, dim=axes, norm="forward")
        waves = torch.zeros((), dtype=u.dtype, device=u.device)
        for axis in axes:
            k = torch.fft.fftfreq(u.shape[axis], 1.0 / u.shape[axis], dtype=u.dtype, device=u.device)
            waves = waves + k.square().view([-1 if a == axis else 1 for a in range(u.ndim)])
        return (((1.0 + waves) ** self.order) * u_hat.abs().square()).flatten(1).sum(1).sqrt().clamp(min=1e-30)


@dataclass(frozen=True)
class LogSpectrum:
    """Mean over the fields and the shells |k| = 1, 2, ... of |log10 (P + e) / (P* + e)|, P the power of the prediction
    and P* that of the truth, e = floor times the mean square of the truth. All scales count alike, as small as they are
    [on the idea of Chakraborty, Mohan & Maulik 2025, arXiv:2502.00472]; where waves are is not seen, so that it goes
    with another loss: Plus(RelativeL2(), LogSpectrum(), weight=0.1).

    dim: of the grid, of fields [batch, *grid] or [batch, *grid, component].
    """

    dim: int = 2
    floor: float = 1e-8

    def __post_init__(self) -> None:
        if not self.floor > 0.0:
            raise EngineError(f"LogSpectrum got floor={self.floor}; it is a positive share, such as 1e-8.")

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([self.apart(predicted[n], true[n]) for n in true]).mean(dim=0)

    @in_full_precision
    def apart(self, predicted: Tensor, true: Tensor) -> Tensor:
        """[batch]"""
        refuse_other_grid(self, true)
        wanted = power_spectrum(true, self.dim)
        least = self.floor * wanted.sum(dim=1, keepdim=True) + torch.finfo(wanted.dtype).tiny
        ratio = (power_spectrum(predicted, self.dim) + least) / (wanted + least)
        return ratio[:, 1:].log10().abs().mean(dim=1)


@dataclass(frozen=True)
class Conserved:
    """By how much means, momentum, energy and the like miss those of the truth, over their own size; the mean over the
    quantities, such as (Mean("smoke"), KineticEnergy("velocity")). It goes with another loss: Plus(RelativeL2(), ...).
    """

    quantities: tuple[Quantity, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantities", tuple(self.quantities))
        if not self.quantities:
            raise EngineError('Conserved got no quantities; name some, such as (KineticEnergy("velocity"),).')

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        try:
            return torch.stack([missed(one, predicted, true) for one in self.quantities]).mean(dim=0)
        except KeyError as error:
            raise EngineError(
                f"Conserved got a quantity made of {error}, and the network gives {', '.join(true)}. Name one of these."
            ) from error


def missed(quantity: Quantity, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
    """Error of a quantity over its size [batch]."""
    apart = (quantity.value(predicted) - quantity.value(true)).norm(dim=1)
    return apart / quantity.scale(true).clamp(min=1e-30)


@dataclass(frozen=True)
class Plus:
    """first + weight * second."""

    first: Loss = field(default_factory=RelativeL2)
    second: Loss = field(default_factory=Sobolev)
    weight: float = 1.0

    def __call__(self, predicted: Mapping[str, Tensor], true: Mapping[str, Tensor]) -> Tensor:
        return self.first(predicted, true) + self.weight * self.second(predicted, true)


def refuse_other_grid(loss: Sobolev | LogSpectrum, u: Tensor) -> None:
    if not 0 < loss.dim <= u.ndim - 1:
        raise EngineError(
            f"{type(loss).__name__}(dim={loss.dim}) got fields on a grid of {u.ndim - 1} axes. Say "
            f"{type(loss).__name__}(dim={u.ndim - 1})."
        )


LOSSES = (RelativeL2, MeanSquare, Sobolev, LogSpectrum, Conserved, Plus)
