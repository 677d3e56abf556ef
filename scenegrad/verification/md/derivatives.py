"""Every potential and every motion against differences: forces, virials, and gradients of trajectories."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, map_tensors
from scenegrad.scenes.active import ActiveBrownian
from scenegrad.scenes.atoms import NVE, Dynamics, Langevin
from scenegrad.scenes.motions import RESPA, Hermite, SymmetricLeapfrog
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import CSVR, Brownian, NoseHoover
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.compile import compile_md
from scenegrad.solvers.md.sampling.reweighting import reweighting
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_most
from scenegrad.verification.md.catalogue import POTENTIALS, crystal, gravity, rods, springs
from scenegrad.verification.md.small_systems import well

__all__ = ["CASES"]

STEPS = 10
P = Parameter


def slope(function: Callable[[float], float], h: float) -> float:
    """At 0, by differences of fourth order."""
    near, far = (function(k * h) - function(-k * h) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * h)


def compiled(scene: Scene, setting: Setting) -> tuple[AtomSolver, AtomState, Params]:
    solver, state, params = compile_md([scene], setting.device, torch.float64)
    return solver, map_tensors(torch.Tensor.detach, state), params


def across(gradient: Tensor, seed: int) -> Tensor:
    """A direction at random that is not square to the gradient."""
    noise = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(seed), dtype=gradient.dtype)
    length = gradient.square().mean().sqrt()
    return noise.to(gradient) + (2.0 * gradient / length if float(length) > 0.0 else 0.0)


def energies(family: str, setting: Setting) -> Iterator[Finding]:
    """F = -dU/dx, and W_ab = -dU/d strain_ab: in a box the diagonal of it, in open space all of it."""
    for name, scene in POTENTIALS[family]():
        solver, state, params = compiled(scene, setting)
        field, box, x, frozen = solver.system.forces, solver.system.box, state.position, params.detach()
        force, way = field.force(x, box, frozen), across(field.force(x, box, frozen), 1)
        sums = field.sums(x, box, frozen)[0]
        exact = -float((force * way).sum())
        found = slope(lambda h: float(field.sums(x + h * way, box, frozen)[0, 0]), 2e-5)  # noqa: B023  # used at once
        yield at_most(f"{name}: force", found / exact - 1.0, 1e-8)
        virial, worst = sums[1:].reshape(box.dim, box.dim), 0.0
        for a, b in [(a, b) for a in range(box.dim) for b in range(box.dim)]:
            if a != b and math.isfinite(float(box.edges.min())):
                continue
            strain = torch.zeros_like(virial).to(x)
            strain[a, b] = 1.0

            def strained(h: float, strain: Tensor = strain) -> float:
                within = Box(box.edges * (1.0 + h * strain.diagonal()), box.lean)  # noqa: B023
                return float(field.sums(x + h * x @ strain.T, within, frozen)[0, 0])  # noqa: B023

            worst = max(worst, abs(slope(strained, 2e-5) + float(virial[a, b])))
        yield at_most(f"{name}: virial", worst / float(virial.abs().max()), 1e-7)


def loss(solver: AtomSolver, state: AtomState, params: Params) -> Tensor:
    """Of where atoms are after a few steps, how fast they are, their energy and their virial."""
    dt = float(getattr(solver.program.controller, "dt", 0.002))
    end = rollout(solver, state, params, STEPS * dt, controller=Fixed(dt), probes=()).state
    seen = solver.observe(end, params)
    weights = torch.linspace(-1.0, 1.0, end.position.numel(), dtype=torch.float64).view_as(end.position)
    weights = weights.to(end.position.device)
    atoms = end.position.shape[1]
    total = (weights * (end.position + 0.5 * end.velocity)).sum() + seen["potential_energy"].sum() / atoms
    return total + seen["virial"].diagonal(dim1=1, dim2=2).sum() / atoms + seen["kinetic_energy"].sum() / atoms


def gradient(name: str, scene: Scene, setting: Setting) -> Finding:
    """Largest error of a derivative by positions, velocities and every parameter, each along one direction; relative,
    but to the largest of them where one is less than a thousandth of it."""
    solver, state, params = compiled(scene, setting)
    fields = ("position", "velocity")
    live = replace(state, **{f: getattr(state, f).clone().requires_grad_() for f in fields})
    asked = [address for address in params if params[address].requires_grad]
    found = torch.autograd.grad(
        loss(solver, live, params), [*(getattr(live, f) for f in fields), *(params[a] for a in asked)],
        allow_unused=True,
    )  # fmt: skip
    frozen = params.detach()
    pairs: list[tuple[float, float]] = []
    for n, (what, bar) in enumerate(zip([*fields, *asked], found, strict=True)):
        value = getattr(state, what) if what in fields else frozen[what]
        bar = torch.zeros_like(value) if bar is None else bar
        way = across(bar, n)

        def moved(h: float, what: str = what, value: Tensor = value, way: Tensor = way) -> float:
            near = replace(state, **{what: value + h * way}) if what in fields else state
            with torch.no_grad():
                return float(loss(solver, near, frozen if what in fields else frozen.replace({what: value + h * way})))

        pairs.append((slope(moved, 1e-4), float((bar * way).sum())))
    largest = max(abs(exact) for _, exact in pairs)
    worst = max(abs(by_hand - exact) / max(abs(exact), 1e-3 * largest) for by_hand, exact in pairs)
    return at_most(f"{name}: {len(pairs)} derivatives", worst, 1e-6)


def gradients(family: str, setting: Setting) -> Iterator[Finding]:
    for name, scene in POTENTIALS[family]():
        if "plain" not in name:  # which jumps
            yield gradient(name, scene, setting)


HEAT = P(0.8)
MOTIONS: dict[str, Dynamics] = {
    "NVE": NVE(),
    "Langevin": Langevin(temperature=HEAT, friction=P(0.9)),
    "NoseHoover": NoseHoover(temperature=HEAT, period=0.4),
    "CSVR": CSVR(temperature=HEAT, relaxation=0.1),
    "Brownian": Brownian(temperature=HEAT, friction=P(200.0)),
    "ActiveBrownian": ActiveBrownian(temperature=HEAT, speed=P(0.5), rotation=P(0.7), friction=P(200.0)),
}


def gradients_of_motions(setting: Setting) -> Iterator[Finding]:
    pair = {"pair": LennardJones(epsilon=P(1.1), sigma=P(1.0), cutoff=1.8, cut="switch")}
    for name, dynamics in MOTIONS.items():
        for shape in ("cube", "plane"):
            yield gradient(f"{name}, {shape}", crystal(shape, pair, dynamics=dynamics), setting)
    for told in ("NVE", "Langevin"):
        yield gradient(f"{told}, rigid bonds", rods(dynamics=MOTIONS[told]), setting)
    yield gradient("RESPA", springs(dynamics=RESPA(inner=3)), setting)
    _, bodies = next(gravity())
    for dynamics in (Hermite(), SymmetricLeapfrog()):
        yield gradient(dynamics.kind, bodies.model_copy(update={"dynamics": dynamics}), setting)


def reweighted(setting: Setting) -> Iterator[Finding]:
    """Atoms in a harmonic well, <x^2> = T/k: from frames of k = 1 alone, its slope by k and T, and its value at
    others; within four standard errors."""
    scene = well(P(1.0), P(1.0))
    frames = reweighting(
        scene, frames=60, every=20, copies=128, warmup=200, seed=3, device=setting.device, dtype="float64"
    )
    square = frames.frames.position.square().mean(dim=(1, 2))
    slopes = frames.slopes(square, frames.params)
    error = 4.0 * float(frames.error(square, frames.params))
    yield absolute("<x^2>", 1.0, float(frames.average(square, frames.params.detach())), error)
    # The slopes are variances of a sum of four squares, the errors of which are sqrt(10) times those of the mean.
    yield absolute("d<x^2> / dk", -1.0, float(slopes["well.stiffness"]), 10.0**0.5 * error)
    yield absolute("d<x^2> / dT", 1.0, float(slopes["dynamics.temperature"]), 10.0**0.5 * error)
    for k in (0.85, 1.2):
        there = frames.params.detach().replace(
            {"well.stiffness": torch.full_like(frames.params["well.stiffness"].detach(), k)}
        )
        yield absolute(f"<x^2> at k = {k:g}", 1.0 / k, float(frames.average(square, there)),
                       4.0 * float(frames.error(square, there)))  # fmt: skip
        r = 1.0 / k  # of the variances of the two distributions
        share = math.exp(-2.0 * (r - 1.0 - math.log(r)))
        yield absolute(f"effective share of frames at k = {k:g}", share, frames.effective(there), 0.02)


DIFFERENCES = "differences of fourth order"
CASES = (
    *(
        Case(f"forces_of_{family}", "md", "slopes of energies", DIFFERENCES, partial(energies, family),
             quick=family != "other_cuts")
        for family in POTENTIALS
    ),
    *(
        Case(f"gradients_of_{family}", "md", "differences of trajectories", DIFFERENCES, partial(gradients, family),
             quick=family in ("bonded", "gravity", "targets"))
        for family in POTENTIALS
    ),
    Case("gradients_of_motions", "md", "differences of trajectories", DIFFERENCES, gradients_of_motions, quick=False),
    Case("reweighting", "md", "integrals", "Thaler & Zavadlav 2021, Nat. Commun. 12, 6884", reweighted),
)  # fmt: skip
