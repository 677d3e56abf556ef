"""Rates of change of what velocities carry, as nodes of torch's graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.navier_stokes.staggered.boxes import Rim
from scenegrad.solvers.navier_stokes.staggered.carriage import Carriage
from scenegrad.solvers.navier_stokes.staggered.launches import on_stream
from scenegrad.solvers.navier_stokes.staggered.rooms import Lift, Weights, Wind

__all__ = ["Carried", "Moved", "Stepped"]


class Moved(torch.autograd.Function):
    """Rates of the velocity components, which carry each other, and with weights (newer, older, *before) also the
    velocity after a step; one node of the graph that keeps only its inputs. Weights are of dt and have no gradient."""

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
        ctx.save_for_backward(values, diffusivity, small, newer, older, *velocity)
        return rates if weights is None else (*rates, *after)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *bars: Tensor | None) -> tuple[Tensor | None, ...]:
        carriage, rim, dim = ctx.carriage, ctx.rim, ctx.carriage.grid.dim
        values, diffusivity, small, newer, older, *velocity = ctx.saved_tensors
        box, batch = carriage.flow, len(diffusivity)
        _, needs_values, needs_diffusivity = ctx.needs_input_grad[1:4]
        after = bars[dim:]
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", box, rim, velocity, values)
            later = after or [None] * dim
            rates, before = carriage.rate_bars("flow rate bar", box, batch, bars[:dim], later, (newer, older))
            found = carriage.velocity_bars(rim, u, rates, diffusivity, small, later)
            numbers = carriage.diffusivity_bar(box, u, rates, batch) if needs_diffusivity else None
            held = carriage.values_bar("flow bar", box, rim, values, batch) if needs_values else None
        return None, None, held, numbers, None, None, *found, *(before if after else ())


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
            rates, _ = carriage.rate_bars("cells rate bar", cells, batch, [rate_bars], [None], None)
            wind = Wind(cells, 0, q, rates, small[:, 0])
            found = carriage.tracer_bars(rims[1], u, [wind], [diffusivity], [None])
            held = carriage.values_bar("cells bar", cells, rims[1], values, batch) if needs_values else None
            numbers = carriage.diffusivity_bar(cells, q, rates, batch) if needs_diffusivity else None
            winds = carriage.wind_bars(rims[0], u, wind)
        return None, None, held, numbers, *found, *winds


class Stepped(torch.autograd.Function):
    """Rates of velocity and tracers, and both after a step, as one node that keeps only its inputs.

    values: what sides hold, of the velocity and of the tracers. diffusivities [batch, tracer], pull [batch, tracer,
    axis] or None where none pushes; fields: velocity, tracers, and the rates before of both in this order. Returned are
    rates in this order, then what comes after."""

    @staticmethod
    def forward(
        ctx: Any,
        carriage: Carriage,
        rims: tuple[Rim, Rim],
        values: Tensor | None,
        tracer_values: Tensor | None,
        viscosity: Tensor,
        diffusivities: Tensor,
        pull: Tensor | None,
        newer: Tensor,
        older: Tensor,
        *fields: Tensor,
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.carriage, ctx.rims, dim, flow = carriage, rims, carriage.grid.dim, carriage.flow
        half = len(fields) // 2
        velocity, tracers, before = fields[:dim], fields[dim:half], fields[half:]
        cells = carriage.carried(len(tracers))
        smooth, sharp = carriage.small(velocity), carriage.small(tracers)
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", flow, rims[0], velocity, values)
            q = carriage.filled("cells", cells, rims[1], tracers, tracer_values)
            lift = None if pull is None else Lift(pull, cells, q)
            weights = Weights((newer, older), before)
            made = [carriage.rate(flow, n, u, u, viscosity, smooth, weights, lift) for n in range(dim)]
            weights = Weights((newer, older), before[dim:])
            for n in range(len(tracers)):
                made.append(carriage.rate(cells, n, q, u, diffusivities[:, n], sharp, weights))
        ctx.save_for_backward(
            values, tracer_values, viscosity, diffusivities, pull, newer, older, smooth, sharp, *velocity, *tracers
        )
        rates, after = zip(*made, strict=True)
        return (*rates, *after)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *bars: Tensor | None) -> tuple[Tensor | None, ...]:
        carriage, rims, dim, flow = ctx.carriage, ctx.rims, ctx.carriage.grid.dim, ctx.carriage.flow
        values, tracer_values, viscosity, diffusivities, pull, newer, older, smooth, sharp, *fields = ctx.saved_tensors
        needs = ctx.needs_input_grad[2:7]
        velocity, tracers, batch, half = fields[:dim], fields[dim:], len(viscosity), len(fields)
        direct, later, cells, pair = bars[:half], bars[half:], carriage.carried(half - dim), (newer, older)
        with on_stream(carriage.grid.device):
            u = carriage.filled("flow", flow, rims[0], velocity, values)
            q = carriage.filled("cells", cells, rims[1], tracers, tracer_values)
            rates, before = carriage.rate_bars("flow rate bar", flow, batch, direct[:dim], later[:dim], pair)
            changes, earlier = carriage.rate_bars("cells rate bar", cells, batch, direct[dim:], later[dim:], pair)
            winds = []
            for n in range(len(tracers)):
                push = None if pull is None else (pull[:, n], rates)
                winds.append(Wind(cells, n, q, changes, sharp[:, n], push))
            found = carriage.velocity_bars(rims[0], u, rates, viscosity, smooth, later[:dim], winds)
            found += carriage.tracer_bars(rims[1], u, winds, diffusivities.unbind(1), later[dim:])
            numbers: list[Tensor | None] = [None] * 5
            if needs[0]:
                numbers[0] = carriage.values_bar("flow bar", flow, rims[0], values, batch)
            if needs[1]:
                numbers[1] = carriage.values_bar("cells bar", cells, rims[1], tracer_values, batch)
            if needs[2]:
                numbers[2] = carriage.diffusivity_bar(flow, u, rates, batch)
            if needs[3]:
                each = [carriage.diffusivity_bar(cells, q, changes, batch, n) for n in range(len(tracers))]
                numbers[3] = torch.stack(each, dim=1)
            if needs[4]:
                numbers[4] = carriage.pull_bar(cells, batch)
        return None, None, *numbers, None, None, *found, *before, *earlier
