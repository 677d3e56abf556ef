"""Advection along paths, corrected by going there and back: stable for any step, second order where it is smooth.

q^ = q at the foot of each path, q~ = q^ carried back; then q^ + (q - q~) / 2, kept within the values around the foot
[Selle, Fedkiw, Kim, Liu & Rossignac 2008, J. Sci. Comput. 35, 350-371].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import Sides

__all__ = ["Paths"]


@dataclass(frozen=True)
class Paths:
    """Follows a velocity for a step. What a path finds beyond a side is what is nearest to it within."""

    grid: Grid
    sides: Sides

    def carried(self, field: Tensor, component: int | None, velocity: Sequence[Tensor], dt: Tensor) -> Tensor:
        """The field after dt [batch, 1, ...]. component: the axis whose faces it stands on; None for cells."""
        foot = self.ends(component, velocity, dt, -1.0)
        landed, low, high = self.sampled(field, component, foot)
        returned, _, _ = self.sampled(landed, component, self.ends(component, velocity, dt, 1.0))
        corrected = landed + 0.5 * (field - returned)
        return torch.minimum(torch.maximum(corrected, low), high)

    def ends(self, component: int | None, velocity: Sequence[Tensor], dt: Tensor, sign: float) -> list[Tensor]:
        """Where paths through the samples are after sign * dt, by the midpoint rule."""
        start = [x[None] for x in self.grid.positions(component)]
        middle = [x + 0.5 * sign * dt * u for x, u in zip(start, self.speeds(velocity, start, component), strict=True)]
        return [x + sign * dt * u for x, u in zip(start, self.speeds(velocity, middle, None), strict=True)]

    def speeds(self, velocity: Sequence[Tensor], places: Sequence[Tensor], component: int | None) -> list[Tensor]:
        return [
            u if axis == component else self.sampled(u, axis, places)[0]
            for axis, u in zip(self.grid.axes, velocity, strict=True)
        ]

    def sampled(self, field: Tensor, component: int | None, places: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Multilinear values at places, and the least and largest of the samples around each."""
        grid, batch = self.grid, field.shape[0]
        counts = field.shape[1:]
        wide = torch.broadcast_tensors(*places, *([field] if places[0].shape[1:] == counts else []))[: grid.dim]
        shape = (batch, *wide[0].shape[1:])
        lower, upper, share = [], [], []
        for axis, x in zip(grid.axes, wide, strict=True):
            n = counts[axis]
            first = 0.0 if component == axis else 0.5
            s = x / grid.spacing[axis] - first
            if not grid.periodic[axis]:
                s = s.clamp(0.0, float(n - 1))
            left = s.detach().floor()
            share.append(s - left)
            index = left.long()
            if grid.periodic[axis]:
                lower.append(index % n)
                upper.append((index + 1) % n)
            else:
                lower.append(index.clamp(max=n - 1))
                upper.append((index + 1).clamp(max=n - 1))
        flat = field.reshape(batch, -1)
        total: Tensor | None = None
        corners = []
        for corner in product((0, 1), repeat=grid.dim):
            index = torch.zeros_like(lower[0])
            for a in range(grid.dim):
                index = index * counts[a] + (upper[a] if corner[a] else lower[a])
            value = flat.gather(1, index.expand(shape).reshape(batch, -1)).view(shape)
            weight = reduce(torch.mul, [s if c else 1.0 - s for s, c in zip(share, corner, strict=True)])
            total = weight * value if total is None else torch.addcmul(total, weight, value)
            corners.append(value)
        assert total is not None
        return total, reduce(torch.minimum, corners), reduce(torch.maximum, corners)
