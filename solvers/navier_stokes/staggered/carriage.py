"""What velocities carry, with ghosts around it: rates of change of a box of fields, and their transposes by hand.

Boxes are rooms to work in: a step copies its fields there, and the way back copies them once more, so that between the
two nothing but the fields themselves is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.boxes import RIM, Box, Rim
from scenegrad.solvers.navier_stokes.staggered.flux_transposes import carrier_bar, sample_bar, velocity_bar
from scenegrad.solvers.navier_stokes.staggered.fluxes import carrying
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.launches import Launches, view
from scenegrad.solvers.navier_stokes.staggered.rate_cotangents import diffusivity_bar, rate_bar
from scenegrad.solvers.navier_stokes.staggered.rims import fill, fold
from scenegrad.solvers.navier_stokes.staggered.rooms import Lift, Room, Weights, Wind
from scenegrad.solvers.navier_stokes.staggered.slices import differences

__all__ = ["Carriage"]


@dataclass(frozen=True)
class Carriage:
    """Passes over boxes of a grid by one scheme, and the rooms that they need."""

    grid: Grid
    scheme: Scheme
    rooms: dict[tuple[str, int, int], Room] = field(default_factory=dict, compare=False)
    zeros: dict[tuple[int, ...], Tensor] = field(default_factory=dict, compare=False)

    @cached_property
    def real(self) -> Any:
        return wp.float64 if self.grid.dtype == torch.float64 else wp.float32

    @cached_property
    def launches(self) -> Launches:
        return Launches(self.grid.device)

    @cached_property
    def flow(self) -> Box:
        """Of the velocity."""
        return Box(self.grid, tuple(self.grid.axes))

    @cached_property
    def cells(self) -> Box:
        """Of one tracer."""
        return Box(self.grid, (None,))

    def carried(self, tracers: int) -> Box:
        """Of so many tracers."""
        return self.cells if tracers == 1 else Box(self.grid, (None,) * tracers)

    @cached_property
    def steps(self) -> Any:
        return wp.vec3i(*self.flow.steps, *[0] * (3 - self.grid.dim))

    @cached_property
    def inverse(self) -> Any:
        """1 / h along each axis."""
        return wp.types.vector(3, self.real)(*[1.0 / h for h in self.grid.spacing], *[0.0] * (3 - self.grid.dim))

    @property
    def layers(self) -> tuple[int, int]:
        """Between planes and between lines of a box."""
        steps = self.flow.steps
        return (0, steps[0]) if self.grid.dim == 2 else (steps[0], steps[1])

    # ---- rooms

    def room(self, name: str, box: Box, batch: int) -> Room:
        key = (name, len(box.components), batch)
        if key not in self.rooms:
            room = box.room(batch)
            self.rooms[key] = Room(room, view(room), box.inside(room), box.copies(room))
        return self.rooms[key]

    def filled(self, name: str, box: Box, rim: Rim, fields: Sequence[Tensor], values: Tensor | None) -> Any:
        """The fields in their box, with ghosts. values [batch, n]: what the sides hold."""
        batch = len(fields[0])
        room = self.room(name, box, batch)
        for inside, one in zip(room.inside, fields, strict=True):
            inside.copy_(one)
        if len(rim.ghosts):
            numbers = fields[0].new_zeros(batch, 1) if values is None else values.expand(batch, -1).contiguous()
            kernel, shape, member = fill(self.real), (batch, len(rim.ghosts)), len(box.components) * box.size
            arrays = [*rim.filling, view(numbers), room.array]
            self.launches(kernel, shape, lambda: (box.lead, member), arrays, (kernel, shape, member))
        self.wrap(room)
        return room.array

    def wrap(self, room: Room) -> None:
        """Copies what goes around the periodic axes."""
        for around in room.copies:
            for ghosts, samples in around:
                ghosts.copy_(samples)

    def rate_bars(
        self,
        name: str,
        box: Box,
        batch: int,
        direct: Sequence[Tensor | None],
        later: Sequence[Tensor | None],
        weights: Any,
    ) -> tuple[Any, list[Tensor | None]]:
        """Cotangents of the rates in their box, amid zeros beyond sides that are not periodic, and of the rates before.

        direct, later: cotangents of the rates, and of the fields after the step. weights: (newer, older)."""
        room, before = self.room(name, box, batch), list[Tensor | None]()
        for number, (bar, after) in enumerate(zip(direct, later, strict=True)):
            shape = self.grid.shape(box.components[number])
            given = bar if after is None else after
            if given is None:
                room.inside[number].zero_()
                before.append(None)
                continue
            old = None if after is None else torch.empty_like(after, memory_format=torch.contiguous_format)
            some = view(given.contiguous())
            numbers = (some, some) if after is None else tuple(map(view, weights))
            fields = [some if one is None else view(one.contiguous()) for one in (bar, after)]
            rest = (box.start(number), len(box.components) * box.size)
            kernel = rate_bar(self.real, bar is not None, after is not None)
            lines = (*numbers, *fields, some if old is None else view(old), room.array)
            self.launch(kernel, shape, batch, rest, lines)
            before.append(old)
        self.wrap(room)
        return room.array, before

    def folded(self, name: str, box: Box, rim: Rim, batch: int, onto: Sequence[Tensor | None]) -> list[Tensor]:
        """Cotangents of the fields in a box, with what their ghosts have and those that they have otherwise."""
        room = self.room(name, box, batch)
        if len(rim.ends):
            kernel, shape, member = fold(self.real), (batch, len(rim.ends)), len(box.components) * box.size
            arrays = [*rim.folding, room.array]
            self.launches(kernel, shape, lambda: (box.lead, member), arrays, (kernel, shape, member))
        return [
            part.clone(memory_format=torch.contiguous_format) if more is None else part + more
            for part, more in zip(room.inside, onto, strict=True)
        ]

    def values_bar(self, name: str, box: Box, rim: Rim, values: Tensor, batch: int) -> Tensor:
        """Of what the sides hold."""
        ghosts = box.members(self.room(name, box, batch).whole)[:, rim.holders.long()]
        return (ghosts * rim.held).sum(2).sum_to_size(values.shape)

    # ---- passes

    def rate(
        self,
        box: Box,
        number: int,
        q: Any,
        u: Any,
        diffusivity: Tensor,
        small: Tensor,
        weights: Weights | None = None,
        lift: Lift | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Of a field of a box [batch, *samples], and the field after a step with some weights. lift: of a velocity."""
        component = box.components[number]
        shape = self.grid.shape(component)
        found = torch.empty((len(diffusivity), *shape), device=self.grid.device, dtype=self.grid.dtype)
        start = box.start(number)
        lifting, pull, tracers, where = 0, small[:, number], q, (0, 0, 0)
        if lift is not None:
            lifting, pull, tracers = len(lift.box.components), lift.pull[:, :, number], lift.fields
            where = (lift.box.start(0), lifting * lift.box.size, lift.box.size)
        kernel = carrying(self.grid.dim, self.real, self.scheme, component is not None, weights is not None, lifting)
        numbers, after, out = view(diffusivity), None, view(found)
        steps = (numbers, numbers, numbers)
        if weights is not None:
            after = torch.empty_like(found)
            steps = (*map(view, weights.pair), view(weights.before[number].contiguous()))
        lines = (numbers, view(small[:, number]), *steps, view(pull), tracers, q, u, out)
        rest = (*self.around(box, component, start, box.origin), *where, self.inverse)
        self.launch(kernel, shape, len(found), rest, (*lines, out if after is None else view(after)))
        return found, after

    def velocity_bars(
        self,
        rim: Rim,
        u: Any,
        rates: Any,
        diffusivity: Tensor,
        small: Tensor,
        onto: Sequence[Tensor | None],
        winds: Sequence[Wind] = (),
    ) -> list[Tensor]:
        """Cotangents of the velocity components, which are carried and carry, with those that they have otherwise.
        winds: tracers that they carry too."""
        box, batch, plain, bars = self.flow, len(diffusivity), all(self.grid.periodic), list[Tensor]()
        shape, inner = self.reached(box)
        for number, more in enumerate(onto):
            extra, out = None, self.room("flow bar", box, batch).array
            if plain:
                extra = None if more is None else view(more.contiguous())
                bars.append(torch.empty((batch, *shape), device=self.grid.device, dtype=self.grid.dtype))
                out = view(bars[-1])
            kernel = velocity_bar(self.grid.dim, self.real, self.scheme, number, plain, extra is not None)
            rest = (box.lead + inner, len(box.components) * box.size, box.size, self.inverse)
            lines = (view(diffusivity), view(small), u, rates, u if extra is None else extra, out)
            self.launch(kernel, shape, batch, rest, lines)
        if winds and self.scheme.carries:
            for number, wind in enumerate(winds):
                self.blown(u, wind, batch, adds=number > 0 or not plain)
            return self.folded("flow bar", box, rim, batch, bars or onto)
        return bars or self.folded("flow bar", box, rim, batch, onto)

    def tracer_bars(
        self, rim: Rim, u: Any, winds: Sequence[Wind], diffusivities: Sequence[Tensor], onto: Sequence[Tensor | None]
    ) -> list[Tensor]:
        """Cotangents of tracers as what is carried, with those that they have otherwise."""
        batch, box = len(diffusivities[0]), winds[0].box
        shape, inner = self.reached(box)
        for wind, diffusivity in zip(winds, diffusivities, strict=True):
            kernel = sample_bar(self.grid.dim, self.real, self.scheme, wind.push is not None)
            pull, pushed = (wind.small, wind.rates) if wind.push is None else wind.push
            lines = (view(diffusivity), view(wind.small), view(pull), pushed, wind.fields, u, wind.rates)
            start = box.lead + inner + wind.number * box.size
            rest = (*self.around(box, None, start, inner)[1:], self.inverse)
            self.launch(kernel, shape, batch, rest, (*lines, self.room("cells bar", box, batch).array))
        return self.folded("cells bar", box, rim, batch, onto)

    def wind_bars(self, rim: Rim, u: Any, wind: Wind) -> list[Tensor] | list[None]:
        """Cotangents of the velocity components as what carries a tracer."""
        batch = len(wind.small)
        if not self.scheme.carries:
            return [None] * self.grid.dim
        self.blown(u, wind, batch, adds=False)
        return self.folded("flow bar", self.flow, rim, batch, [None] * self.grid.dim)

    def blown(self, u: Any, wind: Wind, batch: int, adds: bool) -> None:
        """The same in the box of the velocity, onto what there is or in its place."""
        flow, box = self.flow, wind.box
        shape, inner = self.reached(flow)
        for axis, h in enumerate(self.grid.spacing):
            blown = (flow.lead + inner + axis * flow.size, len(flow.components) * flow.size)
            carried = (box.lead + inner + wind.number * box.size, len(box.components) * box.size)
            lines = (view(wind.small), wind.fields, u, wind.rates, self.room("flow bar", flow, batch).array)
            rest = (axis, *carried, *blown, self.real(1.0 / h))
            self.launch(carrier_bar(self.real, self.scheme, adds), shape, batch, rest, lines)

    def diffusivity_bar(self, box: Box, q: Any, rates: Any, batch: int, number: int | None = None) -> Tensor:
        """[batch]; of one field of the box, or of what all diffuse by."""
        shape = tuple(n + (not wraps) for n, wraps in zip(self.grid.cells, self.grid.periodic, strict=True))
        sums = torch.zeros((batch, *shape), device=self.grid.device, dtype=self.grid.dtype)
        fields = len(box.components) if number is None else 1
        kernel = diffusivity_bar(self.grid.dim, self.real, fields, self.grid.device == "cpu")
        rest = (box.start(number or 0), len(box.components) * box.size, box.size, self.inverse)
        self.launch(kernel, shape, batch, rest, (q, rates, view(sums)))
        return sums.flatten(1).sum(1)

    def pull_bar(self, box: Box, batch: int) -> Tensor:
        """[batch, tracer, axis], of the mean of each tracer on each face times the cotangent of the rate there."""
        tracers = box.members(self.room("cells", box, batch).whole).view(batch, len(box.components), *box.shape)
        found = []
        for rate, axis in zip(self.room("flow rate bar", self.flow, batch).inside, self.grid.axes, strict=True):
            below, above = tracers, tracers
            for other in self.grid.axes:
                count = self.grid.count(axis, other)
                below, above = below.narrow(other, RIM - (other == axis), count), above.narrow(other, RIM, count)
            found.append(((below + above) * rate[:, None]).flatten(2).sum(2) * 0.5)
        return torch.stack(found, dim=2)

    def reached(self, box: Box) -> tuple[tuple[int, ...], int]:
        """Shape of what has cotangents in each field of a box, and where it begins: the samples along periodic axes,
        and ghosts too along the others."""
        grid = self.grid
        shape = tuple(n if grid.periodic[a] else box.shape[a] for a, n in enumerate(grid.cells))
        return shape, RIM * sum(step for step, wraps in zip(box.steps, grid.periodic, strict=True) if wraps)

    def around(self, box: Box, component: int | None, start: int, inner: int) -> tuple[Any, ...]:
        """Places of the samples of q, and of the velocity beside them. inner: of the first row, within a field."""
        flow = self.flow
        cross = 0 if component is None else flow.steps[component + self.grid.dim]
        fields = len(box.components)
        beside = flow.lead + inner
        return (cross, start, fields * box.size, beside, len(flow.components) * flow.size, flow.size)

    def launch(self, kernel: Any, shape: Sequence[int], batch: int, rest: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Over rows of [batch, *shape]; the last of the arrays is written."""
        counts = (1, *shape) if self.grid.dim == 2 else tuple(shape)

        def numbers() -> Sequence[Any]:
            return wp.vec3i(*counts), self.steps, *self.layers, *rest

        key = (counts, *(number for number in rest if isinstance(number, int)))
        self.launches.rows(kernel, batch * counts[0] * counts[1], counts[2], numbers, arrays, key)

    def small(self, fields: Sequence[Tensor]) -> Tensor:
        """Squares of steps below which a field counts as smooth [batch, field, 3], each a power of four times a share
        of a square near that of the largest step, so that it does not change where the field does so a little."""
        shape = (len(fields[0]), len(fields), 3)
        if not self.scheme.small:
            if shape not in self.zeros:
                self.zeros[shape] = fields[0].new_zeros(shape)
            return self.zeros[shape]
        found = fields[0].new_zeros(shape)
        with torch.no_grad():
            for n, q in enumerate(fields):
                for a, axis in enumerate(self.grid.axes):
                    largest = differences(q, axis).flatten(1).abs().amax(1) if q.shape[axis] > 1 else q.new_zeros(1)
                    least = torch.finfo(q.dtype).tiny ** 0.25
                    found[:, n, a] = self.scheme.small * largest.clamp(min=least).log2().round().exp2().square()
        return found
