"""One step of the projection method: rates of change, a method in time, and the pressure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.integrators import AdamsBashforth, RungeKutta
from scenegrad.solvers.navier_stokes.staggered.physics import Physics, Rates
from scenegrad.solvers.navier_stokes.staggered.projection import Projection
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState

__all__ = ["Stepper"]


@dataclass(frozen=True)
class Flow:
    """Velocity components and tracers."""

    velocity: list[Tensor]
    tracers: list[Tensor]


@dataclass(frozen=True)
class Stepper:
    """state -> state after dt, made of torch operations throughout."""

    grid: Grid
    physics: Physics
    projection: Projection
    method: AdamsBashforth | RungeKutta

    def begin(
        self, velocity: Sequence[Tensor], tracers: Sequence[Tensor], params: Params, time: Tensor
    ) -> StaggeredState:
        """The first state: a velocity that keeps to the sides and has no divergence, and no step before it."""
        known = replace(self.physics.sides.at(params, time), pressure={})
        imposed = [self.physics.sides.impose(u, axis, known) for axis, u in zip(self.grid.axes, velocity, strict=True)]
        u, f = self.projection(imposed, None)
        steps = isinstance(self.method, AdamsBashforth)
        older = [torch.zeros_like(one) if steps else None for one in u]
        carried = torch.stack(list(tracers), dim=1) if tracers else None
        flat = len(u) == 2
        return StaggeredState(
            u=u[0],
            v=u[1],
            w=None if flat else u[2],
            pressure=torch.zeros_like(f),
            tracers=carried,
            u_rate=older[0],
            v_rate=older[1],
            w_rate=None if flat else older[2],
            tracer_rates=torch.zeros_like(carried) if steps and carried is not None else None,
            pace=f.new_zeros(len(f), 1) if steps else None,
            felt=None,
        )

    def __call__(
        self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[StaggeredState, Tensor | None]:
        if isinstance(self.method, RungeKutta):
            return self.runge_kutta(state, params, time, dt, self.method)
        return self.adams_bashforth(state, params, time, dt), None

    def adams_bashforth(self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor) -> StaggeredState:
        assert state.rates is not None
        assert state.pace is not None
        begin = self.flow(state)
        rates = self.rates(begin, params, time)
        pace = state.pace[:, 0].to(self.grid.device, torch.float64)
        dt = dt.to(self.grid.device, torch.float64)
        older = self.beside(-0.5 * dt * dt * pace)
        newer = self.beside(dt + 0.5 * dt * dt * pace)
        before = Rates(list(state.rates), [] if state.tracer_rates is None else list(state.tracer_rates.unbind(1)))
        after = advanced(begin, [(newer, rates), (older, before)])
        flow, pressure = self.projected(after, params, time + dt.to(time.device), dt)
        made = self.named(flow, pressure)
        made |= dict(zip(("u_rate", "v_rate", "w_rate"), rates.velocity, strict=False))
        if rates.tracers:
            made["tracer_rates"] = torch.stack(rates.tracers, dim=1)
        made["pace"] = self.beside(1.0 / dt).view(-1, 1)
        return replace(state, **made)

    def runge_kutta(
        self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor, method: RungeKutta
    ) -> tuple[StaggeredState, Tensor]:
        begin = self.flow(state)
        known: list[Rates] = []
        stage, at = begin, time
        pressure = state.pressure
        long = dt.to(self.grid.device, torch.float64)
        for row, share in zip(method.rows, method.times, strict=True):
            known.append(self.rates(stage, params, at))
            at = time + share * dt.to(time.device)
            terms = [(self.beside(weight * long), rate) for weight, rate in zip(row, known, strict=True)]
            stage, pressure = self.projected(advanced(begin, terms), params, at, long * sum(row))
        terms = [
            (self.beside((best - less) * long), rate)
            for best, less, rate in zip(method.rows[-1], method.less, known, strict=True)
        ]
        return replace(state, **self.named(stage, pressure)), self.error(terms, stage)

    def error(self, terms: list[tuple[Tensor, Rates]], after: Flow) -> Tensor:
        """Size of a combination of rates, without the part that pressure takes away, relative to the flow [batch]."""
        with torch.no_grad():
            zeros = Flow([torch.zeros_like(u) for u in after.velocity], [torch.zeros_like(c) for c in after.tracers])
            wrong = advanced(zeros, terms)
            velocity, _ = self.projection(self.projection.still(wrong.velocity), None)
            sizes = [(size(velocity), size(after.velocity))]
            sizes += [(size([a]), size([b])) for a, b in zip(wrong.tracers, after.tracers, strict=True)]
            ratios = [a / b.clamp(min=torch.finfo(b.dtype).tiny) for a, b in sizes]
            return torch.stack(ratios).amax(0)

    # ---- parts of a step

    def flow(self, state: StaggeredState) -> Flow:
        return Flow(list(state.velocity), [] if state.tracers is None else list(state.tracers.unbind(1)))

    def rates(self, flow: Flow, params: Params, time: Tensor) -> Rates:
        return self.physics.rates(flow.velocity, flow.tracers, params, self.physics.sides.at(params, time))

    def projected(self, flow: Flow, params: Params, time: Tensor, dt: Tensor) -> tuple[Flow, Tensor]:
        """The flow with what the sides say at `time`, and without divergence; the pressure of dt [batch]."""
        sides = self.physics.sides
        known = sides.at(params, time)
        velocity = [sides.impose(u, axis, known) for axis, u in zip(self.grid.axes, flow.velocity, strict=True)]
        density = self.physics.number(params, f"{self.physics.fluid}.density")
        scale = self.beside(dt) / density
        at_outflow = replace(known, pressure={place: p * scale for place, p in known.pressure.items()})
        velocity, f = self.projection(velocity, at_outflow)
        return Flow(velocity, flow.tracers), f / scale

    def named(self, flow: Flow, pressure: Tensor) -> dict[str, Tensor]:
        made = dict(zip(("u", "v", "w"), flow.velocity, strict=False))
        if flow.tracers:
            made["tracers"] = torch.stack(flow.tracers, dim=1)
        return {**made, "pressure": pressure}

    def beside(self, numbers: Tensor) -> Tensor:
        """[batch] -> [batch, 1, ...] in the precision of the fields"""
        return numbers.to(self.grid.device, self.grid.dtype).view(-1, *[1] * self.grid.dim)


def advanced(begin: Flow, terms: Sequence[tuple[Tensor, Rates]]) -> Flow:
    """begin + the sum of weight * rate"""

    def summed(field: Tensor, rates: list[Tensor]) -> Tensor:
        for (weight, _), rate in zip(terms, rates, strict=True):
            field = torch.addcmul(field, rate, weight)
        return field

    return Flow(
        [summed(u, [r.velocity[n] for _, r in terms]) for n, u in enumerate(begin.velocity)],
        [summed(c, [r.tracers[n] for _, r in terms]) for n, c in enumerate(begin.tracers)],
    )


def size(fields: Sequence[Tensor]) -> Tensor:
    """Root of the sum of squares of each member [batch]."""
    return torch.stack([field.flatten(1).square().sum(1) for field in fields]).sum(0).sqrt()
