"""Vorticity at the edges of cells, where the differences of a staggered velocity meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import differences

__all__ = ["EdgeVorticity"]

NOTHING = Known({}, {}, {})


@dataclass(frozen=True)
class EdgeVorticity:
    """w_k = d_i u_j - d_j u_i on the edges along k; linear in the velocity and in what the sides say.

    A curl of rates of change takes sides that say nothing: they do not change.
    """

    grid: Grid
    sides: Sides

    @property
    def planes(self) -> tuple[tuple[int, int], ...]:
        """(i, j) of each component, the one about z alone in two dimensions."""
        return ((-2, -1),) if self.grid.dim == 2 else ((-2, -1), (-1, -3), (-3, -2))

    def curl(self, velocity: Sequence[Tensor], known: Known = NOTHING) -> list[Tensor]:
        return [self.slope(velocity, j, i, known) - self.slope(velocity, i, j, known) for i, j in self.planes]

    def slope(self, velocity: Sequence[Tensor], component: int, axis: int, known: Known) -> Tensor:
        """du_component / dx_axis on the edges."""
        padded = self.sides.pad_velocity(velocity[component], component, axis, 1, known)
        steps = differences(padded, axis) / self.grid.spacing[axis]
        return steps.narrow(axis, 0, self.grid.cells[axis]) if self.grid.periodic[axis] else steps

    def weights(self, plane: tuple[int, int]) -> Tensor:
        """Volume of each edge, those on sides having half of one or a quarter [*edges] [m^dim]."""
        grid = self.grid
        total = torch.full([1] * grid.dim, grid.volume, device=grid.device, dtype=grid.dtype)
        for axis in plane:
            total = total * halved(grid, axis)
        return total

    def inner(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """Integral of a . b [batch]"""
        parts = [(x * y * self.weights(plane)).flatten(1).sum(1) for plane, x, y in zip(self.planes, a, b, strict=True)]
        return torch.stack(parts).sum(0)

    def slopes_squared(self, w: Sequence[Tensor]) -> Tensor:
        """Integral of |grad w|^2 over what lies between edges [batch]"""
        grid, parts = self.grid, []
        for plane, one in zip(self.planes, w, strict=True):
            for axis, h in zip(grid.axes, grid.spacing, strict=True):
                if grid.periodic[axis]:
                    steps = (one.roll(-1, axis) - one) / h
                else:
                    steps = differences(one, axis) / h
                weight = torch.full([1] * grid.dim, grid.volume, device=grid.device, dtype=grid.dtype)
                for other in plane:
                    if other != axis:
                        weight = weight * halved(grid, other)
                parts.append((steps.square() * weight).flatten(1).sum(1))
        return torch.stack(parts).sum(0)


def halved(grid: Grid, axis: int) -> Tensor:
    """1, but 1/2 at the ends of an axis that has such; for samples on both ends of it."""
    count = grid.cells[axis] + (not grid.periodic[axis])
    weight = torch.ones(count, device=grid.device, dtype=grid.dtype)
    if not grid.periodic[axis]:
        weight[0] = weight[-1] = 0.5
    return weight.view([-1 if a == axis else 1 for a in grid.axes])
