"""Slopes of a velocity, and the viscosity of the eddies that a grid does not resolve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import differences, first, last, means

__all__ = ["Eddies", "gradient", "strain_squared"]


def gradient(grid: Grid, sides: Sides, closed: Sequence[Tensor], known: Known) -> list[list[Tensor]]:
    """du_c / dx_a in the middles of the cells, as [c][a]. closed: components with cells + 1 faces."""
    table = []
    for c, u in zip(grid.axes, closed, strict=True):
        row = []
        for axis in grid.axes:
            h = grid.spacing[axis]
            if axis == c:
                row.append(differences(u, axis) / h)
            else:  # the mean over the faces of the cell of central differences across two cells
                padded = means(sides.pad_velocity(u, c, axis, 1, known), c)
                row.append(means(differences(padded, axis), axis) / h)
        table.append(row)
    return table


def strain_squared(slope: Sequence[Sequence[Tensor]]) -> Tensor:
    """|S|^2 = 2 S:S, S the symmetric part of the slopes [1/s^2]."""
    total = torch.zeros_like(slope[0][0])
    for c in range(len(slope)):
        for a in range(len(slope)):
            total = total + 0.5 * (slope[c][a] + slope[a][c]).square()
    return total


@dataclass(frozen=True)
class Eddies:
    """(constant * width)^2 |S|, the width the root of a cell's volume [Smagorinsky 1963]."""

    address: str
    grid: Grid
    sides: Sides

    def viscosity(self, velocity: Sequence[Tensor], constant: Tensor, known: Known) -> Tensor:
        """[batch, *cells] [m^2/s]"""
        closed = [self.sides.closed(u, axis) for axis, u in zip(self.grid.axes, velocity, strict=True)]
        size = strain_squared(gradient(self.grid, self.sides, closed, known)) + torch.finfo(self.grid.dtype).tiny ** 0.5
        width = self.grid.volume ** (1.0 / self.grid.dim)
        return (constant * width).square() * size.sqrt()

    def around(self, cells: Tensor, axis: int) -> Tensor:
        """With one more cell on either side of an axis."""
        ends = (
            (last(cells, axis), first(cells, axis))
            if self.grid.periodic[axis]
            else (first(cells, axis), last(cells, axis))
        )
        return torch.cat([ends[0], cells, ends[1]], dim=axis)

    def between(self, cells: Tensor, component: int, axis: int) -> Tensor:
        """Where component's flux along an axis passes: in cells, or at edges the mean of four."""
        if component == axis:
            return self.around(cells, axis)
        return means(self.around(means(self.around(cells, axis), axis), component), component)
