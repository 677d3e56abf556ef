"""What comes into a box of cells through its sides, and what its obstacles push."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.scenes.domain import AXES
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid

__all__ = ["Entering"]


@dataclass(frozen=True)
class Entering:
    """d/dt (sum over the cells of u V) = sum over sides of +-F A + sum over the cells of push V: the cells change by
    nothing else, so that sums of the right-hand side, in the same stages and with the same steps, are what the box has
    gained, to rounding.

    wraps: axes without sides. immersed: whether there are obstacles.
    """

    grid: Grid
    wraps: tuple[bool, ...]
    immersed: bool

    @property
    def causes(self) -> tuple[str, ...]:
        """Sides, x_lo, x_hi, ..., and obstacles, as far as there are any."""
        sides = [f"{AXES[axis]}_{end}" for axis, wraps in enumerate(self.wraps) if not wraps for end in ("lo", "hi")]
        return (*sides, *(("obstacles",) if self.immersed else ()))

    def rates(self, flux: Tensor, push: Tensor | None) -> Tensor:
        """Of each cause, inwards [batch, cause, field], in double precision. flux: [batch, dim, field, padded cell].
        push: [batch, field, cell]."""
        found = [
            face.reshape(*face.shape[:2], -1).sum(-1, dtype=torch.float64) * area for face, area in self.faces(flux)
        ]
        if self.immersed and push is not None:
            found.append(push.sum(-1, dtype=torch.float64) * self.grid.volume)
        return torch.stack(found, dim=1)

    def rates_transposed(self, bar: Tensor, flux_bar: Tensor, push_bar: Tensor | None) -> None:
        """Adds the cotangent of `rates` to those of fluxes and pushes."""
        columns = iter(bar.to(flux_bar.dtype).unbind(1))
        for face, area in self.faces(flux_bar):
            face += (area * next(columns)).view(*face.shape[:2], *[1] * (face.ndim - 2))
        if self.immersed and push_bar is not None:
            push_bar += (self.grid.volume * next(columns))[..., None]

    def faces(self, flux: Tensor) -> Iterator[tuple[Tensor, float]]:
        """Fluxes through each side [batch, field, *faces], views of what is given, and the area of a face, negative
        where a flux upwards leaves."""
        grid = self.grid
        fields = flux.view(*flux.shape[:3], *grid.padded[: grid.dim])
        inside = [slice(grid.ghosts, grid.ghosts + n) for n in grid.cells]
        for axis, wraps in enumerate(self.wraps):
            if wraps:
                continue
            for first, sign in ((grid.ghosts, 1.0), (grid.ghosts + grid.cells[axis], -1.0)):
                where = [first if a == axis else one for a, one in enumerate(inside)]
                yield fields[(slice(None), axis, slice(None), *where)], sign * grid.volume / grid.spacing[axis]
