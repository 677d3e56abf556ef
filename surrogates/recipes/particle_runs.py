"""Runs of particles by solvers and by networks in their place: how far apart they are, and what steps cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Points, Probe
from scenegrad.engine.state import Params
from scenegrad.scenes.vary import Ensemble
from scenegrad.solvers.compile import compile_scene
from scenegrad.surrogates.particles.surrogate import ParticleSurrogate
from scenegrad.surrogates.recipes.budget import clock
from scenegrad.view.plots.paper import figure, save
from scenegrad.view.report import Picture

__all__ = ["Run", "draw_runs", "members_of", "run_solver", "run_surrogate"]

Compiled = tuple[Any, Any, Params]


@dataclass(frozen=True)
class Run:
    """position: [member, frame, particle, dim], frames one learned step apart. seconds: of a learned step of one member
    [s], of a processor on the CPU."""

    name: str
    position: Tensor
    seconds: float

    def error(self, true: Run) -> float:
        """Mean square of how far particles are from where they should be, over that of how far they should have gone,
        over all frames: 0 is perfect, 1 as good as no motion."""
        gone = (true.position - true.position[:, :1]).square().sum()
        return float((self.position - true.position).square().sum() / gone)

    def last_error(self, true: Run) -> float:
        """The same in the last frame."""
        return Run(self.name, self.position[:, [0, -1]], 0.0).error(Run(true.name, true.position[:, [0, -1]], 0.0))


def members_of(ensemble: Ensemble, members: Sequence[int], device: str) -> Compiled:
    """Some members as one batch, ready to run."""
    return compile_scene([ensemble[member] for member in members], device=device)


def run_solver(name: str, compiled: Compiled, dt: float, steps: int, device: str) -> Run:
    """The solver of a scene over so many learned steps."""
    solver, state, params = compiled
    now = clock(device)
    with torch.no_grad():
        rollout(solver, state, params.detach(), 1e-3 * dt, probes=())  # kernels are built before time counts
        begun = now()
        found = frames(solver, state, params, 0.0, steps * dt, dt)
    return Run(name, found[0].cpu(), (now() - begun) / (steps * len(found[0])))


def run_surrogate(name: str, surrogate: ParticleSurrogate[Any], compiled: Compiled, steps: int, device: str) -> Run:
    """A network in the solver's place; its first frames are the solver's, as many as it looks back on."""
    _, state, params = compiled
    dt, first = surrogate.dt, surrogate.names.history - 1
    now = clock(device)
    with torch.no_grad():
        early, state = frames(surrogate, surrogate.begin(state), params, 0.0, first * dt, dt)
        rollout(surrogate, state, params.detach(), (first + 1) * dt, start=first * dt, probes=())
        begun = now()
        late, _ = frames(surrogate, state, params, first * dt, steps * dt, dt)
        spent = now() - begun
    position = torch.cat([early, late[:, 1:]], dim=1)
    return Run(name, position.cpu(), spent / ((steps - first) * len(position)))


def frames(solver: Any, state: Any, params: Params, start: float, end: float, dt: float) -> tuple[Tensor, Any]:
    """Positions at the beginning and after each learned step [member, frame, particle, dim], and the last state."""
    if end <= start:
        return state.position[:, None], state
    probe: Probe[Any] = Probe("seen", dt, lambda seen, _: {"position": seen.position}, Points(), start=start)
    made = rollout(solver, state, params.detach(), end, start=start, probes=(probe,))
    found: Any = made.outputs["seen"]
    return (found["position"] if isinstance(found, Mapping) else found), made.state


def draw_runs(
    path: Path, runs: Sequence[Run], member: int, shown: Sequence[int], dt: float, caption: str, size: float = 2.0
) -> Picture:
    """Rows of runs, columns of frames; particles are coloured by their height at the start."""
    true = runs[0].position[member]
    low, high = true.amin((0, 1)), true.amax((0, 1))
    wide, tall = (float(high[0] - low[0]), float(high[-1] - low[-1]))
    paper, axes = figure(len(runs), len(shown), (3.6 * len(shown), len(runs) * (3.4 * tall / wide + 0.6)))
    for row, run in zip(axes, runs, strict=True):
        for axis, frame in zip(row, shown, strict=True):
            x = run.position[member, frame]
            axis.scatter(x[:, 0], x[:, -1], c=run.position[member, 0, :, -1], s=size, lw=0, cmap="viridis")
            axis.set_aspect("equal")
            axis.set_title(f"{run.name}, t = {frame * dt:.3g}", fontsize=9)
            axis.set_xlim(float(low[0]) - 0.03 * wide, float(high[0]) + 0.08 * wide)
            axis.set_ylim(float(low[-1]) - 0.03 * tall, float(high[-1]) + 0.08 * tall)
    return Picture(save(paper, path), caption)
