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
from torch.autograd.function import once_differentiable

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.boxes import Box, Rim
from scenegrad.solvers.navier_stokes.staggered.fluxes import carrier_bar, carrying, conduction_bar, sample_bar
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.launches import Launches, on_stream, view
from scenegrad.solvers.navier_stokes.staggered.rims import fill, fold
from scenegrad.solvers.navier_stokes.staggered.slices import differences

__all__ = ["Carriage", "Carried", "Moved", "Weights"]


@dataclass(frozen=True)
class Weights:
    """Of the rates in  u + newer rate + older before.  pair: (newer, older), each [batch]."""

    pair: tuple[Tensor, Tensor]
    before: Sequence[Tensor]


@dataclass(frozen=True)
class Room:
    """Memory of a box, as a kernel sees it, the samples of each field in it, and what goes around periodic axes."""

    whole: Tensor
    array: Any
    inside: list[Tensor]
    copies: list[list[tuple[Tensor, Tensor]]]


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
        for around in room.copies:
            for ghosts, samples in around:
                ghosts.copy_(samples)
        return room.array

    def placed(self, name: str, box: Box, fields: Sequence[Tensor]) -> Any:
        """The fields amid zeros."""
        room = self.room(name, box, len(fields[0]))
        for inside, one in zip(room.inside, fields, strict=True):
            inside.copy_(one)
        return room.array

    def folded(self, name: str, box: Box, rim: Rim, batch: int) -> list[Tensor]:
        """Cotangents of the fields in a box, with what their ghosts have."""
        room = self.room(name, box, batch)
        for around in reversed(room.copies):
            for ghosts, samples in around:
                samples.add_(ghosts)
        if len(rim.ends):
            kernel, shape, member = fold(self.real), (batch, len(rim.ends)), len(box.components) * box.size
            arrays = [*rim.folding, room.array]
            self.launches(kernel, shape, lambda: (box.lead, member), arrays, (kernel, shape, member))
        return [part.clone(memory_format=torch.contiguous_format) for part in room.inside]

    def values_bar(self, name: str, box: Box, rim: Rim, values: Tensor, batch: int) -> Tensor:
        """Of what the sides hold, once what goes around has been folded."""
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
    ) -> tuple[Tensor, Tensor | None]:
        """Of a field of a box [batch, *samples], and the field after a step with some weights."""
        component = box.components[number]
        shape = self.grid.shape(component)
        found = torch.empty((len(diffusivity), *shape), device=self.grid.device, dtype=self.grid.dtype)
        start = box.lead + box.origin + number * box.size
        kernel = carrying(self.grid.dim, self.real, self.scheme, component is not None, weights is not None)
        numbers, after, out = view(diffusivity), None, view(found)
        steps = (numbers, numbers, numbers)
        if weights is not None:
            after = torch.empty_like(found)
            steps = (*map(view, weights.pair), view(weights.before[number].contiguous()))
        lines = (numbers, view(small[:, number]), *steps, q, u, out, out if after is None else view(after))
        self.launch(kernel, shape, len(found), self.around(box, component, start, box.origin), lines)
        return found, after

    def sample_bar(
        self, box: Box, number: int, q: Any, u: Any, rate_bar: Any, diffusivity: Tensor, small: Tensor, bar: Any
    ) -> None:
        """Writes the cotangent of one field of a box as one of what is carried."""
        component = box.components[number]
        start = box.lead + number * box.size
        kernel = sample_bar(self.grid.dim, self.real, self.scheme, component is not None)
        lines = (view(diffusivity), view(small[:, number]), q, u, rate_bar, bar)
        self.launch(kernel, box.shape, len(diffusivity), self.around(box, component, start, 0), lines)

    def carrier_bar(self, box: Box, axis: int, q: Any, u: Any, rate_bar: Any, small: Tensor, bar: Any) -> None:
        """Adds to the cotangent of the velocity along an axis (0, 1, 2) as what carries the fields of a box."""
        if not self.scheme.carries:
            return
        flow = self.flow
        kernel = carrier_bar(self.grid.dim, self.real, self.scheme, box.components[0] is not None)
        numbers = (axis, box.lead, len(box.components) * box.size, box.size, flow.lead + axis * flow.size)
        rest = (*numbers, len(flow.components) * flow.size, self.real(1.0 / self.grid.spacing[axis]))
        self.launch(kernel, box.shape, len(small), rest, (view(small), q, u, rate_bar, bar))

    def diffusivity_bar(self, box: Box, q: Any, rate_bar: Any, batch: int) -> Tensor:
        """[batch]"""
        total = None
        for number, component in enumerate(box.components):
            shape = self.grid.shape(component)
            product = torch.empty((batch, *shape), device=self.grid.device, dtype=self.grid.dtype)
            start = box.lead + box.origin + number * box.size
            rest = (start, len(box.components) * box.size, self.inverse)
            lines = (q, rate_bar, view(product))
            self.launch(conduction_bar(self.grid.dim, self.real), shape, batch, rest, lines)
            each = product.flatten(1).sum(1)
            total = each if total is None else total + each
        assert total is not None
        return total

    def around(self, box: Box, component: int | None, start: int, inner: int) -> tuple[Any, ...]:
        """Places of the samples of q, and of the velocity beside them. inner: of the first row, within a field."""
        flow = self.flow
        cross = 0 if component is None else flow.steps[component + self.grid.dim]
        fields = len(box.components)
        beside = flow.lead + inner
        return (cross, start, fields * box.size, beside, len(flow.components) * flow.size, flow.size, self.inverse)

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


