"""Rates of change of velocity and tracers without the pressure, in conservative form on the staggered grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.boxes import RIM, Box, Ends, Rim
from scenegrad.solvers.navier_stokes.staggered.carriage import Carriage
from scenegrad.solvers.navier_stokes.staggered.ghosts import Ghost
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.nodes import Carried, Moved, Stepped
from scenegrad.solvers.navier_stokes.staggered.rooms import Weights
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import but_last, differences, first, last
from scenegrad.solvers.navier_stokes.staggered.strain import Eddies

__all__ = ["Transport"]


@dataclass(frozen=True)
class Transport:
    """-div(u q) + div(diffusivity grad q) of every velocity component, and of every tracer.

    The volume of a velocity sample reaches from one cell to the next: through its ends across its own axis flows the
    mean velocity in the cells, through the others that at the edges [Harlow & Welch 1965].
    """

    grid: Grid
    sides: Sides
    scheme: Scheme

    made: dict[Hashable, Any] = field(default_factory=dict, compare=False)  # passes and ghosts, once they are known

    @cached_property
    def carriage(self) -> Carriage:
        key = ("carriage", self.scheme)
        if key not in self.made:
            self.made[key] = Carriage(self.grid, self.scheme)
        found: Carriage = self.made[key]
        return found

    def of_velocity(
        self,
        velocity: Sequence[Tensor],
        diffusivity: Tensor | None,
        known: Known,
        eddies: Eddies | None = None,
        eddy: Tensor | None = None,
    ) -> list[Tensor]:
        """[m/s^2] on the faces; those on sides that hold a value have no meaning. diffusivity: [batch, 1, ...].
        eddy: viscosity of unresolved eddies in the cells."""
        rim, values = self.flow_rim(known, len(velocity[0]))
        k = self.numbers(diffusivity, velocity[0])
        rates = list(Moved.apply(self.carriage, rim, values, k, None, None, *velocity))
        if eddies is None or eddy is None:
            return rates
        return [rate + push for rate, push in zip(rates, self.of_eddies(velocity, known, eddies, eddy), strict=True)]

    def step(
        self, velocity: Sequence[Tensor], diffusivity: Tensor | None, known: Known, weights: Weights
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The same rates, and the velocity + newer rates + older ones before."""
        rim, values = self.flow_rim(known, len(velocity[0]))
        k = self.numbers(diffusivity, velocity[0])
        found = Moved.apply(self.carriage, rim, values, k, *weights.pair, *velocity, *weights.before)
        return list(found[: self.grid.dim]), list(found[self.grid.dim :])

    def step_with(
        self,
        velocity: Sequence[Tensor],
        tracers: Sequence[Tensor],
        viscosity: Tensor | None,
        diffusivities: Sequence[Tensor | None],
        pull: Tensor | None,
        known: Known,
        weights: Weights,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The same with tracers, velocity first: rates, and what comes after. weights: of both. pull [batch, tracer,
        axis]: by which tracers push the velocity; nothing comes through the sides unless it is carried or diffuses."""
        batch = len(velocity[0])
        flow, values = self.flow_rim(known, batch)
        cells, tracer_values = self.tracers_rim(len(tracers), known, batch)
        k = self.numbers(viscosity, velocity[0])
        each = torch.stack([self.numbers(one, velocity[0]) for one in diffusivities], dim=1)
        fields = (*velocity, *tracers, *weights.before)
        found = Stepped.apply(
            self.carriage, (flow, cells), values, tracer_values, k, each, pull, *weights.pair, *fields
        )
        half = len(found) // 2
        return list(found[:half]), list(found[half:])

    def of_eddies(self, velocity: Sequence[Tensor], known: Known, eddies: Eddies, eddy: Tensor) -> list[Tensor]:
        """div(2 eddy S), with the transposed slope, which does not cancel where the viscosity varies."""
        grid, sides = self.grid, self.sides
        closed = {c: sides.closed(q, c) for c, q in zip(grid.axes, velocity, strict=True)}
        padded: dict[tuple[int, int], Tensor] = {}
        for c, q in zip(grid.axes, velocity, strict=True):
            for axis in grid.axes:
                padded[c, axis] = sides.pad_velocity(q if axis == c else closed[c], c, axis, 1, known)
        rates = []
        for c in grid.axes:
            rate: Tensor | None = None
            for axis in grid.axes:
                turned = differences(padded[axis, c], c) / grid.spacing[c]
                steps = differences(padded[c, axis], axis) / grid.spacing[axis]
                gain = differences(eddies.between(eddy, c, axis) * (steps + turned), axis) / grid.spacing[axis]
                rate = gain if rate is None else rate + gain
            assert rate is not None
            rates.append(but_last(rate, c) if grid.periodic[c] else rate)
        return rates

    def of_tracer(
        self,
        tracer: Tensor,
        number: int,
        velocity: Sequence[Tensor],
        diffusivity: Tensor | None,
        known: Known,
        open_shares: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """[unit/s] in the cells. open_shares: of each face, through which it can diffuse; all of it if left out."""
        rims = self.flow_rim(known, len(tracer))[0], self.cells_rim(number, known, len(tracer))
        ajar = diffusivity is not None and open_shares is not None
        k = self.numbers(None if ajar else diffusivity, tracer)
        rate: Tensor = Carried.apply(self.carriage, (rims[0], rims[1][0]), rims[1][1], k, tracer, *velocity)
        if diffusivity is not None and open_shares is not None:
            rate = rate + diffusivity * self.conducted(tracer, number, known, open_shares)
        for axis in self.grid.axes:
            for side in (LO, HI):
                place = (axis, side)
                if (place, number) in known.tracers and self.sides[place].tracers[number].kind == "flux":
                    slab = first(rate, axis) if side == LO else last(rate, axis)
                    slab.add_(known.tracers[place, number] / self.grid.spacing[axis])
        return rate

    def conducted(self, tracer: Tensor, number: int, known: Known, open_shares: Sequence[Tensor]) -> Tensor:
        """div(share grad c)"""
        total: Tensor | None = None
        for axis, h, share in zip(self.grid.axes, self.grid.spacing, open_shares, strict=True):
            q = self.sides.pad_tracer(tracer, number, axis, 1, known)
            gain = differences(self.sides.closed(share, axis) * differences(q, axis), axis) / (h * h)
            total = gain if total is None else total + gain
        assert total is not None
        return total

    # ---- ghosts

    def numbers(self, diffusivity: Tensor | None, like: Tensor) -> Tensor:
        """[batch], zero where nothing diffuses"""
        return (
            like.new_zeros(len(like)) if diffusivity is None else diffusivity.reshape(-1).expand(len(like)).contiguous()
        )

    def flow_rim(self, known: Known, batch: int) -> tuple[Rim, Tensor | None]:
        """Ghosts of the velocity, and the values that the sides impose along themselves [batch, n]."""
        grid = self.grid
        held = {
            (component + grid.dim, axis + grid.dim, side): value
            for ((axis, side), component), value in known.velocity.items()
            if component != axis and not grid.periodic[axis]
        }

        def ghosts(number: int, axis: int, side: int) -> list[Ghost]:
            return self.sides.velocity_ghosts(number - grid.dim, axis, side, RIM)

        return self.rim(self.carriage.flow, "flow", ghosts, held, batch)

    def cells_rim(self, number: int, known: Known, batch: int) -> tuple[Rim, Tensor | None]:
        grid = self.grid
        held = {
            (0, axis + grid.dim, side): value
            for ((axis, side), tracer), value in known.tracers.items()
            if tracer == number and self.sides[axis, side].tracers[number].kind == "value"
        }

        def ghosts(_: int, axis: int, side: int) -> list[Ghost]:
            return self.sides.tracer_ghosts(number, axis, side, RIM)

        return self.rim(self.carriage.cells, f"cells {number}", ghosts, held, batch)

    def tracers_rim(self, count: int, known: Known, batch: int) -> tuple[Rim, Tensor | None]:
        """Of all tracers in one box."""
        held = {
            (tracer, axis + self.grid.dim, side): value
            for ((axis, side), tracer), value in known.tracers.items()
            if self.sides[axis, side].tracers[tracer].kind == "value"
        }

        def ghosts(number: int, axis: int, side: int) -> list[Ghost]:
            return self.sides.tracer_ghosts(number, axis, side, RIM)

        return self.rim(self.carriage.carried(count), "all cells", ghosts, held, batch)

    def rim(
        self, box: Box, name: str, ghosts: Ends, held: Mapping[tuple[int, int, int], Tensor], batch: int
    ) -> tuple[Rim, Tensor | None]:
        shapes = {place: tuple(value.shape[1:]) for place, value in held.items()}
        key = (name, tuple(shapes.items()))
        if key not in self.made:
            firsts = accumulate((prod(shape) for shape in shapes.values()), initial=0)
            columns = zip(shapes.items(), firsts, strict=False)  # the last number is where all of them end
            self.made[key] = box.rim(ghosts, {place: (n, shape) for (place, shape), n in columns})
        if not held:
            return self.made[key], None
        return self.made[key], torch.cat(
            [value.expand(batch, *value.shape[1:]).flatten(1) for value in held.values()], 1
        )
