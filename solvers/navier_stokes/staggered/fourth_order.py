"""The momentum equation with differences of fourth order, as a second opinion on a flow of a staggered grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid

__all__ = ["MARGIN", "FourthOrder"]

MARGIN = 4  # cells beside a side that the stencils cannot look at


@dataclass(frozen=True)
class FourthOrder:
    """Interpolation and slopes between the faces and middles of cells [Morinishi et al. 1998, J. Comput. Phys. 143,
    90-124]. All fields are [batch, *cells]; the sample i of a component stands on the lower face of the cell i. What is
    within MARGIN cells of a side that is not periodic has no meaning.
    """

    grid: Grid

    def on_cells(self, component: Tensor, axis: int) -> Tensor:
        """The component with as many samples along its own axis as there are cells."""
        return component.narrow(axis, 0, self.grid.cells[axis])

    def lower(self, f: Tensor, axis: int) -> Tensor:
        """From middles to lower faces: (9 (f_i-1 + f_i) - (f_i-2 + f_i+1)) / 16."""
        return (9.0 * (f.roll(1, axis) + f) - (f.roll(2, axis) + f.roll(-1, axis))) / 16.0

    def middle(self, f: Tensor, axis: int) -> Tensor:
        """From faces to middles."""
        return self.lower(f, axis).roll(-1, axis)

    def slope_at_lower(self, f: Tensor, axis: int) -> Tensor:
        """Of samples in the middles: (27 (f_i - f_i-1) - (f_i+1 - f_i-2)) / 24 h."""
        across = 27.0 * (f - f.roll(1, axis)) - (f.roll(-1, axis) - f.roll(2, axis))
        return across / (24.0 * self.grid.spacing[axis])

    def slope_at_middle(self, f: Tensor, axis: int) -> Tensor:
        return self.slope_at_lower(f, axis).roll(-1, axis)

    def laplace(self, f: Tensor) -> Tensor:
        """(-f_i-2 + 16 f_i-1 - 30 f_i + 16 f_i+1 - f_i+2) / 12 h^2 along each axis."""
        total = torch.zeros_like(f)
        for axis, h in zip(self.grid.axes, self.grid.spacing, strict=True):
            near, far = f.roll(1, axis) + f.roll(-1, axis), f.roll(2, axis) + f.roll(-2, axis)
            total = total + (16.0 * near - far - 30.0 * f) / (12.0 * h * h)
        return total

    def carried(self, velocity: Sequence[Tensor]) -> list[Tensor]:
        """div(u u_c) of each component."""
        grid = self.grid
        found = []
        for c, q in zip(grid.axes, velocity, strict=True):
            total = self.slope_at_lower(self.middle(q, c).square(), c)
            for axis, w in zip(grid.axes, velocity, strict=True):
                if axis != c:
                    total = total + self.slope_at_middle(self.lower(q, axis) * self.lower(w, c), axis)
            found.append(total)
        return found

    def seen(self, shares: Sequence[Tensor] | None) -> list[Tensor]:
        """1 where the stencils see neither side nor body, 0 elsewhere, for each component [1 or batch, *cells]."""
        grid = self.grid
        inside = torch.ones(1, *grid.cells, device=grid.device, dtype=grid.dtype)
        for axis, n in zip(grid.axes, grid.cells, strict=True):
            if not grid.periodic[axis]:
                place = torch.arange(n, device=grid.device)
                kept = ((place >= MARGIN) & (place < n - MARGIN)).to(grid.dtype)
                inside = inside * kept.view([-1 if a == axis else 1 for a in grid.axes])
        if shares is None:
            return [inside] * grid.dim
        return [
            inside * self.away(self.on_cells(share.detach(), c)) for c, share in zip(grid.axes, shares, strict=True)
        ]

    def away(self, share: Tensor) -> Tensor:
        """1 where nothing solid is within the margin."""
        solid = (share < 1.0).to(self.grid.dtype)
        for axis in self.grid.axes:
            solid = torch.stack([solid.roll(k, axis) for k in range(-MARGIN, MARGIN + 1)]).amax(0)
        return 1.0 - solid