class Moved(torch.autograd.Function):
    """Rates of the velocity components, which carry each other, and with weights (newer, older, *before) also the
    velocity after a step; one node of the graph that keeps only its inputs."""

    @staticmethod
    def forward(
        ctx: Any,
        carriage: Carriage,
        rim: Rim,
        values: Tensor | None,
        diffusivity: Tensor,
        newer: Tensor | None,
        older: Tensor | None,
        *fields: Tensor,
    ) -> tuple[Tensor, ...]:
        box, dim = carriage.flow, carriage.grid.dim
        velocity, before = fields[:dim], fields[dim:]
        small = carriage.small(velocity)
        ctx.set_materialize_grads(False)
        ctx.carriage, ctx.rim = carriage, rim
        weights = None if newer is None or older is None else Weights((newer, older), before)
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", box, rim, velocity, values)
            made = [carriage.rate(box, n, u, u, diffusivity, small, weights) for n in range(dim)]
        rates, after = zip(*made, strict=True)
        weighed = (*rates, *before) if ctx.needs_input_grad[4] else ()
        ctx.save_for_backward(values, diffusivity, small, newer, older, *velocity, *weighed)
        return rates if weights is None else (*rates, *after)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *bars: Tensor | None) -> tuple[Tensor | None, ...]:
        carriage, rim, dim = ctx.carriage, ctx.rim, ctx.carriage.grid.dim
        values, diffusivity, small, newer, older, *fields = ctx.saved_tensors
        box, batch, velocity, weighed = carriage.flow, len(diffusivity), fields[:dim], fields[dim:]
        _, needs_values, needs_diffusivity = ctx.needs_input_grad[1:4]
        after = bars[dim:]
        before: list[Tensor | None] = [None] * len(after)
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", box, rim, velocity, values)
            room = carriage.room("flow rate bar", box, batch)
            rate_bar = room.array
            pairs = zip(room.inside, bars[:dim], after or [None] * dim, strict=True)
            for inside, direct, later in pairs:
                if direct is None:
                    inside.zero_()
                else:
                    inside.copy_(direct)
                if later is not None:
                    inside.addcmul_(later, beside(newer, later))
            bar = carriage.room("flow bar", box, batch).array
            for n in range(dim):
                carriage.sample_bar(box, n, u, u, rate_bar, diffusivity, small, bar)
            for n in range(dim):
                carriage.carrier_bar(box, n, u, u, rate_bar, small, bar)
            numbers = carriage.diffusivity_bar(box, u, rate_bar, batch) if needs_diffusivity else None
            found = carriage.folded("flow bar", box, rim, batch)
            held = carriage.values_bar("flow bar", box, rim, values, batch) if needs_values else None
        shares = [torch.zeros_like(newer), torch.zeros_like(newer)] if weighed else [None, None]
        for n, later in enumerate(after):
            if later is not None:
                found[n].add_(later)
                if ctx.needs_input_grad[6 + dim + n]:
                    before[n] = later * beside(older, later)
                for share, rate in zip(shares, weighed[n::dim], strict=False):
                    share += torch.linalg.vecdot(later.flatten(1), rate.flatten(1))
        return None, None, held, numbers, *shares, *found, *before


def beside(numbers: Tensor, field: Tensor) -> Tensor:
    """[batch, 1, ...]"""
    return numbers.view(-1, *[1] * (field.ndim - 1))


class Carried(torch.autograd.Function):
    """The rate of a tracer, as one node of the graph that keeps only its inputs. rims: of the velocity and its own."""

    @staticmethod
    def forward(
        ctx: Any,
        carriage: Carriage,
        rims: tuple[Rim, Rim],
        values: Tensor | None,
        diffusivity: Tensor,
        tracer: Tensor,
        *velocity: Tensor,
    ) -> Tensor:
        ctx.carriage, ctx.rims, small = carriage, rims, carriage.small([tracer])
        ctx.save_for_backward(values, diffusivity, small, tracer, *velocity)
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", carriage.flow, rims[0], velocity, None)
            q = carriage.filled("cells", carriage.cells, rims[1], [tracer], values)
            return carriage.rate(carriage.cells, 0, q, u, diffusivity, small)[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, rate_bars: Tensor) -> tuple[Tensor | None, ...]:
        carriage, rims, (values, diffusivity, small, tracer, *velocity) = ctx.carriage, ctx.rims, ctx.saved_tensors
        flow, cells, batch = carriage.flow, carriage.cells, len(diffusivity)
        needs_values, needs_diffusivity = ctx.needs_input_grad[2:4]
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", flow, rims[0], velocity, None)
            q = carriage.filled("cells", cells, rims[1], [tracer], values)
            rate_bar = carriage.placed("cells rate bar", cells, [rate_bars])
            bar = carriage.room("cells bar", cells, batch).array
            carriage.sample_bar(cells, 0, q, u, rate_bar, diffusivity, small, bar)
            numbers = carriage.diffusivity_bar(cells, q, rate_bar, batch) if needs_diffusivity else None
            found = carriage.folded("cells bar", cells, rims[1], batch)
            held = carriage.values_bar("cells bar", cells, rims[1], values, batch) if needs_values else None
            wind = carriage.room("flow bar", flow, batch)
            wind.whole.zero_()
            for axis in range(len(velocity)):
                carriage.carrier_bar(cells, axis, q, u, rate_bar, small, wind.array)
            found += carriage.folded("flow bar", flow, rims[0], batch)
        return None, None, held, numbers, *found
