"""What velocities carry, with ghosts around it: rates of change of a box of fields, and their transposes by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.boxes import RIM, Box, Rim
from scenegrad.solvers.navier_stokes.staggered.filling import Filling
from scenegrad.solvers.navier_stokes.staggered.flux_transposes import carrier_bar, sample_bar, velocity_bar
from scenegrad.solvers.navier_stokes.staggered.fluxes import carrying
from scenegrad.solvers.navier_stokes.staggered.launches import view
from scenegrad.solvers.navier_stokes.staggered.rate_cotangents import diffusivity_bar
from scenegrad.solvers.navier_stokes.staggered.rooms import Lift, Weights, Wind
from scenegrad.solvers.navier_stokes.staggered.slices import differences

__all__ = ["Carriage"]


@dataclass(frozen=True)
class Carriage(Filling):
    """Passes over boxes of a grid by one scheme."""

    scheme: Scheme
    zeros: dict[tuple[int, ...], Tensor] = field(default_factory=dict, compare=False)

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
