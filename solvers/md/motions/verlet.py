"""Newton's equations by velocity Verlet, and Langevin's by BAOAB, which is the same around a kick of noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.keeping import keeps
from scenegrad.engine.solver import Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.kicks import kick, kick_drift, kick_drift_shake_drift
from scenegrad.solvers.md.motions.motion import Bars
from scenegrad.solvers.md.motions.thermostat import Thermostat
from scenegrad.solvers.md.motions.verlet_adjoint import Products, passage, pull_back
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.solvers.md.wide import spans

__all__ = ["Verlet"]


@dataclass(frozen=True)
class Verlet:
    """v += dt/2 F/m; x += dt v (with noise on v in between, given a thermostat); v += dt/2 F/m.

    Symplectic and time-reversible without a thermostat; the error of both is of second order in dt [Verlet 1967;
    Leimkuhler & Matthews 2013].
    """

    thermostat: Thermostat | None = None
    order: int = 2
    products: Products = field(default_factory=Products, repr=False)

    def fixed(self, system: System) -> float:
        return 1 if self.thermostat is None and not system.anchored else 0

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        return state

    def temperature(self, params: Params) -> Tensor | None:
        return None if self.thermostat is None else self.thermostat.values(params)[0]

    def unseen(self, params: Params) -> Tensor | None:
        return None

    def longest(self, square: Tensor, params: Params) -> Tensor:
        """2/omega"""
        return 2.0 / square.sqrt()

    def step(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        h = dt.to(system.device, state.position.dtype)
        x, v = self.glide(system, state, params, dt, h)
        force = system.forces.force(x, system.box, params)
        n = numbers(system.dim, x.dtype)
        ends = [view(system.masses(params), n.real), view(force, n.vec), view(v, n.vec)]
        span, blocks = spans(x.shape[0], x.shape[1], system.device)
        launch(kick(n.dim, n.dtype, span), blocks, [view(h, n.real), *ends], system.device)
        return Step(replace(state, position=x, velocity=v, step=state.step + 1))

    def glide(self, system: System, state: AtomState, params: Params, dt: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Everything before the second force: new position, velocity on arrival; h is dt in the state's precision."""
        x, v = state.position.detach().contiguous(), state.velocity.detach().contiguous()
        n = numbers(system.dim, x.dtype)
        force = system.force(state, params)
        x_out, v_out = torch.empty_like(x), torch.empty_like(v)
        ends = [view(system.masses(params), n.real), *(view(tensor, n.vec) for tensor in (force, x, v, x_out, v_out))]
        shape = tuple(x.shape[:2])
        if self.thermostat is None:
            span, blocks = spans(x.shape[0], x.shape[1], system.device)
            launch(kick_drift(n.dim, n.dtype, span), blocks, [view(h, n.real), *ends], system.device)
            return x_out, v_out
        temperature, friction = self.thermostat.values(params)
        keep, noise = self.thermostat.coefficients(temperature, friction, dt.to(temperature.device))
        keep, noise = keep.to(x.dtype), noise.to(x.dtype)
        seed, count = state.seed.contiguous(), state.step.contiguous()
        begin = [view(h, n.real), view(keep, n.real), view(noise, n.real), view(seed, wp.int64), view(count, wp.int64)]
        launch(kick_drift_shake_drift(n.dim, n.dtype), shape, [*begin, *ends], system.device)
        return x_out, v_out

    def learning(self, params: Params) -> bool:
        """Whether a number of the thermostat does."""
        given = self.thermostat
        return given is not None and any(params[a].requires_grad for a in (given.temperature, given.friction))

    def linearize(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        """A step that keeps positions alone, by names that no force is remembered by."""
        after = self.step(system, state, params, time, dt).state
        start, end = (self.products.kept(one.position) for one in (state, after))
        way = passage(self, system, state, params, dt, start, end)
        keeps(start, *([] if way.velocity is None else [way.velocity]))
        return after, partial(pull_back, self, system, way, params)

    def vjp(
        self,
        system: System,
        state: AtomState,
        params: Params,
        time: Tensor,
        dt: Tensor,
        cotangent: Mapping[str, Tensor],
    ) -> tuple[Bars, Bars]:
        x, _ = self.glide(system, state, params, dt, dt.to(system.device, state.position.dtype))
        way = passage(self, system, state, params, dt, state.position, x)
        return pull_back(self, system, way, params, cotangent)

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        return {}
