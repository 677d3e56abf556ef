"""The ways to the gradient of a trajectory beside each other: kept, undone to the last bit, written down by torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from scenegrad.engine.gradients import Gradient, Reversible, Stored, Tape
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.scenes.atoms import NVE, Dynamics, Langevin
from scenegrad.scenes.motions import Hermite, SymmetricLeapfrog
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import CSVR, Brownian, NoseHoover
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.md.compile import compile_md
from scenegrad.verification.case import Case, Finding, Setting, at_most
from scenegrad.verification.md.catalogue import POTENTIALS, crystal, gravity, rods

__all__ = ["CASES"]

UNDONE, WRITTEN = 20, 4  # steps


def gradients(scene: Scene, how: Gradient, steps: int, setting: Setting) -> dict[str, Tensor]:
    """By positions, velocities and all that learns, of where atoms are in the end, how fast, and their energy."""
    solver, state, params = compile_md([scene], setting.device, torch.float64)
    state = map_tensors(torch.Tensor.detach, state)
    live = replace(state, **{f: getattr(state, f).clone().requires_grad_() for f in ("position", "velocity")})
    until = steps * 0.002
    end = rollout(solver, live, params, until, probes=(), gradient=how).state
    weights = torch.linspace(-1.0, 1.0, end.position.numel(), dtype=torch.float64).view_as(end.position)
    loss = (weights.to(end.position) * (end.position + 0.5 * end.velocity)).sum()
    loss = loss + solver.observe(end, params)["potential_energy"].sum()
    asked = {a: value for a, value in params.items() if value.requires_grad}
    found = torch.autograd.grad(loss, [live.position, live.velocity, *asked.values()], allow_unused=True)
    return {name: bar for name, bar in zip(["position", "velocity", *asked], found, strict=True) if bar is not None}


def apart(scene: Scene, how: Gradient, steps: int, setting: Setting) -> float:
    """Largest difference from what is kept on the way, relative to the largest entry of each."""
    found, known = (gradients(scene, one, steps, setting) for one in (how, Stored()))
    if set(found) != set(known):
        return float("nan")
    return max(float((found[a] - known[a]).abs().max() / known[a].abs().max().clamp(min=1e-30)) for a in known)


def ways(family: str, setting: Setting) -> Iterator[Finding]:
    for name, scene in POTENTIALS[family]():
        if "plain" in name:  # which jumps
            continue
        yield at_most(f"{name}: undone, less kept", apart(scene, Reversible(), UNDONE, setting), 1e-9)
        yield at_most(f"{name}: written down, less kept", apart(scene, Tape(), WRITTEN, setting), 1e-10)


def ways_of_motions(setting: Setting) -> Iterator[Finding]:
    heat = Parameter(0.8)
    motions: tuple[Dynamics, ...] = (
        NVE(),
        Langevin(temperature=heat, friction=Parameter(0.9)),
        NoseHoover(temperature=heat, period=0.4),
        CSVR(temperature=heat, relaxation=0.1),
        Brownian(temperature=heat, friction=Parameter(200.0)),
    )
    pair = {"pair": LennardJones(epsilon=Parameter(1.1), sigma=Parameter(1.0), cutoff=1.8, cut="switch")}
    scenes = {motion.kind: crystal("plane", pair, dynamics=motion) for motion in motions}
    scenes |= {f"{motion.kind}, rigid bonds": rods(dynamics=motion) for motion in motions[:2]}
    _, bodies = next(gravity())
    scenes |= {m.kind: bodies.model_copy(update={"dynamics": m}) for m in (Hermite(), SymmetricLeapfrog())}
    for name, scene in scenes.items():
        yield at_most(f"{name}: written down, less kept", apart(scene, Tape(), UNDONE, setting), 1e-9)


def case(name: str, measure: Callable[[Setting], Iterator[Finding]], quick: bool) -> Case:
    return Case(name, "md", "gradients of steps that are kept", "one derivative, three programs", measure, quick)


CASES = (
    *(case(f"ways_of_{family}", partial(ways, family), family in ("bonded", "gravity", "targets"))
      for family in POTENTIALS),
    case("ways_of_motions", ways_of_motions, False),
)  # fmt: skip
