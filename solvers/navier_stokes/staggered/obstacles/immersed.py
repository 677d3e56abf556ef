"""Fluid and solid as one field: the boundary data immersion method, smooth in the pose and form of the bodies.

Within a cell's width of a surface the equations of the fluid and of the body are joined by a kernel,

    u = V + mu_0 f + mu_1 n.grad f,   f = (what the fluid alone would have) - V,

with mu_0, mu_1 the zeroth and first moment of the kernel over the fluid's side. Just outside, u is then what a straight
profile from the surface gives: second order [Maertens & Weymouth 2015, Comput. Methods Appl. Mech. Eng. 283, 106-129].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.obstacles.joining import Held, Immersion, Place, Window, embedded
from scenegrad.solvers.navier_stokes.staggered.obstacles.motion import Motion, Pose
from scenegrad.solvers.navier_stokes.staggered.obstacles.recalling import recalled
from scenegrad.solvers.navier_stokes.staggered.obstacles.shapes import Distance

__all__ = ["Body", "Immersion", "Obstacles", "Standing"]

WIDTH = 1.0  # of the kernel to either side of a surface, in cells


@dataclass(frozen=True)
class Body:
    """One obstacle. tracers: address and value on its surface, by the tracer's number."""

    name: str
    distance: Distance
    motion: Motion
    numbers: tuple[str, ...]  # addresses that its distance depends on
    tracers: dict[int, str]


def mu_0(d: Tensor) -> Tensor:
    """Share of the kernel (1 + cos pi t) / 2 on the fluid's side, d in half widths; 1 in the fluid."""
    d = d.clamp(-1.0, 1.0)
    return 0.5 * (1.0 + d + torch.sin(math.pi * d) / math.pi)


def mu_1(d: Tensor) -> Tensor:
    """First moment of the same; 0 beyond the kernel, and not nearly so."""
    inside = d.abs() < 1.0
    d = d.clamp(-1.0, 1.0)
    found = 0.25 * (1.0 - d.square()) - 0.5 * (
        d * torch.sin(math.pi * d) + (1.0 + torch.cos(math.pi * d)) / math.pi
    ) / (math.pi)
    return torch.where(inside, found, 0.0)


@dataclass(frozen=True)
class Standing:
    """Bodies that stand where they stood: known for a whole step, and differentiated once in it."""

    immersion: Immersion
    still: bool = True

    @property
    def insulate(self) -> bool:
        return bool(self.immersion.insulating)

    def at(self, params: Params, time: Tensor) -> Immersion:
        return self.immersion


