"""Velocity Verlet whose steps can be undone to the last bit, so that the way back needs no memory of the way there.

Each half of a step adds to one variable what depends on the other alone. Done in whole numbers of quanta,

    V += [dt/2 F(x)/(m q_v)],    X += [dt q_v V / q_x],    V += [dt/2 F(x)/(m q_v)],    x = q_x X,  v = q_v V,

with [.] for rounding, it is undone by subtracting the same [Levesque & Verlet 1993, J. Stat. Phys. 72, 519]. Plain
floating point numbers lose what rounds off, and a chaotic liquid does not come back. Quanta are powers of two, 2^-48
of the size of the box and less than 2^-50 of velocities, far below the rounding of what matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.motion import Bars, Motion
from scenegrad.solvers.md.motions.verlet import Verlet
from scenegrad.solvers.md.motions.verlet_adjoint import passage, pull_back
from scenegrad.solvers.md.motions.whole_numbers import drift_whole, kick_whole, whole_vector
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["WholeVerlet", "whole_verlet"]

FINE = (48, 50)  # bits below the size of positions and of velocities
MOST = 2**61  # quanta


@dataclass(frozen=True)
class WholeVerlet:
    """quanta: of position and velocity of each system, float64 [batch, 2]."""

    verlet: Verlet
    quanta: Tensor
    order: int = 2

    def fixed(self, system: System) -> float:
        return self.verlet.fixed(system)

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        """Rounded to whole numbers."""
        given = torch.stack([state.position.double(), state.velocity.double()], dim=1)
        scale = self.quanta[:, :, None, None]
        whole = torch.round(given / scale).to(torch.int64)
        x, v = (scale * whole).to(state.position.dtype).unbind(dim=1)
        return replace(state, position=x.contiguous(), velocity=v.contiguous(), whole=whole)

    def temperature(self, params: Params) -> Tensor | None:
        return None

    def unseen(self, params: Params) -> Tensor | None:
        return None

    def longest(self, square: Tensor, params: Params) -> Tensor:
        return self.verlet.longest(square, params)

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        return {}

    def step(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        return Step(self.moved(system, state, params, dt, 1))

    def undo(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        before = self.moved(system, state, params, dt, -1)
        return before, self.pull(system, before, state, params, dt)

    def moved(self, system: System, state: AtomState, params: Params, dt: Tensor, sign: int) -> AtomState:
        """A step forward or back."""
        assert state.whole is not None
        n, shape, device = numbers(system.dim, state.position.dtype), tuple(state.position.shape[:2]), system.device
        h, whole = dt.to(device, torch.float64).contiguous(), state.whole.clone()
        x, v = torch.empty_like(state.position), torch.empty_like(state.velocity)
        begin = [wp.int64(sign), view(h, wp.float64), view(self.quanta, wp.vec2d)]
        mass, counts = view(system.masses(params), n.real), view(whole, whole_vector(n.dim))
        push, glide = kick_whole(n.dim, n.dtype), drift_whole(n.dim, n.dtype)
        first = system.force(state, params)
        launch(push, shape, [*begin, mass, view(first, n.vec), counts, view(v, n.vec)], device)
        launch(glide, shape, [*begin, counts, view(x, n.vec)], device)
        second = system.forces.force(x, system.box, params)
        launch(push, shape, [*begin, mass, view(second, n.vec), counts, view(v, n.vec)], device)
        refuse_overflow(whole)
        return replace(state, position=x, velocity=v, whole=whole, step=state.step + sign)

    def pull(self, system: System, before: AtomState, after: AtomState, params: Params, dt: Tensor) -> Pull:
        """That of velocity Verlet: rounding has no derivative."""
        way = passage(self.verlet, system, before, params, dt, before.position, after.position)
        return partial(pull_back, self.verlet, system, way, params)

    def linearize(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        after = self.moved(system, state, params, dt, 1)
        return after, self.pull(system, state, after, params, dt)

    def vjp(
        self,
        system: System,
        state: AtomState,
        params: Params,
        time: Tensor,
        dt: Tensor,
        cotangent: Mapping[str, Tensor],
    ) -> tuple[Bars, Bars]:
        return self.linearize(system, state, params, time, dt)[1](cotangent)


def whole_verlet(motion: Motion, system: System, state: AtomState, params: Params) -> WholeVerlet:
    """In quanta that suit a state; each system has its own."""
    if not isinstance(motion, Verlet) or motion.thermostat is not None:
        raise EngineError(
            "gradient=Reversible() undoes the steps of velocity Verlet at constant energy, dynamics=NVE(), with atoms "
            "that no rigid bond holds. A thermostat forgets where it came from, and no bit of that can be had back. "
            "Take gradient=Stored()."
        )
    if state.looked is not None:
        raise EngineError(
            "gradient=Reversible() cannot undo what outputs remember of earlier frames (msd, velocity_correlation). "
            "Leave these out of the rollout by probes=..., of a scene without them, or take gradient=Stored()."
        )
    x, v = state.position.double().flatten(1), state.velocity.double().flatten(1)
    edges = torch.where(torch.isinf(system.box.edges), 0.0, system.box.edges)
    size = torch.maximum(x.abs().amax(dim=1), edges.amax(dim=1)).clamp(min=1e-30)
    force = system.force(state, params).double().flatten(1).abs().amax(dim=1)
    quick = (force * size / system.masses(params).double().amin(dim=1)).sqrt()
    speed = torch.maximum(v.abs().amax(dim=1), quick).clamp(min=1e-30)
    quanta = [torch.exp2(scale.log2().ceil() - bits) for scale, bits in zip((size, speed), FINE, strict=True)]
    return WholeVerlet(motion, torch.stack(quanta, dim=1).contiguous())


def refuse_overflow(whole: Tensor) -> None:
    if bool((whole.abs() > MOST).any()):
        member, which, atom, _ = (int(i) for i in (whole.abs() > MOST).nonzero()[0])
        raise EngineError(
            f"{('The position', 'The velocity')[which]} of atom {atom} of member {member} has left the range in which "
            f"steps can be undone, thousands of times the size it began with: atoms fly apart. Take a smaller dt, or "
            f"gradient=Stored()."
        )
