"""Numbers that kernels read, as differentiable functions of the params."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Tables"]


@dataclass(frozen=True)
class Tables:
    """What is not differentiated, or not there, is empty. In float64 on the device of the params."""

    constant: Tensor  # of the law [batch]
    viscosity: Tensor  # dynamic [batch]
    conduction: Tensor  # heat flux per slope of p / rho [batch]
    held: Tensor  # primitive variables at the sides [batch, side, field]
    open: Tensor  # free share of the low face of each padded cell along each axis [batch, dim, padded cell]
    free: Tensor  # free share of each cell [batch, cell]

    def map(self, change: Callable[[Tensor], Tensor]) -> Tables:
        return Tables(**{name: change(value) for name, value in vars(self).items()})
