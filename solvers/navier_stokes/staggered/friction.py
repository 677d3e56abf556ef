"""What viscosity takes of a flow on a staggered grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import differences

__all__ = ["slopes_squared"]


def slopes_squared(sides: Sides, u: Sequence[Tensor], known: Known) -> Tensor:
    """Integral of |grad u|^2, such that viscosity takes just so much from faces that may move, and else only passes on
    what walls do [batch] [m^dim/s^2]."""
    grid, parts = sides.grid, []
    for c, q in zip(grid.axes, u, strict=True):
        for axis, h in zip(grid.axes, grid.spacing, strict=True):
            steps = differences(sides.pad_velocity(q, c, axis, 1, known), axis) / h
            weight = torch.full([1] * grid.dim, grid.volume, device=grid.device, dtype=grid.dtype)
            if axis == c:
                steps = steps.narrow(axis, 1, grid.cells[axis])
            elif grid.periodic[axis]:
                steps = steps.narrow(axis, 0, grid.cells[axis])
            else:
                weight = weight * ends(grid, axis, steps.shape[axis], (0.5, 0.5))
            if axis != c and not grid.periodic[c]:
                moving = [0.5 if sides[c, side].kind == "outflow" else 0.0 for side in (LO, HI)]
                weight = weight * ends(grid, c, steps.shape[c], (moving[0], moving[1]))
            parts.append((steps.square() * weight).flatten(1).sum(1))
    return torch.stack(parts).sum(0)


def ends(grid: Grid, axis: int, count: int, shares: tuple[float, float]) -> Tensor:
    """1, but these at the ends of an axis."""
    weight = torch.ones(count, device=grid.device, dtype=grid.dtype)
    weight[0], weight[-1] = shares
    return weight.view([-1 if a == axis else 1 for a in grid.axes])
