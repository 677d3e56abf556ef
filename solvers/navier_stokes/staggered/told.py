"""Faces whose velocities have given means in the middles of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.slices import but_first, but_last, first, last

__all__ = ["faces_told"]

SWEEPS = 6


def faces_told(
    grid: Grid, faces: Sequence[Tensor], means: Callable[[Sequence[Tensor]], Tensor], cells: Tensor
) -> list[Tensor]:
    """The faces, moved until their means in the cells are `cells` [batch, *cells, dim].

    What cells miss goes half to each face beside them (Landweber's iteration): of a wave of n cells a sweep leaves the
    share sin^2(pi / n), so that six leave less than 1e-3 of it from 6 cells on; a zigzag, which the means do not see,
    stays as it is.
    """
    found = list(faces)
    for _ in range(SWEEPS):
        gap = (cells - means(found)).unbind(-1)
        found = [u + onto_faces(gap[axis], axis, grid.periodic[axis]) for axis, u in zip(grid.axes, found, strict=True)]
    return found


def onto_faces(gap: Tensor, axis: int, periodic: bool) -> Tensor:
    """Means of the cells on both sides of each face across an axis; of the only one, at an end."""
    if periodic:
        return 0.5 * (gap + gap.roll(1, axis))
    inside = 0.5 * (but_first(gap, axis) + but_last(gap, axis))
    return torch.cat([first(gap, axis), inside, last(gap, axis)], axis)
