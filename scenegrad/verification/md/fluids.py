"""Energy and pressure of the Lennard-Jones fluid beside equations of state and other codes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import numpy as np
import torch

from scenegrad.engine.jackknife import Estimate
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.engine.statistics import blocking
from scenegrad.scenes.atoms import FCC, Atoms
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.outputs import Thermo
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import CSVR
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.pairs.tail import tail_energy, tail_pressure
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_most

__all__ = ["CASES", "thermodynamics"]

FOLDER = files("scenegrad.assets") / "reference" / "md"
CUTOFF = 4.0
EVERY = 0.05  # time between two frames

# Temperature and density, dense and thin, cold and hot, beside the triple point of argon, which is a case of its own.
STATES = ((0.9, 0.82), (0.85, 0.86), (1.0, 0.8), (1.5, 0.8), (2.0, 0.5), (2.0, 0.8), (3.0, 0.8))


def fluid(temperature: float, density: float, cells: int, end: float, warmup: float, dt: float) -> Scene:
    """4 cells^3 atoms that start as a crystal, hot enough to melt, in a bath."""
    return Scene(
        name="fluid",
        units="lj",
        domain=Domain.periodic(density=density),
        entities={
            "Ar": Atoms(lattice=FCC(cells=(cells, cells, cells)), temperature=2.0 * temperature),
            "pair": LennardJones(cutoff=CUTOFF, cut="plain"),
        },
        dynamics=CSVR(temperature=temperature, relaxation=0.5),
        outputs={"thermo": Thermo(every=EVERY)},
        time=Time(end=end, dt=dt, warmup=warmup),
        seed=11,
    )


def thermodynamics(
    setting: Setting, temperature: float, density: float, cells: int = 5, span: float = 200.0, warmup: float = 20.0
) -> tuple[Estimate, Estimate]:
    """Potential energy per atom and pressure of the whole potential: what is beyond the cutoff is added."""
    dt = 0.004 if temperature < 1.5 else 0.003
    scene = fluid(temperature, density, cells, warmup + span, warmup, dt)
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    made = rollout(solver, map_tensors(torch.Tensor.detach, state), params.detach()).outputs["thermo"]
    u, p = (blocking(made[name][0]) for name in ("potential", "pressure"))
    return (
        Estimate(float(u.mean) + tail_energy(density, CUTOFF), float(u.error)),
        Estimate(float(p.mean) + tail_pressure(density, CUTOFF), float(p.error)),
    )


def beside_thol(temperature: float, density: float, u: Estimate, p: Estimate) -> Iterator[Finding]:
    lines = (FOLDER / "lj_eos.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    known = next(
        row
        for row in rows
        if row["eos"] == "LJ126_TholJPCRD2016" and (float(row["T"]), float(row["rho"])) == (temperature, density)
    )
    yield absolute(f"u = {u}, equation of state", float(known["u_res"]), float(u.mean), 0.01, "epsilon")
    yield absolute(f"p = {p}, equation of state", float(known["p"]), float(p.mean), 0.05, "epsilon/sigma^3")
    yield at_most("standard error of u", float(u.error), 0.01, "epsilon")
    yield at_most("standard error of p", float(p.error), 0.05, "epsilon/sigma^3")


def equation_of_state(temperature: float, density: float, setting: Setting) -> Iterator[Finding]:
    span = 200.0 if density > 0.6 else 400.0  # energies of thin fluids go further up and down
    yield from beside_thol(temperature, density, *thermodynamics(setting, temperature, density, span=span))


def triple_point(setting: Setting) -> Iterator[Finding]:
    """Beside LAMMPS, within three standard errors of both, and beside the equation of state."""
    table = json.loads((FOLDER / "md_oracle_lammps.json").read_text())["lj_triple_point"]
    u, p = thermodynamics(setting, table["T"], table["rho"])
    for name, mine, key, unit in (("u", u, "u", "epsilon"), ("p", p, "p", "epsilon/sigma^3")):
        limit = 3.0 * float(np.hypot(table[key][1], mine.error))
        yield absolute(f"{name} = {mine}, LAMMPS", table[f"{key}_total"], float(mine.mean), limit, unit)
    yield from beside_thol(table["T"], table["rho"], u, p)


THOL = "Thol et al. 2016, J. Phys. Chem. Ref. Data 45, 023101"
CASES = (
    *(
        Case(f"lj_state_T{t:g}_rho{rho:g}", "md", "equation of state of Thol et al.", THOL,
             partial(equation_of_state, t, rho), quick=False)
        for t, rho in STATES
    ),
    Case("lj_triple_point", "md", "LAMMPS, N = 864, 160 tau", "assets/reference/md/md_oracle_lammps.json",
         triple_point, quick=False),
)  # fmt: skip
