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

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.obstacles.motion import Motion, Pose
from scenegrad.solvers.navier_stokes.staggered.obstacles.shapes import Distance
from scenegrad.solvers.navier_stokes.staggered.slices import but_first, but_last, first, last

__all__ = ["Body", "Held", "Immersion", "Obstacles", "Standing"]

WIDTH = 1.0  # of the kernel to either side of a surface, in cells

# Times that a step joins fluid and body. Joining once leaves the fluid next to a surface the acceleration of one step,
# so that the body seems thinner the longer the step is. Measured on the cylinder at Reynolds 20 (docs/sources.md): its
# drag is 5.47 if joined once, 5.65 with four times, on ten cells across it.
REPEATS = 4


@dataclass(frozen=True)
class Body:
    """One obstacle. tracers: address and value on its surface, by the tracer's number."""

    name: str
    distance: Distance
    motion: Motion
    numbers: tuple[str, ...]  # addresses that its distance depends on
    tracers: dict[int, str]


@dataclass(frozen=True)
class Held:
    """How the bodies hold the samples of one component, or of one tracer.

    share: mu_0 [batch, *samples]; slopes: mu_1 n along each axis; value: V.
    """

    share: Tensor
    slopes: list[Tensor]
    value: Tensor | float

    def joined(self, fluid: Tensor, grid: Grid) -> Tensor:
        """V + B^n f, with B f = mu_0 f + mu_1 n.grad f."""
        f = fluid - self.value
        for _ in range(REPEATS):
            found = self.share * f
            for axis, slope in zip(grid.axes, self.slopes, strict=True):
                found = torch.addcmul(found, slope, central(f, axis, grid.periodic[axis]))
            f = found
        return self.value + f


@dataclass(frozen=True)
class Immersion:
    """All bodies at one time. components: by axis; insulating: mu_0 of the bodies that let nothing of a tracer pass,
    on the faces across each axis; parts: share of each body in what is solid at a face, by body and axis."""

    components: list[Held]
    tracers: dict[int, Held]
    insulating: dict[int, list[Tensor]]
    nearest: list[list[Tensor]]
    poses: list[Pose]


def central(f: Tensor, axis: int, periodic: bool) -> Tensor:
    """(f_i+1 - f_i-1) / 2, one-sided at the ends."""
    ends = (last(f, axis), first(f, axis)) if periodic else (first(f, axis), last(f, axis))
    padded = torch.cat([ends[0], f, ends[1]], dim=axis)
    return 0.5 * (but_first(but_first(padded, axis), axis) - but_last(but_last(padded, axis), axis))


def mu_0(d: Tensor) -> Tensor:
    """Share of the kernel (1 + cos pi t) / 2 on the fluid's side, d in half widths; 1 in the fluid."""
    d = d.clamp(-1.0, 1.0)
    return 0.5 * (1.0 + d + torch.sin(math.pi * d) / math.pi)


def mu_1(d: Tensor) -> Tensor:
    """First moment of the same."""
    d = d.clamp(-1.0, 1.0)
    return 0.25 * (1.0 - d.square()) - 0.5 * (d * torch.sin(math.pi * d) + (1.0 + torch.cos(math.pi * d)) / math.pi) / (
        math.pi
    )


@dataclass(frozen=True)
class Standing:
    """Bodies that stand where they stood: known for a whole step, and differentiated once in it."""

    immersion: Immersion
    still: bool = True

    def at(self, params: Params, time: Tensor) -> Immersion:
        return self.immersion