@dataclass(frozen=True)
class Obstacles:
    """Bodies of a scene on a grid. What stands still is worked out once for the same numbers."""

    grid: Grid
    bodies: tuple[Body, ...]
    tracers: int  # how many are carried
    known: dict[str, tuple[tuple, Any, tuple[Tensor, ...]]] = field(default_factory=dict, compare=False)

    @property
    def width(self) -> float:
        return WIDTH * max(self.grid.spacing)

    @property
    def insulate(self) -> bool:
        """Whether some tracer cannot pass some body."""
        return any(number not in body.tracers for body in self.bodies for number in range(self.tracers))

    @property
    def still(self) -> bool:
        return not any(body.motion.moves for body in self.bodies)

    def at(self, params: Params, time: Tensor) -> Immersion:
        if not self.still:
            return self.immersion(params, time, self.window(params, time))
        names = [name for body in self.bodies for name in (*body.numbers, *body.tracers.values())]
        values = tuple(params[name] for name in names)
        key = tuple((value.data_ptr(), value._version, value.shape) for value in values)
        if "still" not in self.known or self.known["still"][0] != key:
            own = params.replace({name: params[name].detach().requires_grad_() for name in names})
            with torch.enable_grad():
                graph = self.immersion(own, time, self.window(params, time))
            self.known["still"] = (key, (graph, [own[name] for name in names]), values)
        graph, leaves = self.known["still"][1]
        return recalled(graph, leaves, values)

    @torch.no_grad()
    def window(self, params: Params, time: Tensor) -> Window:
        """All cells near a body of any member, with two more on each side."""
        poses = [body.motion.at(params, time) for body in self.bodies]
        places = [x[None] for x in self.grid.positions(None)]
        reach = self.width + 2.0 * max(self.grid.spacing)
        near = [(d < reach).expand(len(d), *self.grid.cells).any(0) for d in self.distances(params, poses, places)]
        return Window.around(reduce(torch.logical_or, near), self.grid)

    def distances(
        self, params: Params, poses: Sequence[Pose], places: Sequence[Tensor], which: Sequence[int] | None = None
    ) -> list[Tensor]:
        """To each of some bodies."""
        chosen = range(len(self.bodies)) if which is None else which
        return [self.bodies[n].distance(params, in_body(places, poses[n], self.grid)) for n in chosen]

    def immersion(self, params: Params, time: Tensor, window: Window) -> Immersion:
        poses = [body.motion.at(params, time) for body in self.bodies]
        components, nearest = [], []
        for axis in self.grid.axes:
            place = window.place(self.grid, axis)
            away, slopes, chosen = self.surroundings(params, poses, axis, range(len(self.bodies)), place)
            components.append(self.held(away, slopes, self.velocity(poses, axis, chosen, place), axis, place))
            nothing = self.grid.zeros(1, axis)
            nearest.append(chosen if len(chosen) == 1 else [embedded(nothing, one, place) for one in chosen])
        tracers: dict[int, Held] = {}
        insulating: dict[int, list[Tensor]] = {}
        for number in range(self.tracers):
            holding = [n for n, body in enumerate(self.bodies) if number in body.tracers]
            others = [n for n in range(len(self.bodies)) if n not in holding]
            if holding:
                place = window.place(self.grid, None)
                away, slopes, chosen = self.surroundings(params, poses, None, holding, place)
                values = [params[self.bodies[n].tracers[number]].to(self.grid.dtype) for n in holding]
                ones = [1] * self.grid.dim
                value = reduce(torch.add, [c * v.view(-1, *ones) for c, v in zip(chosen, values, strict=True)])
                tracers[number] = self.held(away, slopes, value, None, place)
            if others:
                insulating[number] = [
                    self.share(self.surroundings(params, poses, axis, others, place)[0], axis, place)
                    for axis, place in ((axis, window.place(self.grid, axis)) for axis in self.grid.axes)
                ]
        return Immersion(components, tracers, insulating, nearest, poses)

    def share(self, away: Tensor, component: int | None, place: Place) -> Tensor:
        """mu_0, 1 beyond a window."""
        return embedded(self.grid.zeros(1, component).add_(1.0), mu_0(away / self.width), place)

    def held(
        self, away: Tensor, slopes: Sequence[Tensor], value: Tensor | float, component: int | None, place: Place
    ) -> Held:
        """slopes: of the distance along each axis."""
        d = away / self.width
        moment, near = self.width * mu_1(d), mu_0(d)
        along = [moment * slope / h for slope, h in zip(slopes, self.grid.spacing, strict=True)]
        whole = embedded(self.grid.zeros(1, component).add_(1.0), near, place)
        return Held(whole, near, along, value, place)

    def surroundings(
        self, params: Params, poses: Sequence[Pose], component: int | None, which: Sequence[int], place: Place
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Within a window: distance to the nearest body, its slope along each axis, and 1 where each body is the
        nearest. Half a cell ahead and behind are looked at together with the samples themselves."""
        dim, shape = self.grid.dim, tuple(part.stop - part.start for part in place)
        copies = 1 + 2 * dim
        each = [
            d.expand(len(d), copies * shape[0], *shape[1:]).unflatten(1, (copies, shape[0]))
            for d in self.distances(params, poses, self.moved(component, place), which)
        ]
        away = reduce(torch.minimum, each)
        slopes = [(away[:, 1 + 2 * a] - away[:, 2 + 2 * a]) / h for a, h in enumerate(self.grid.spacing)]
        if len(each) == 1:
            return away[:, 0], slopes, [torch.ones([1] * (dim + 1), device=away.device, dtype=away.dtype)]
        best = torch.stack([d[:, 0] for d in each]).detach().argmin(0)
        return away[:, 0], slopes, [(best == n).to(away.dtype) for n in range(len(each))]

    def moved(self, component: int | None, place: Place) -> list[Tensor]:
        """Places of the samples in a window, and of the same moved half a cell ahead and behind along each axis, one
        after the other along the first axis."""
        grid, count = self.grid, place[0].stop - place[0].start
        found = []
        for a, x in enumerate(self.within(component, place)):
            shifts = x.new_zeros(1 + 2 * grid.dim)
            shifts[1 + 2 * a], shifts[2 + 2 * a] = 0.5 * grid.spacing[a], -0.5 * grid.spacing[a]
            ones = [1] * (grid.dim - 1)
            if a == 0:
                found.append((shifts[:, None] + x.flatten()).view(1, -1, *ones))
            else:
                found.append(x + shifts.repeat_interleave(count).view(1, -1, *ones))
        return found

    def within(self, component: int | None, place: Place) -> list[Tensor]:
        """Places of the samples in a window, to broadcast [1, ...]."""
        columns = zip(self.grid.axes, self.grid.positions(component), place, strict=True)
        return [x.narrow(axis, part.start, part.stop - part.start)[None] for axis, x, part in columns]

    def velocity(self, poses: Sequence[Pose], axis: int, chosen: Sequence[Tensor], place: Place) -> Tensor | float:
        """Of the nearest body, at the faces across an axis."""
        if self.still:
            return 0.0
        places = self.within(axis, place)
        pieces = []
        for pose, share in zip(poses, chosen, strict=True):
            value = rigid_velocity(places, pose, axis + self.grid.dim, self.grid)
            if value is not None:
                pieces.append(share * value)
        return reduce(torch.add, pieces) if pieces else 0.0


def beside(value: Tensor, grid: Grid) -> Tensor:
    return value.to(grid.device, grid.dtype).view(-1, *[1] * grid.dim)


def away_from(places: Sequence[Tensor], pose: Pose, grid: Grid) -> list[Tensor]:
    """From the centre of a body to the places."""
    away = [x - beside(c, grid) for x, c in zip(shifted(places, pose, grid), pose.center, strict=True)]
    return [x - far for x, far in zip(away, boxes_off(away, pose, grid), strict=True)]


def in_body(places: Sequence[Tensor], pose: Pose, grid: Grid) -> list[Tensor]:
    """The places as the body sees them, which thinks that it has not moved."""
    if pose.turn is None:
        now = shifted(places, pose, grid)
        away = [x - beside(c, grid) for x, c in zip(now, pose.center, strict=True)]
        return [x - far for x, far in zip(now, boxes_off(away, pose, grid), strict=True)]
    away = away_from(places, pose, grid)
    back = pose.turn.transpose(1, 2)
    found = []
    for row, center in enumerate(pose.center):
        terms = [beside(back[:, row, column], grid) * away[column] for column in range(grid.dim)]
        found.append(reduce(torch.add, terms) + beside(center, grid))
    return found


def shifted(places: Sequence[Tensor], pose: Pose, grid: Grid) -> list[Tensor]:
    """The places before the body moved, but for its turn."""
    return [x - beside(s, grid) for x, s in zip(places, pose.shift, strict=True)] if pose.shift else list(places)


def boxes_off(away: Sequence[Tensor], pose: Pose, grid: Grid) -> list[Tensor | float]:
    """How far a body is from that of its images which is nearest to a place, whole lengths of the box. away: of the
    places from the centre of the body."""
    found: list[Tensor | float] = []
    for x, images, length, wraps in zip(away, pose.images, grid.size, grid.periodic, strict=True):
        if wraps:
            boxes = ((x.detach() - beside(images.middle, grid)) / length).round()
            found.append(length * beside(images.recurs, grid) * boxes)
        else:
            found.append(0.0)
    return found


def rigid_velocity(places: Sequence[Tensor], pose: Pose, axis: int, grid: Grid) -> Tensor | None:
    """v + omega x r along an axis (0, 1, 2); None of a body at rest."""
    total = beside(pose.velocity[axis], grid) if pose.velocity else None
    if not pose.spin:
        return total
    away = away_from(places, pose, grid)
    if grid.dim == 2:
        spin = beside(pose.spin[0], grid)
        turning = -spin * away[1] if axis == 0 else spin * away[0]
    else:
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turning = beside(pose.spin[i], grid) * away[j] - beside(pose.spin[j], grid) * away[i]
    return turning if total is None else total + turning
