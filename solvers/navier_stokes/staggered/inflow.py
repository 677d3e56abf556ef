"""What a flow on a staggered grid carries into its box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import first, last, means

__all__ = ["energy_carried_in"]


def energy_carried_in(sides: Sides, u: Sequence[Tensor], known: Known) -> Tensor:
    """Of kinetic energy per density, through inflows and outflows: -1/2 of the integral of u^2 u.n [batch]."""
    grid = sides.grid
    closed = {c: sides.closed(q, c) for c, q in zip(grid.axes, u, strict=True)}
    total = torch.zeros(len(u[0]), device=grid.device, dtype=grid.dtype)
    for axis, h in zip(grid.axes, grid.spacing, strict=True):
        for side, pick in ((LO, first), (HI, last)):
            if sides[axis, side].kind not in ("inflow", "outflow"):
                continue
            across = pick(closed[axis], axis)
            square = across.square()
            for c in grid.axes:
                if c != axis:
                    told = middled(known, c, grid.cells[c])
                    ghosted = sides.pad_velocity(means(closed[c], c), c, axis, 1, told)
                    square = square + pick(means(ghosted, axis), axis).square()
            sign = 1.0 if side == LO else -1.0
            total = total + 0.5 * sign * (square * across).flatten(1).sum(1) * grid.volume / h
    return total


def middled(known: Known, component: int, cells: int) -> Known:
    """What sides say of a component, where it has been moved to the middles of the cells."""
    moved = {
        place: means(value, component) if value.ndim and value.shape[component] == cells + 1 else value
        for place, value in known.velocity.items()
    }
    return replace(known, velocity=moved)