@dataclass(frozen=True)
class Obstacles:
    """Bodies of a scene on a grid. What stands still is worked out once for the same numbers."""

    grid: Grid
    bodies: tuple[Body, ...]
    tracers: int  # how many are carried
    known: dict[str, tuple[tuple, Immersion, tuple[Tensor, ...]]] = field(default_factory=dict, compare=False)

    @property
    def width(self) -> float:
        return WIDTH * max(self.grid.spacing)

    @property
    def still(self) -> bool:
        return not any(body.motion.moves for body in self.bodies)

    def at(self, params: Params, time: Tensor) -> Immersion:
        values = tuple(params[name] for body in self.bodies for name in (*body.numbers, *body.tracers.values()))
        learning = torch.is_grad_enabled() and any(value.requires_grad for value in values)
        if not self.still or learning:
            return self.immersion(params, time)
        key = tuple((value.data_ptr(), value._version, value.shape) for value in values)
        if "still" not in self.known or self.known["still"][0] != key:
            with torch.no_grad():
                self.known["still"] = (key, self.immersion(params, time), values)
        return self.known["still"][1]

    def immersion(self, params: Params, time: Tensor) -> Immersion:
        poses = [body.motion.at(params, time) for body in self.bodies]
        components, nearest = [], []
        for axis in self.grid.axes:
            away, slopes, chosen = self.surroundings(params, poses, axis, range(len(self.bodies)))
            value = self.velocity(poses, axis, chosen)
            components.append(self.held(away, slopes, value))
            nearest.append(chosen)
        tracers: dict[int, Held] = {}
        insulating: dict[int, list[Tensor]] = {}
        for number in range(self.tracers):
            holding = [n for n, body in enumerate(self.bodies) if number in body.tracers]
            others = [n for n in range(len(self.bodies)) if n not in holding]
            if holding:
                away, slopes, chosen = self.surroundings(params, poses, None, holding)
                values = [params[self.bodies[n].tracers[number]].to(self.grid.dtype) for n in holding]
                ones = [1] * self.grid.dim
                value = reduce(torch.add, [c * v.view(-1, *ones) for c, v in zip(chosen, values, strict=True)])
                tracers[number] = self.held(away, slopes, value)
            if others:
                insulating[number] = [
                    mu_0(self.distance(params, poses, axis, others)[0] / self.width) for axis in self.grid.axes
                ]
        return Immersion(components, tracers, insulating, nearest, poses)

    def held(self, away: Tensor, slopes: Sequence[Tensor], value: Tensor | float) -> Held:
        """slopes: of the distance along each axis."""
        d = away / self.width
        moment = self.width * mu_1(d)
        along = [moment * slope / h for slope, h in zip(slopes, self.grid.spacing, strict=True)]
        return Held(mu_0(d), along, value)

    def surroundings(
        self, params: Params, poses: Sequence[Pose], component: int | None, which: Sequence[int]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Distance to the nearest body, its slope along each axis, and 1 where each body is the nearest."""
        away, each = self.distance(params, poses, component, which)
        slopes = []
        for a, h in enumerate(self.grid.spacing):
            ahead, behind = (self.distance(params, poses, component, which, (a, s * 0.5 * h))[0] for s in (1.0, -1.0))
            slopes.append((ahead - behind) / h)
        if len(each) == 1:
            return away, slopes, [torch.ones([1] * (self.grid.dim + 1), device=away.device, dtype=away.dtype)]
        stacked = torch.stack(each)
        best = stacked.detach().argmin(0)
        return away, slopes, [(best == n).to(away.dtype) for n in range(len(each))]

    def distance(
        self,
        params: Params,
        poses: Sequence[Pose],
        component: int | None,
        which: Sequence[int],
        shift: tuple[int, float] = (0, 0.0),
    ) -> tuple[Tensor, list[Tensor]]:
        """To the nearest of some bodies, and to each, at samples moved by `shift` along an axis."""
        places = [x[None] for x in self.grid.positions(component)]
        places[shift[0]] = places[shift[0]] + shift[1]
        shape = self.grid.shape(component)
        each = []
        for n in which:
            found = self.bodies[n].distance(params, in_body(places, poses[n], self.grid))
            each.append(found.expand(found.shape[0], *shape))
        return reduce(torch.minimum, each), each

    def velocity(self, poses: Sequence[Pose], axis: int, chosen: Sequence[Tensor]) -> Tensor | float:
        """Of the nearest body, at the faces across an axis."""
        if self.still:
            return 0.0
        places = [x[None] for x in self.grid.positions(axis)]
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
    away = [x - beside(c, grid) for x, c in zip(places, pose.center, strict=True)]
    return [x - beside(s, grid) for x, s in zip(away, pose.shift, strict=True)] if pose.shift else away


def in_body(places: Sequence[Tensor], pose: Pose, grid: Grid) -> list[Tensor]:
    """The places as the body sees them, which thinks that it has not moved."""
    if pose.turn is None:
        return [x - beside(s, grid) for x, s in zip(places, pose.shift, strict=True)] if pose.shift else list(places)
    away = away_from(places, pose, grid)
    back = pose.turn.transpose(1, 2)
    found = []
    for row, center in enumerate(pose.center):
        terms = [beside(back[:, row, column], grid) * away[column] for column in range(grid.dim)]
        found.append(reduce(torch.add, terms) + beside(center, grid))
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
