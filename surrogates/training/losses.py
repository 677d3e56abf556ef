"""How far a prediction is from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Loss", "MeanSquare", "RelativeL2", "relative_l2"]


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
