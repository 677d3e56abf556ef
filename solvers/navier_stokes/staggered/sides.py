"""What the sides of the box impose on velocity, pressure and tracers, and the ghosts that say it to a stencil.

A ghost makes the mean across the side the value there: g = 2 b - q, second order at a wall that lies between samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.ghosts import Ghost, faced, padded, wrapped
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sources import Source

__all__ = ["Held", "Known", "Side", "Sides", "TracerSide"]

LO, HI = 0, 1
Held = Literal["value", "slope"]  # what a ghost holds: a value on the side, or no slope across it


@dataclass(frozen=True)
class TracerSide:
    """What one tracer does at a side: it has a value there, or so much of it comes in, or nothing is said."""

    kind: Literal["value", "flux", "free"] = "free"
    source: Source | None = None


@dataclass(frozen=True)
class Side:
    """One side of the box. velocity: by component, None where it is zero; of a slip side none is along it."""

    kind: Literal["periodic", "wall", "slip", "inflow", "outflow"]
    velocity: tuple[Source | None, ...] = ()
    pressure: Source | None = None
    tracers: tuple[TracerSide, ...] = ()

    def held(self, along: bool) -> Held:
        """What a velocity across the side, or along it, obeys."""
        if self.kind == "outflow" or (self.kind == "slip" and along):
            return "slope"
        return "value"


Place = tuple[int, int]  # axis (negative) and LO or HI


@dataclass(frozen=True)
class Known:
    """The values of the sides at one time; what is zero is not there."""

    velocity: dict[tuple[Place, int], Tensor]  # by side and component
    pressure: dict[Place, Tensor]
    tracers: dict[tuple[Place, int], Tensor]  # values, or what comes in through the side


@dataclass(frozen=True)
class Sides:
    grid: Grid
    sides: dict[Place, Side]

    def __getitem__(self, place: Place) -> Side:
        return self.sides[place]

    def at(self, params: Params, time: Tensor) -> Known:
        velocity, pressure, tracers = {}, {}, {}
        for place, side in self.sides.items():
            for component, source in zip(self.grid.axes, side.velocity, strict=False):
                if source is not None:
                    velocity[place, component] = source.at(params, time)
            if side.pressure is not None:
                pressure[place] = side.pressure.at(params, time)
            for number, tracer in enumerate(side.tracers):
                if tracer.source is not None:
                    tracers[place, number] = tracer.source.at(params, time)
        return Known(velocity, pressure, tracers)

    def extremes(self, params: Params, batch: int) -> list[Known]:
        """The values at the start; where some change with time, twice, with those at their least and at their most."""
        now = self.at(params, torch.zeros(batch, dtype=torch.float64))
        moving = {
            (place, component): source.ends(params)
            for place, side in self.sides.items()
            for component, source in zip(self.grid.axes, side.velocity, strict=False)
            if source is not None and source.varies
        }
        if not moving:
            return [now]
        ends = ({where: pair[end] for where, pair in moving.items()} for end in (0, 1))
        return [replace(now, velocity={**now.velocity, **end}) for end in ends]

    def faster(self, params: Params, time: Tensor) -> Known:
        """How fast the velocities that change with time do so [m/s^2]."""
        changing = {
            (place, component): source
            for place, side in self.sides.items()
            for component, source in zip(self.grid.axes, side.velocity, strict=False)
            if source is not None and source.varies
        }
        if not changing:
            return Known({}, {}, {})
        _, rates = torch.autograd.functional.jvp(
            lambda t: tuple(source.at(params, t) for source in changing.values()),
            time,
            torch.ones_like(time),
            create_graph=torch.is_grad_enabled(),
        )
        return Known(dict(zip(changing, rates, strict=True)), {}, {})

    @property
    def open(self) -> bool:
        """Whether fluid can leave, so that the pressure is known somewhere."""
        return any(side.kind == "outflow" for side in self.sides.values())

    # ---- ghosts

    def pad_velocity(self, q: Tensor, component: int, axis: int, width: int, known: Known) -> Tensor:
        """A component with `width` ghosts on either side of an axis."""
        if self.grid.periodic[axis]:
            # Along its own axis the faces have the first one once more at the end, as between walls.
            return wrapped(q, axis, width, width + (component == axis))

        ghosts = [self.velocity_ghosts(component, axis, side, width) for side in (LO, HI)]
        lo, hi = (None if component == axis else known.velocity.get(((axis, side), component)) for side in (LO, HI))
        return padded(q, axis, (ghosts[LO], ghosts[HI]), (lo, hi))

    def velocity_ghosts(self, component: int, axis: int, side: int, width: int) -> list[Ghost]:
        if self.sides[axis, side].held(along=component != axis) == "slope":
            return level(width)
        return beyond(width) if component == axis else fixed(width)

    def pad_tracer(self, q: Tensor, number: int, axis: int, width: int, known: Known) -> Tensor:
        if self.grid.periodic[axis]:
            return wrapped(q, axis, width, width)
        held = [self.sides[axis, side].tracers[number].kind == "value" for side in (LO, HI)]
        lo, hi = (known.tracers.get(((axis, side), number)) if held[side] else None for side in (LO, HI))
        ghosts = [self.tracer_ghosts(number, axis, side, width) for side in (LO, HI)]
        return padded(q, axis, (ghosts[LO], ghosts[HI]), (lo, hi))

    def tracer_ghosts(self, number: int, axis: int, side: int, width: int) -> list[Ghost]:
        return fixed(width) if self.sides[axis, side].tracers[number].kind == "value" else level(width)

    def pad_pressure(self, p: Tensor, axis: int, known: Known | None) -> Tensor:
        """One ghost on either side. known: None where what is solved for is zero at an outflow."""
        if self.grid.periodic[axis]:
            return wrapped(p, axis, 1, 0)  # the lower side alone: as many faces as cells
        out = [self.sides[axis, side].kind == "outflow" for side in (LO, HI)]
        lo, hi = (None if known is None else known.pressure.get((axis, side)) for side in (LO, HI))
        ghosts = [fixed(1) if one else level(1) for one in out]
        return padded(p, axis, (ghosts[LO], ghosts[HI]), (lo, hi))

    # ---- faces on the sides

    def closed(self, q: Tensor, component: int) -> Tensor:
        """A component with cells + 1 faces along its own axis, periodic or not."""
        if self.grid.periodic[component]:
            return wrapped(q, component, 0, 1)
        return q

    def impose(self, q: Tensor, component: int, known: Known) -> Tensor:
        """The component with what walls and inflows say in the faces on them."""
        if self.grid.periodic[component]:
            return q
        lo, hi = (self.sides[component, side].kind != "outflow" for side in (LO, HI))
        below, above = (known.velocity.get(((component, side), component)) for side in (LO, HI))
        return faced(q, component, (lo, hi), (below, above))


def level(width: int) -> list[Ghost]:
    """No slope across the side."""
    return [Ghost(0.0, 1.0)] * width


def fixed(width: int) -> list[Ghost]:
    """The straight line through the value on the side and the first sample: what flows in is then the value."""
    return [Ghost(2.0 * k + 2.0, -(2.0 * k + 1.0)) for k in range(width)]


def beyond(width: int) -> list[Ghost]:
    """The straight line through the sample on the side and the next one."""
    return [Ghost(0.0, k + 2.0, -(k + 1.0)) for k in range(width)]
