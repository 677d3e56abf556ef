"""One step of the projection method: rates of change, a method in time, and the pressure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.implicit import Diffusion
from scenegrad.solvers.navier_stokes.staggered.integrators import AdamsBashforth, RungeKutta
from scenegrad.solvers.navier_stokes.staggered.maccormack import Paths
from scenegrad.solvers.navier_stokes.staggered.obstacles.forces import Watch, impulse, row
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Immersion, Obstacles, Standing
from scenegrad.solvers.navier_stokes.staggered.physics import Physics, Rates
from scenegrad.solvers.navier_stokes.staggered.projection import Projection
from scenegrad.solvers.navier_stokes.staggered.rooms import Weights
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState, bits

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
    obstacles: Obstacles | Standing | None = None
    watches: tuple[Watch, ...] = ()
    paths: Paths | None = None  # that carry the fields, in the place of fluxes, see lagrangian.py
    diffusion: Diffusion | None = None  # where it is implicit

    def begin(
        self, velocity: Sequence[Tensor], tracers: Sequence[Tensor], params: Params, time: Tensor
    ) -> StaggeredState:
        """The first state: a velocity that keeps to the sides and has no divergence, and no step before it."""
        known = replace(self.physics.sides.at(params, time), pressure={})
        solid = self.solid(params, time)
        if solid is not None:
            columns = zip(solid.components, velocity, strict=True)
            velocity = [u + (1.0 - held.share) * (held.value - u) for held, u in columns]
            tracers = [self.immersed(c, number, solid) for number, c in enumerate(tracers)]
        imposed = [self.physics.sides.impose(u, axis, known) for axis, u in zip(self.grid.axes, velocity, strict=True)]
        u, f = self.projection(imposed, None, shares_of(solid))
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
            pace=bits(f.new_zeros(len(f))) if steps else None,
            felt=f.new_zeros(len(f), len(self.watches), 7) if self.watches else None,
        )

    def __call__(
        self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[StaggeredState, Tensor | None]:
        if isinstance(self.obstacles, Obstacles) and self.obstacles.still:
            stepper = replace(self, obstacles=Standing(self.obstacles.at(params, time)))
            return stepper(state, params, time, dt)
        if isinstance(self.method, RungeKutta):
            return self.runge_kutta(state, params, time, dt, self.method)
        return self.adams_bashforth(state, params, time, dt), None

    def adams_bashforth(self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor) -> StaggeredState:
        assert state.rates is not None
        begin = self.flow(state)
        dt = dt.to(self.grid.device, torch.float64)
        most = torch.addcmul(dt, dt * state.frequency, dt, value=0.5)
        newer, older = most.to(self.grid.dtype), (dt - most).to(self.grid.dtype)
        before = Rates(list(state.rates), apart(state.tracer_rates))
        rates, after = self.stepped(begin, before, (newer, older), params, time)
        late = time + dt.to(time.device)
        if self.diffusion is None:
            flow, pressure, push = self.projected(after, params, late, dt, state.pressure)
        else:
            after = self.diffused(state, after, params, time, dt)
            flow, rise, push = self.projected(after, params, late, dt, None)
            pressure = state.pressure + rise
        made = self.named(flow, pressure)
        if push is not None:
            made["felt"] = self.felt(state, params, time, dt, push)
        made |= dict(zip(("u_rate", "v_rate", "w_rate"), rates.velocity, strict=False))
        if rates.tracers:
            made["tracer_rates"] = together(rates.tracers)
        made["pace"] = bits(1.0 / dt)
        return replace(state, **made)

    def runge_kutta(
        self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor, method: RungeKutta
    ) -> tuple[StaggeredState, Tensor]:
        begin = self.flow(state)
        known: list[Rates] = []
        stage, at = begin, time
        pressure, push = state.pressure, None
        long = dt.to(self.grid.device, torch.float64)
        for weights, share in zip(method.rows, method.times, strict=True):
            known.append(self.rates(stage, params, at))
            at = time + share * dt.to(time.device)
            terms = [(self.beside(weight * long), rate) for weight, rate in zip(weights, known, strict=True) if weight]
            ahead = long * sum(weights)
            stage, pressure, push = self.projected(advanced(begin, terms), params, at, ahead, pressure)
        best = method.rows[-1]
        if len(method.less) > len(known):  # it looks at the rates of the result too
            best = (*best, 0.0)
            with torch.no_grad():
                known.append(self.rates(stage, params, at))
        terms = [
            (self.beside((a - b) * long), rate) for a, b, rate in zip(best, method.less, known, strict=True) if a != b
        ]
        made = self.named(stage, pressure)
        if push is not None:
            made["felt"] = self.felt(state, params, time, long, push)
        return replace(state, **made), self.error(terms, stage, self.solid(params, at))

    def error(self, terms: list[tuple[Tensor, Rates]], after: Flow, solid: Immersion | None) -> Tensor:
        """Size of a combination of rates, without the part that pressure takes away, relative to the flow [batch]."""
        with torch.no_grad():
            zeros = Flow([torch.zeros_like(u) for u in after.velocity], [torch.zeros_like(c) for c in after.tracers])
            wrong = advanced(zeros, terms)
            velocity = wrong.velocity
            if solid is not None:
                velocity = [held.share * u for held, u in zip(solid.components, velocity, strict=True)]
            velocity, _ = self.projection(self.projection.still(velocity), None)
            sizes = [(size(velocity), size(after.velocity))]
            sizes += [(size([a]), size([b])) for a, b in zip(wrong.tracers, after.tracers, strict=True)]
            ratios = [a / b.clamp(min=torch.finfo(b.dtype).tiny) for a, b in sizes]
            return torch.stack(ratios).amax(0)

    # ---- parts of a step

    def flow(self, state: StaggeredState) -> Flow:
        return Flow(list(state.velocity), apart(state.tracers))

    def solid(self, params: Params, time: Tensor) -> Immersion | None:
        return None if self.obstacles is None else self.obstacles.at(params, time)

    def rates(self, flow: Flow, params: Params, time: Tensor) -> Rates:
        known = self.physics.sides.at(params, time)
        return self.physics.rates(flow.velocity, flow.tracers, params, known, self.solid(params, time))

    def stepped(
        self, begin: Flow, before: Rates, pair: tuple[Tensor, Tensor], params: Params, time: Tensor
    ) -> tuple[Rates, Flow]:
        """Rates now, and begin + newer rates + older ones before. pair: (newer, older), each [batch]."""
        if not self.physics.plain or (self.obstacles is not None and self.obstacles.insulate):
            newer, older = (weight.view(-1, *[1] * self.grid.dim) for weight in pair)
            rates = self.rates(begin, params, time)
            return rates, advanced(begin, [(newer, rates), (older, before)])
        known = self.physics.sides.at(params, time)
        weights = Weights(pair, [*before.velocity, *before.tracers])
        now, after = self.physics.step(begin.velocity, begin.tracers, params, known, weights)
        return now, Flow(after[: self.grid.dim], after[self.grid.dim :])

    def projected(
        self, flow: Flow, params: Params, time: Tensor, dt: Tensor, pressure: Tensor | None
    ) -> tuple[Flow, Tensor, list[Tensor] | None]:
        """The flow with what sides and bodies say at `time`, and without divergence; the pressure of dt [batch], and
        what the bodies add to the velocity, where somebody watches.

        pressure: where to begin; None where the last one has been counted already, so that only its rise is wanted."""
        sides, grid = self.physics.sides, self.grid
        known, solid = sides.at(params, time), self.solid(params, time)
        velocity, tracers, shares, push = flow.velocity, flow.tracers, shares_of(solid), None
        if solid is not None:
            joined = [held.joined(u, grid) for held, u in zip(solid.components, velocity, strict=True)]
            push = [after - before for after, before in zip(joined, velocity, strict=True)] if self.watches else None
            velocity = joined
            tracers = [self.immersed(c, number, solid) for number, c in enumerate(tracers)]
        velocity = [sides.impose(u, axis, known) for axis, u in zip(grid.axes, velocity, strict=True)]
        scale = self.beside(dt) / self.physics.number(params, f"{self.physics.fluid}.density")
        values = {} if pressure is None else {place: p * scale for place, p in known.pressure.items()}
        at_outflow = replace(known, pressure=values)
        guess = None if pressure is None or shares is None else (pressure * scale).detach()
        velocity, f = self.projection(velocity, at_outflow, shares, guess)
        if push is not None and shares is not None:
            columns = zip(push, shares, self.projection.steps(f, at_outflow), grid.spacing, strict=True)
            push = [p + (1.0 - share) * step / h for p, share, step, h in columns]
        return Flow(velocity, tracers), f / scale, push

    def immersed(self, tracer: Tensor, number: int, solid: Immersion) -> Tensor:
        return solid.tracers[number].joined(tracer, self.grid) if number in solid.tracers else tracer

    def felt(self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor, push: list[Tensor]) -> Tensor:
        """What the watched bodies have been given since the last frame [batch, watch, 7]."""
        assert state.felt is not None
        assert self.obstacles is not None
        before, now = self.solid(params, time), self.solid(params, time + dt.to(time.device))
        assert before is not None
        assert now is not None
        columns = zip(before.components, now.components, strict=True)
        own: list[Tensor | float] = [0.0] * self.grid.dim
        if not self.obstacles.still:
            own = [(1.0 - new.share) * (new.value - old.value) for old, new in columns]
        density = params[f"{self.physics.fluid}.density"].to(self.grid.dtype)
        rows = []
        for number, watch in enumerate(self.watches):
            kept = watch.kept(time, dt.to(time.device)).to(self.grid.device, self.grid.dtype)
            linear, turns = impulse(self.grid, push, own, now, watch.body, density)
            rows.append(kept[:, None] * state.felt[:, number] + row(linear, turns, dt))
        return torch.stack(rows, dim=1)

    def diffused(self, state: StaggeredState, after: Flow, params: Params, time: Tensor, dt: Tensor) -> Flow:
        """The step so far with diffusion, half of it at the end, and with the pressure of the last step."""
        assert self.diffusion is not None
        physics, sides, begin = self.physics, self.physics.sides, self.flow(state)
        old, new = sides.at(params, time), sides.at(params, time + dt.to(time.device))
        scale = self.beside(dt) / physics.number(params, f"{physics.fluid}.density")
        pushes = self.projection.steps(state.pressure, old)
        half = 0.5 * self.beside(dt)

        def numbers(address: str) -> tuple[Tensor, Tensor]:
            k = half * physics.number(params, address)
            return k, k.flatten()

        velocity, tracers = [], []
        k, each = numbers(f"{physics.fluid}.viscosity")
        for n, (axis, h) in enumerate(zip(self.grid.axes, self.grid.spacing, strict=True)):
            u, late = begin.velocity[n], sides.impose(begin.velocity[n], axis, new)
            spread = self.diffusion.laplace_velocity(u, axis, old) + self.diffusion.laplace_velocity(late, axis, new)
            change = after.velocity[n] - u + k * spread - scale / h * pushes[n]
            velocity.append(late + self.diffusion.solve_velocity(change, axis, each))
        for n, one in enumerate(physics.carried):
            if not one.diffuses:
                tracers.append(after.tracers[n])
                continue
            k, each = numbers(f"{one.name}.diffusivity")
            c = begin.tracers[n]
            spread = self.diffusion.laplace_tracer(c, n, old) + self.diffusion.laplace_tracer(c, n, new)
            change = after.tracers[n] - c + k * spread
            tracers.append(c + self.diffusion.solve_tracer(change, n, each))
        return Flow(velocity, tracers)

    def named(self, flow: Flow, pressure: Tensor) -> dict[str, Tensor]:
        made = dict(zip(("u", "v", "w"), flow.velocity, strict=False))
        if flow.tracers:
            made["tracers"] = together(flow.tracers)
        return {**made, "pressure": pressure}

    def beside(self, numbers: Tensor) -> Tensor:
        """[batch] -> [batch, 1, ...] in the precision of the fields"""
        return numbers.to(self.grid.device, self.grid.dtype).view(-1, *[1] * self.grid.dim)


def shares_of(solid: Immersion | None) -> list[Tensor] | None:
    return None if solid is None else [held.share for held in solid.components]


def apart(tracers: Tensor | None) -> list[Tensor]:
    """[batch, tracer, *cells] -> of each"""
    if tracers is None:
        return []
    return [tracers.squeeze(1)] if tracers.shape[1] == 1 else list(tracers.unbind(1))


def together(tracers: Sequence[Tensor]) -> Tensor:
    return tracers[0].unsqueeze(1) if len(tracers) == 1 else torch.stack(list(tracers), dim=1)


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
