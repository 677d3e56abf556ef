"""Advection along paths, corrected by going there and back: stable for any step, second order where it is smooth.

q^ = q at the foot of each path, q~ = q^ carried back; then q^ + (q - q~) / 2, or q^ alone where that is beyond the
values around the foot [Selle, Fedkiw, Kim, Liu & Rossignac 2008, J. Sci. Comput. 35, 350-371]. At smooth extrema those
bounds would cut the tops off and cost half an order, so they are widened there by what a parabola through the samples
rises above them, with the smallest of the curvatures around [Suresh & Huynh 1997, J. Comput. Phys. 136, 83-99]; at
jumps, where curvatures have either sign, nothing is added. What is carried besides the flow stays within all of its
values.

A path that leaves the box finds what holds at the side: what flows in, the velocity of a wall, or no slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import Known, Sides

__all__ = ["Paths"]


@dataclass(frozen=True)
class Wide:
    """Samples with a ghost beyond either end of each axis in `ghosts`."""

    values: Tensor
    component: int | None
    ghosts: tuple[int, ...]


@dataclass(frozen=True)
class Paths:
    """Follows a velocity for a step."""

    grid: Grid
    sides: Sides

    # ---- fields beyond the sides

    def wide_velocity(self, field: Tensor, component: int, known: Known) -> Wide:
        ghosts = tuple(axis for axis in self.grid.axes if axis != component and not self.grid.periodic[axis])
        done: list[int] = []
        for axis in ghosts:
            values = {
                place: extended(value, done) if place == ((axis, place[0][1]), component) else value
                for place, value in known.velocity.items()
            }
            field = self.sides.pad_velocity(field, component, axis, 1, replace(known, velocity=values))
            done.append(axis)
        return Wide(field, component, ghosts)

    def wide_tracer(self, field: Tensor, number: int, known: Known) -> Wide:
        ghosts = tuple(axis for axis in self.grid.axes if not self.grid.periodic[axis])
        done: list[int] = []
        for axis in ghosts:
            values = {
                place: extended(value, done) if place == ((axis, place[0][1]), number) else value
                for place, value in known.tracers.items()
            }
            field = self.sides.pad_tracer(field, number, axis, 1, replace(known, tracers=values))
            done.append(axis)
        return Wide(field, None, ghosts)

    # ---- along the paths

    def carried(self, early: Wide, late: Wide, velocity: Sequence[Wide], dt: Tensor, bounded: bool) -> Tensor:
        """The field after dt [batch, ...]; early, late: with what the sides say at either end of the step, beside dt
        [batch, 1, ...]. velocity: halfway. bounded: by the least and the largest of all its values."""
        component, grid = early.component, self.grid
        foot = self.ends(component, velocity, dt, -1.0)
        beyond = self.share_beyond(foot, component, "inflow")
        landed = self.sampled(early, foot)
        if beyond is not None:  # what came in on the way has the value of the moment at which it did
            rise = replace(early, values=late.values - early.values)
            landed = landed + beyond * self.sampled(rise, foot)
        onward = self.ends(component, velocity, dt, 1.0)
        error = 0.5 * (centre(early) - self.sampled(inside(late, landed), onward))
        for left in (beyond, self.share_beyond(onward, component, "outflow")):
            if left is not None:  # nothing to compare with
                error = torch.where(left > 0.0, torch.zeros_like(error), error)
        low, high = self.bounds(early, foot)
        q = landed + error
        q = torch.where((q < low) | (q > high), landed, q)
        if not bounded:
            return q
        axes = tuple(grid.axes)
        least, most = early.values.amin(axes, keepdim=True), early.values.amax(axes, keepdim=True)
        return torch.minimum(torch.maximum(q, torch.minimum(least, landed)), torch.maximum(most, landed))

    def ends(self, component: int | None, velocity: Sequence[Wide], dt: Tensor, sign: float) -> list[Tensor]:
        """Where paths through the samples are after sign * dt, by the midpoint rule."""
        start = [x[None] for x in self.grid.positions(component)]
        middle = [x + 0.5 * sign * dt * u for x, u in zip(start, self.speeds(velocity, start, component), strict=True)]
        return [x + sign * dt * u for x, u in zip(start, self.speeds(velocity, middle, None), strict=True)]

    def speeds(self, velocity: Sequence[Wide], places: Sequence[Tensor], component: int | None) -> list[Tensor]:
        return [centre(u) if u.component == component else self.sampled(u, places) for u in velocity]

    def share_beyond(self, foot: Sequence[Tensor], component: int | None, kind: str) -> Tensor | None:
        """Share of the step that each path is beyond a side of this kind [batch, ...]; None where there is none."""
        start = self.grid.positions(component)
        found: Tensor | None = None
        for axis, x, end, length in zip(self.grid.axes, start, foot, self.grid.size, strict=True):
            for side in (0, 1):
                if self.grid.periodic[axis] or self.sides[axis, side].kind != kind:
                    continue
                over = -end if side == 0 else end - length
                way = (end - x).abs().clamp(min=torch.finfo(end.dtype).tiny)
                share = (over.clamp(min=0.0) / way).clamp(max=1.0)
                found = share if found is None else torch.maximum(found, share)
        return found

    # ---- values between samples

    def corners(self, field: Wide, places: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Indices of the samples below and above each place along each axis, and how far it is between them."""
        grid, counts = self.grid, field.values.shape[1:]
        lower, upper, share = [], [], []
        for axis, x in zip(grid.axes, places, strict=True):
            n = counts[axis]
            first = 0.0 if field.component == axis else 0.5
            if not grid.periodic[axis]:
                x = x.clamp(0.0, grid.size[axis])
            s = x / grid.spacing[axis] - first + (axis in field.ghosts)
            left = s.detach().floor()
            index = left.long()
            if grid.periodic[axis]:
                lower.append(index % n)
                upper.append((index + 1) % n)
            else:
                index = index.clamp(0, n - 2)
                left = index.to(s.dtype)
                lower.append(index)
                upper.append(index + 1)
            share.append(s - left)
        return lower, upper, share

    def sampled(self, field: Wide, places: Sequence[Tensor]) -> Tensor:
        """Multilinear values at places."""
        lower, upper, share = self.corners(field, places)
        total: Tensor | None = None
        for corner in product((0, 1), repeat=self.grid.dim):
            value = gathered(field.values, [u if c else b for c, b, u in zip(corner, lower, upper, strict=True)])
            weight = reduce(torch.mul, [s if c else 1.0 - s for s, c in zip(share, corner, strict=True)])
            total = weight * value if total is None else torch.addcmul(total, weight, value)
        assert total is not None
        return total

    def bounds(self, field: Wide, places: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The least and the largest of the samples around each place, widened where they lie on a smooth top."""
        q = field.values
        low, high, sink, rise = q, q, torch.zeros_like(q), torch.zeros_like(q)
        for axis in self.grid.axes:
            turns = self.grid.periodic[axis]
            bend = bends(q, axis, turns)
            least, most = bend, bend
            for other in self.grid.axes:  # of the corners of the cell above each sample
                wraps = self.grid.periodic[other]
                least = torch.minimum(least, ahead(least, other, wraps))
                most = torch.maximum(most, ahead(most, other, wraps))
            rise = rise - 0.125 * most.clamp(max=0.0)
            sink = sink + 0.125 * least.clamp(min=0.0)
            low = torch.minimum(low, ahead(low, axis, turns))
            high = torch.maximum(high, ahead(high, axis, turns))
        lower, _, _ = self.corners(field, places)
        return gathered(low - sink, lower), gathered(high + rise, lower)


def gathered(q: Tensor, index: Sequence[Tensor]) -> Tensor:
    """q at indices along each axis [batch or 1, ...]"""
    counts = q.shape[1:]
    flat = torch.zeros_like(index[0])
    for n, one in zip(counts, index, strict=True):
        flat = flat * n + one
    flat = flat.expand(len(q), *flat.shape[1:])
    return q.reshape(len(q), -1).gather(1, flat.reshape(len(q), -1)).view(flat.shape)


def ahead(q: Tensor, axis: int, wraps: bool) -> Tensor:
    """The next sample along an axis; the last is its own where nothing follows."""
    if wraps:
        return q.roll(-1, axis)
    return torch.cat([q.narrow(axis, 1, q.shape[axis] - 1), q.narrow(axis, q.shape[axis] - 1, 1)], dim=axis)


def bends(q: Tensor, axis: int, wraps: bool) -> Tensor:
    """q_i+1 - 2 q_i + q_i-1; at an end that of the sample beside it."""
    if wraps:
        return q.roll(-1, axis) - 2.0 * q + q.roll(1, axis)
    n = q.shape[axis]
    second = q.narrow(axis, 2, n - 2) - 2.0 * q.narrow(axis, 1, n - 2) + q.narrow(axis, 0, n - 2)
    return torch.cat([second.narrow(axis, 0, 1), second, second.narrow(axis, n - 3, 1)], dim=axis)


def centre(field: Wide) -> Tensor:
    """The samples without ghosts."""
    q = field.values
    for axis in field.ghosts:
        q = q.narrow(axis, 1, q.shape[axis] - 2)
    return q


def inside(field: Wide, values: Tensor) -> Wide:
    """Other samples between the same ghosts."""
    q = field.values
    rows = values
    for axis in reversed(field.ghosts):
        shell = q
        for other in field.ghosts:
            if other < axis:
                shell = shell.narrow(other, 1, shell.shape[other] - 2)
        last = shell.shape[axis] - 1
        rows = torch.cat([shell.narrow(axis, 0, 1), rows, shell.narrow(axis, last, 1)], dim=axis)
    return replace(field, values=rows)


def extended(value: Tensor, axes: Sequence[int]) -> Tensor:
    """What holds along a side, once more beyond its ends along axes that have ghosts."""
    for axis in axes:
        if value.shape[axis] > 1:
            last = value.shape[axis] - 1
            value = torch.cat([value.narrow(axis, 0, 1), value, value.narrow(axis, last, 1)], dim=axis)
    return value
