"""How the Lennard-Jones liquid is built and how its atoms wander, beside LAMMPS."""

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
from scenegrad.scenes.atom_outputs import MSD, VelocityCorrelation
from scenegrad.scenes.atoms import FCC, Atoms
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.outputs import RDF, Thermo
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import CSVR
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.compile import compile_md
from scenegrad.solvers.md.observables.histogram import radii
from scenegrad.solvers.md.observables.transport import einstein, green_kubo
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_most, relative

__all__ = ["CASES"]

FOLDER = files("scenegrad.assets") / "reference" / "md"
ORACLE = "assets/reference/md/md_oracle_lammps.json"
WIDTH = 0.01  # of shells, as the table of g(r) has them


def liquid(temperature: float, density: float, cells: int, span: float, warmup: float) -> Scene:
    """864 atoms at the density of argon's triple point, cut at 2.5; a bath that keeps all momenta but one number."""
    return Scene(
        name="liquid",
        units="lj",
        domain=Domain.periodic(density=density),
        entities={
            "Ar": Atoms(lattice=FCC(cells=(cells, cells, cells)), temperature=2.0 * temperature),
            "pair": LennardJones(cutoff=2.5, cut="plain"),
        },
        dynamics=CSVR(temperature=temperature, relaxation=2.0),
        outputs={
            "thermo": Thermo(every=0.1),
            "rdf": RDF(r_max=2.5, bins=250, every=0.2),
            "msd": MSD(every=0.1, lags=50),
            "vacf": VelocityCorrelation(every=0.02, lags=100),
        },
        time=Time(end=warmup + span, dt=0.004, warmup=warmup),
        seed=7,
    )


def wandering(span: float, setting: Setting) -> Iterator[Finding]:
    known = json.loads((FOLDER / "md_oracle_lammps.json").read_text())["lj_structure_dynamics"]["triple_point"]
    scene = liquid(known["T_mean"], known["rho"], 6, span, 20.0)
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    made = rollout(solver, map_tensors(torch.Tensor.detach, state), params.detach()).outputs
    lags = {name: 0.1 * np.arange(51) if name == "msd" else 0.02 * np.arange(101) for name in ("msd", "vacf")}
    by_slope = einstein(made["msd"][0].cpu().numpy(), lags["msd"], 3, after=1.5)
    by_integral = green_kubo(made["vacf"][0].cpu().numpy(), lags["vacf"], 3)
    last = Estimate(by_integral.mean[-1], by_integral.error[-1])
    unit = "sigma^2/tau"
    yield relative(f"diffusion constant by the slope, {by_slope}", known["D_msd"], by_slope.mean, 0.05, unit)
    yield relative(f"diffusion constant of Green and Kubo, {last}", known["D_green_kubo"], last.mean, 0.05, unit)
    yield at_most("standard error of the slope", by_slope.error / by_slope.mean, 0.05)

    g, r = made["rdf"][0].mean(dim=0).cpu().numpy(), radii(2.5, 250).numpy()
    near = (r > 0.98) & (r < 1.22)
    top = np.polynomial.Polynomial.fit(r[near], g[near], 6)  # smooth through noisy shells
    fine = np.linspace(1.02, 1.18, 1601)
    yield absolute("first peak of g(r)", known["g_first_peak"][1], float(top(fine).max()), 0.03)
    yield absolute("its place", known["g_first_peak"][0], float(fine[top(fine).argmax()]), 0.01, "sigma")
    low = (r > 1.4) & (r < 1.75)
    bottom = np.polynomial.Polynomial.fit(r[low], g[low], 4)
    yield absolute("first minimum of g(r)", known["g_first_min"][1], float(bottom(r[low]).min()), 0.02)
    lines = (FOLDER / "lj_rdf_triple_point.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    table = np.array([[float(row["r"]), float(row["g"])] for row in rows])
    inside = table[table[:, 0] < 2.45]
    apart = np.abs(np.interp(inside[:, 0], r, g) - inside[:, 1]).mean()
    yield at_most("mean distance of g(r) from the table", float(apart), 0.012)


def kob_andersen(span: float, temperature: float, setting: Setting) -> Iterator[Finding]:
    """Energy and pressure of the glass former; the reference shifts its energies to zero at the cutoff."""
    table = json.loads((FOLDER / "md_oracle_lammps.json").read_text())["kob_andersen_3d"]["results"]
    known = next(row for row in table if row["T"] == temperature)
    lattice, warmup = FCC(cells=(6, 6, 6)), 30.0 if temperature >= 1.0 else 120.0  # the cold liquid settles slowly
    pairs = {"AA": (1.0, 1.0), "AB": (1.5, 0.8), "BB": (0.5, 0.88)}
    scene = Scene(
        name="kob_andersen",
        units="lj",
        domain=Domain.periodic(density=1.2),
        entities={
            "A": Atoms(lattice=lattice, share=0.8, temperature=2.0 * temperature),
            "B": Atoms(lattice=lattice, share=0.2, temperature=2.0 * temperature),
            **{
                name: LennardJones(epsilon=e, sigma=s, cutoff=2.5 * s, cut="plain", between=(name[0], name[1]))
                for name, (e, s) in pairs.items()
            },
        },
        dynamics=CSVR(temperature=known["Tm"][0], relaxation=0.5),
        outputs={
            "thermo": Thermo(every=0.05),
            **{name: RDF(r_max=2.5 * s, bins=2, every=1.0, of=(name[0], name[1])) for name, (_, s) in pairs.items()},
        },
        time=Time(end=warmup + span, dt=0.003, warmup=warmup),
        seed=5,
    )
    solver, state, params = compile_md([scene], setting.device, getattr(torch, setting.dtype))
    made = rollout(solver, map_tensors(torch.Tensor.detach, state), params.detach()).outputs
    u, p = (blocking(made["thermo"][name][0].cpu()) for name in ("potential", "pressure"))
    # What energies at the cutoff, 4 eps (2.5^-12 - 2.5^-6), add up to: of each kind of pair, g counts those within it.
    share = torch.bincount(solver.system.species.cpu().long()).double() / solver.system.atoms
    shift = 0.0
    for name, (e, s) in pairs.items():
        edges = 2.5 * s * np.array([0.0, 0.5, 1.0])
        volumes = 4.0 / 3.0 * np.pi * np.diff(edges**3)
        about = float(made[name][0].mean(dim=0).cpu().numpy() @ volumes) * 1.2
        a, b = "AB".index(name[0]), "AB".index(name[1])
        ends = 0.5 * float(share[a] * share[b]) * about * (1.0 if a == b else 2.0)
        shift += ends * 4.0 * e * (2.5**-12 - 2.5**-6)
    for name, found, mine, unit in (
        ("u", u, float(u.mean) - shift, "epsilon"), ("p", p, float(p.mean), "epsilon/sigma^3"),
    ):  # fmt: skip
        error = float(np.hypot(known[name][1], float(found.error)))
        yield absolute(f"{name} = {Estimate(mine, float(found.error))}", known[name][0], mine, 3.0 * error, unit)


CASES = (
    Case("lj_liquid_structure_and_diffusion", "md", "LAMMPS, N = 864", ORACLE, partial(wandering, 100.0), quick=False),
    *(
        Case(f"kob_andersen_T{t:g}", "md", "LAMMPS, N = 1000", ORACLE, partial(kob_andersen, 60.0, t), quick=False)
        for t in (2.0, 1.0, 0.7)
    ),
)
