"""What the sides of the box impose on velocity, pressure and tracers, and the ghosts that say it to a stencil.

A ghost makes the mean across the side the value there: g = 2 b - q, second order at a wall that lies between samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.slices import first, last
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

    @property
    def open(self) -> bool:
        """Whether fluid can leave, so that the pressure is known somewhere."""
        return any(side.kind == "outflow" for side in self.sides.values())

    # ---- ghosts

    def pad_velocity(self, q: Tensor, component: int, axis: int, width: int, known: Known) -> Tensor:
        """A component with `width` ghosts on either side of an axis."""
        if self.grid.periodic[axis]:
            # Along its own axis the faces have the first one once more at the end, as between walls.
            after = first(q, axis, width + (component == axis))
            return torch.cat([last(q, axis, width), q, after], dim=axis)
        lo = self.velocity_ghosts(q, component, (axis, LO), width, known)
        hi = self.velocity_ghosts(q, component, (axis, HI), width, known)
        return torch.cat([*reversed(lo), q, *hi], dim=axis)

    def velocity_ghosts(self, q: Tensor, component: int, place: Place, width: int, known: Known) -> list[Tensor]:
        """From the side outwards."""
        axis, _ = place
        held = self.sides[place].held(along=component != axis)
        if held == "slope":
            return level(q, place, width)
        if component == axis:  # the outermost samples are on the side
            edge, within = at_edge(q, place, 0), at_edge(q, place, 1)
            return [(k + 2.0) * edge - (k + 1.0) * within for k in range(width)]
        return fixed(q, place, width, known.velocity.get((place, component)))

    def pad_tracer(self, q: Tensor, number: int, axis: int, width: int, known: Known) -> Tensor:
        if self.grid.periodic[axis]:
            return torch.cat([last(q, axis, width), q, first(q, axis, width)], dim=axis)

        def ghosts(place: Place) -> list[Tensor]:
            if self.sides[place].tracers[number].kind == "value":
                return fixed(q, place, width, known.tracers.get((place, number)))
            return level(q, place, width)

        return torch.cat([*reversed(ghosts((axis, LO))), q, *ghosts((axis, HI))], dim=axis)

    def pad_pressure(self, p: Tensor, axis: int, known: Known | None) -> Tensor:
        """One ghost on either side. known: None where what is solved for is zero at an outflow."""
        if self.grid.periodic[axis]:
            return torch.cat([last(p, axis), p], dim=axis)  # the lower side alone: as many faces as cells

        def ghosts(place: Place) -> list[Tensor]:
            if self.sides[place].kind == "outflow":
                return fixed(p, place, 1, None if known is None else known.pressure.get(place))
            return level(p, place, 1)

        return torch.cat([*ghosts((axis, LO)), p, *ghosts((axis, HI))], dim=axis)

    # ---- faces on the sides

    def closed(self, q: Tensor, component: int) -> Tensor:
        """A component with cells + 1 faces along its own axis, periodic or not."""
        if self.grid.periodic[component]:
            return torch.cat([q, first(q, component)], dim=component)
        return q

    def impose(self, q: Tensor, component: int, known: Known) -> Tensor:
        """The component with what walls and inflows say in the faces on them."""
        if self.grid.periodic[component]:
            return q
        lo, hi = (self.sides[component, side].kind != "outflow" for side in (LO, HI))
        pieces = [q.narrow(component, int(lo), q.shape[component] - lo - hi)]
        if lo:
            pieces.insert(0, self.face(q, component, LO, known))
        if hi:
            pieces.append(self.face(q, component, HI, known))
        return torch.cat(pieces, dim=component)

    def face(self, q: Tensor, component: int, side: int, known: Known) -> Tensor:
        slab = first(q, component)
        value = known.velocity.get(((component, side), component))
        return torch.zeros_like(slab) if value is None else value.expand_as(slab)


def at_edge(q: Tensor, place: Place, inward: int) -> Tensor:
    axis, side = place
    return q.narrow(axis, inward if side == LO else q.shape[axis] - 1 - inward, 1)


def level(q: Tensor, place: Place, width: int) -> list[Tensor]:
    """No slope across the side."""
    return [at_edge(q, place, 0)] * width


def fixed(q: Tensor, place: Place, width: int, value: Tensor | None) -> list[Tensor]:
    """The straight line through the value on the side and the first sample: what flows in is then the value."""
    edge = at_edge(q, place, 0)
    if value is None:
        return [-(2.0 * k + 1.0) * edge for k in range(width)]
    return [(2.0 * k + 2.0) * value - (2.0 * k + 1.0) * edge for k in range(width)]
