"""Bonds and chains: a spring that swings as it must, and a melt as it was published."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import torch

from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, map_tensors
from scenegrad.scenes import library
from scenegrad.scenes.atoms import NVE, Atoms, Dynamics, Sites
from scenegrad.scenes.bonded import HarmonicBond
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.molecule_files import read_molecules
from scenegrad.scenes.motions import RESPA
from scenegrad.scenes.outputs import Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.coulomb.born import BornSolvent
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_most, relative

__all__ = ["CASES"]


def dumbbell(setting: Setting) -> Iterator[Finding]:
    """Verlet's method turns a spring of omega^2 = k/mu by exactly arccos(1 - omega^2 dt^2 / 2) a step."""
    stiffness, length, mass, dt, steps, stretch = 50.0, 1.0, 2.0, 0.02, 100, 0.1
    start = Sites(((0.0, 0.0, 0.0), (length + stretch, 0.0, 0.0)), velocities=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    scene = Scene(
        name="dumbbell",
        units="lj",
        domain=Domain.unbounded(dim=3),
        entities={
            "A": Atoms(lattice=start, mass=mass),
            "bond": HarmonicBond(of="A", stiffness=stiffness, length=length, groups=((0, 1),)),
        },
        dynamics=NVE(),
        outputs={"traj": Particles("position", every=dt * steps)},
        time=Time(end=dt * steps, dt=dt),
    )
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    end = rollout(solver, state, params).state.position[0]
    found = float((end[1] - end[0]).norm()) - length
    turn = math.acos(1.0 - 0.5 * stiffness / (0.5 * mass) * dt**2)
    yield absolute("stretch after 100 steps", stretch * math.cos(steps * turn), found, 1e4 * setting.rounding, "sigma")


def melt(setting: Setting) -> Iterator[Finding]:
    """Chains of 16 beads, after 600 tau, over 600 more."""
    count, length = 40, 16
    scene = library.polymer_melt(chains=count, length=length, end=20.0)
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    state, params = map_tensors(torch.Tensor.detach, state), params.detach()
    bonds, ends, radii = [], [], []
    for stretch in range(60):
        state = rollout(solver, state, params).state
        if stretch < 30:
            continue
        x = state.position.double().reshape(count, length, 3)
        bonds.append((x[:, 1:] - x[:, :-1]).norm(dim=2).mean())
        ends.append((x[:, -1] - x[:, 0]).square().sum(1).mean())
        radii.append((x - x.mean(1, keepdim=True)).square().sum(2).mean())
    bond, end, radius = (torch.stack(kept).mean() for kept in (bonds, ends, radii))
    yield relative("mean length of a bond", 0.97, float(bond), 0.01, "sigma")
    # A freely jointed chain of n bonds has 6 (n + 1) / (n + 2), and 6 in the limit.
    yield relative("<R^2> / <R_g^2>", 6.0 * length / (length + 1.0), float(end / radius), 0.08)


PARTS = {  # of the energy, by kind of potential, as OpenMM has them
    "harmonic_bond": "HarmonicBondForce", "harmonic_angle": "HarmonicAngleForce",
    "periodic_dihedral": "PeriodicTorsionForce", "lennard_jones": "LennardJones", "lennard_jones_14": "LennardJones",
    "bare": "Coulomb", "charges_14": "Coulomb", "corrections": "Coulomb",
}  # fmt: skip
JOULES = 4.184  # of a calorie


def dipeptide(setting: Setting) -> Iterator[Finding]:
    """Energy part by part, and all forces; at rest, and at three positions of a run at 300 K."""
    folder = files("scenegrad.assets")
    known = json.loads((folder / "reference" / "md" / "alanine_dipeptide.json").read_text())["configurations"]
    places = read_molecules(str(folder / "molecules" / "alanine_dipeptide.json")).places()
    order = [places[number] for number in range(len(places))]
    fine = setting.dtype == "float64"
    scenes = (library.alanine_dipeptide(), library.alanine_dipeptide(medium="water"))
    for scene, medium, key in zip(scenes, ("vacuum", "water"), ("", "_in_solvent"), strict=True):
        solver, start, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
        assert isinstance(solver, AtomSolver)
        system, worst, parts = solver.system, 0.0, dict[str, list[float]]()
        for entry in known:
            x = torch.empty_like(start.position)
            x[0, order] = torch.tensor(entry["position"], dtype=torch.float64).to(x)
            energy = JOULES * float(system.forces.sums(x, system.box, params)[0, 0])
            parts.setdefault("energy", []).append(abs(energy - entry[f"energy{key}"]))
            for name, value in by_part(system, x, params).items():
                if name in entry["parts"]:
                    parts.setdefault(name, []).append(abs(JOULES * value - entry["parts"][name]))
            force = 10.0 * JOULES * system.forces.force(x, system.box, params)[0, order].double().cpu()
            theirs = torch.tensor(entry[f"force{key}"], dtype=torch.float64)
            worst = max(worst, float((force - theirs).abs().max() / theirs.abs().max().clamp(min=100.0)))
        scale = min(abs(entry[f"energy{key}"]) for entry in known)
        for name, off in parts.items():
            yield at_most(f"{medium}: {name}, difference", max(off), (1e-6 if fine else 1e-4) * scale, "kJ/mol")
        yield at_most(f"{medium}: forces, relative difference", worst, 1e-6 if fine else 1e-4)


def by_part(system: System, x: torch.Tensor, params: Params) -> dict[str, float]:
    """Energies of the terms, added up as OpenMM has them."""
    found: dict[str, float] = {}
    for term in system.forces.terms:
        law, energy = getattr(term, "law", None), getattr(term, "energy", None)
        solvent = isinstance(getattr(energy, "__self__", None), BornSolvent)
        name = "GBSAOBCForce" if solvent else PARTS["corrections" if law is None else law.kind]
        found[name] = found.get(name, 0.0) + float(term.sums(x, system.box, params)[0, 0])
    return found


def two_steps(setting: Setting) -> Iterator[Finding]:
    """A peptide by r-RESPA with four inner steps: its order, its way back, its energy beside Verlet's."""

    def moved(
        dynamics: Dynamics, dt: float, time: float, start: AtomState | None = None
    ) -> tuple[AtomState, list[float]]:
        scene = library.alanine_dipeptide(dt=dt).replace({"dynamics": dynamics, "outputs": {}})
        solver, state, params = compile_scene(scene, device=setting.device, dtype="float64")
        state, params, energies = start or map_tensors(torch.Tensor.detach, state), params.detach(), []
        clock = torch.zeros(1, dtype=torch.float64)
        for step in range(round(time / dt)):
            state = solver.step(state, params, clock, torch.full_like(clock, dt)).state
            if step % round(1.0 / dt) == 0:
                energies.append(float(solver.observe(state, params)["total_energy"]))
        return state, energies

    ends = [moved(RESPA(inner=4), dt, 8.0)[0].position for dt in (1.0, 0.5, 0.25, 0.125)]
    _, second, third = (float((a - b).norm()) for a, b in itertools.pairwise(ends))
    yield absolute("order in dt", 2.0, math.log2(second / third), 0.1)
    there, energies = moved(RESPA(inner=4), 1.0, 60.0)
    back, _ = moved(RESPA(inner=4), 1.0, 60.0, replace(there, velocity=-there.velocity))
    first = library_start()
    yield at_most("way back after 60 steps", float((back.position.cpu() - first).abs().max()), 1e-8, "Angstrom")
    _, short = moved(NVE(), 0.25, 60.0)
    _, long = moved(NVE(), 1.0, 60.0)
    yield at_most("rms of the energy, two steps over one short", spread(energies) / spread(short), 2.0)
    yield at_most("rms of the energy, two steps over one long", spread(energies) / spread(long), 0.2)


def library_start() -> torch.Tensor:
    state = compile_scene(library.alanine_dipeptide(), device="cpu", dtype="float64")[1]
    return state.position.detach()


def spread(energies: list[float]) -> float:
    return float(torch.tensor(energies, dtype=torch.float64).std())


KREMER = "Kremer & Grest 1990, J. Chem. Phys. 92, 5057"
CASES = (
    Case("dumbbell", "md", "a spring swings as Verlet's method has it", "exact solution of the scheme", dumbbell),
    Case(
        "alanine_dipeptide", "md", "energies and forces of a peptide, in vacuum and in implicit solvent",
        "OpenMM 8.6.1, platform Reference, with Amber ff99SB and OBC II", dipeptide,
    ),
    Case(
        "two_steps", "md", "bonded forces at a quarter of the step",
        "Tuckerman, Berne & Martyna 1992, J. Chem. Phys. 97, 1990", two_steps,
    ),
    Case("polymer_melt", "md", "chains of a melt", KREMER, melt, quick=False),
)  # fmt: skip
