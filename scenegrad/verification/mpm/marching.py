"""From a scene to particles on their way, with what a case adds to the solver: a force of its own, or a brake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.around import Around
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Probe, Series, Step
from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.solver import MaterialPointSolver
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.verification.case import Setting

__all__ = ["Braked", "Pushed", "steps", "started", "watch"]

Watcher = Callable[[ParticleState], Tensor]


def started(scene: Scene, setting: Setting) -> tuple[MaterialPointSolver, ParticleState, Params]:
    """Solver, state and params without gradients."""
    compiled: tuple[Any, Any, Params] = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    solver, state, params = compiled
    fields = {name: field.detach() for name, field in vars(state).items()}
    return solver, replace(state, **fields), params.detach()


@dataclass(frozen=True)
class Pushed(Around[ParticleState]):
    """A solver with an acceleration b(state, time) [batch, particle, dim] beside gravity, in m/s^2.

    v_p += dt b before the step is what the solver does with gravity itself: both join the momentum of the particle on
    its way to the grid, so that the force of the old place gives the new velocity, and that the new place.
    leapfrog: the first step takes half of it only, which makes v_p the velocity of the middle of each step and the
    scheme one of second order, where the matter starts unstressed.
    """

    solver: Any
    acceleration: Callable[[ParticleState, float], Tensor]
    leapfrog: bool = False

    def step(self, state: ParticleState, params: Params, time: Tensor, dt: Tensor) -> Step[ParticleState]:
        begin = float(time[0])
        share = 0.5 if self.leapfrog and begin == 0.0 else 1.0
        gain = share * float(dt[0]) * self.acceleration(state, begin)
        return self.solver.step(replace(state, velocity=state.velocity + gain.to(state.velocity)), params, time, dt)


@dataclass(frozen=True)
class Braked(Around[ParticleState]):
    """A solver whose matter moves through a syrup: v and C fall as exp(-rate t). It stops where the forces balance,
    and the brake has no part in where that is."""

    solver: Any
    rate: float  # [1/s]

    def step(self, state: ParticleState, params: Params, time: Tensor, dt: Tensor) -> Step[ParticleState]:
        left = float(torch.exp(-self.rate * dt[0]))
        slowed = replace(state, velocity=left * state.velocity, affine=left * state.affine)
        return self.solver.step(slowed, params, time, dt)


def watch(
    solver: Any, state: ParticleState, params: Params, until: float, every: float, start: float = 0.0, **seen: Watcher
) -> tuple[ParticleState, Tensor, dict[str, Tensor]]:
    """State at the end, the times of the frames [frame], and what was seen in each of them [frame, ...] (member 0)."""

    def measure(now: ParticleState, params: Params) -> dict[str, Tensor]:
        return {name: look(now) for name, look in seen.items()}

    probe = Probe("seen", every, measure, Series(), start=start)
    run = rollout(solver, state, params, until, probes=[probe], start=start)
    outputs = run.outputs["seen"] if len(seen) > 1 else {next(iter(seen)): run.outputs["seen"]}
    return run.state, run.times["seen"], {name: value[0].double().cpu() for name, value in outputs.items()}


def steps(solver: Any, state: ParticleState, params: Params, count: int, dt: float) -> tuple[ParticleState, float]:
    """State after some steps of dt [s], and the time they took."""
    span = torch.full((len(state.position),), dt, dtype=torch.float64)
    for number in range(count):
        state = solver.step(state, params, number * span, span).state
    return state, count * dt
