"""The staggered grid: how many faces there are, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Uniform cells of the box [0, size]. Axes are counted from the last dimension of a tensor: -dim, ..., -1.

    `component` is the axis that faces stand across, and None means the cells.
    """

    cells: tuple[int, ...]
    size: tuple[float, ...]
    periodic: tuple[bool, ...]
    device: str
    dtype: torch.dtype

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def axes(self) -> range:
        return range(-self.dim, 0)

    @cached_property
    def spacing(self) -> tuple[float, ...]:
        return tuple(length / n for length, n in zip(self.size, self.cells, strict=True))

    @property
    def volume(self) -> float:
        """Of a cell [m^dim]."""
        product = 1.0
        for h in self.spacing:
            product *= h
        return product

    def count(self, component: int | None, axis: int) -> int:
        """Samples along an axis."""
        return self.cells[axis] + (component == axis and not self.periodic[axis])

    def shape(self, component: int | None) -> tuple[int, ...]:
        return tuple(self.count(component, axis) for axis in self.axes)

    def along(self, component: int | None, axis: int, dtype: torch.dtype | None = None) -> Tensor:
        """Coordinates of the samples along an axis [count] [m]."""
        first = 0.0 if component == axis else 0.5
        places = (torch.arange(self.count(component, axis), dtype=torch.float64) + first) * self.spacing[axis]
        return places.to(self.device, dtype or self.dtype)

    def positions(self, component: int | None) -> tuple[Tensor, ...]:
        """Coordinates that broadcast against a field of samples, one tensor for each axis."""
        return tuple(
            self.along(component, axis).view([-1 if other == axis else 1 for other in self.axes]) for axis in self.axes
        )

    def zeros(self, batch: int, component: int | None) -> Tensor:
        return torch.zeros(batch, *self.shape(component), device=self.device, dtype=self.dtype)
