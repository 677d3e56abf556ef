"""Energies of the configurations of Lennard-Jones atoms that NIST published, in boxes with right angles and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import numpy as np

from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.tail import TailCorrection
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Finding, Setting, relative

__all__ = ["CASES"]

NIST = "NIST SRD 173, Lennard-Jones Fluid Reference Calculations"


def configuration(number: int, setting: Setting) -> Iterator[Finding]:
    """Energy and virial beside sums over all pairs in double precision, which round to the published digits."""
    folder = files("scenegrad.assets") / "reference" / "md"
    table = json.loads((folder / "nist_lj_configs.json").read_text())["configs"]
    entry = next(one for one in table if one["config"] == number)
    rows = (folder / entry["coordinates"]).read_text().splitlines()
    points = np.loadtxt([row for row in rows if row and row[0] in "-0123456789"], delimiter=",")
    points = points - np.array(entry["box"]) * np.rint(points / np.array(entry["box"]))
    for cutoff in (3, 4):
        if entry["box"][0] == 2 * cutoff and setting.dtype == "float32":
            continue  # a pair at the very edge may be in or out
        scene = Scene(
            name="configuration",
            domain=Domain.periodic(size=tuple(entry["box"])),
            entities={
                "Ar": Atoms(lattice=Sites(tuple(tuple(row) for row in points.tolist()))),
                "pair": LennardJones(cutoff=float(cutoff), cut="plain"),
            },
            time=Time(end=1.0),
            units="lj",
        )
        solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
        seen = solver.observe(state, params)
        known = entry["recomputed_f64"][f"rc{cutoff}"]
        limit = 1e-10 if setting.dtype == "float64" else 1e-5
        yield relative(f"energy, rc = {cutoff}", known["U_pair"], float(seen["potential_energy"]), limit, "epsilon")
        virial = float(seen["virial"][0].trace())
        yield relative(f"virial, rc = {cutoff}", -known["sum_f_dot_r"], virial, 10 * limit, "epsilon")


def triclinic(setting: Setting) -> Iterator[Finding]:
    """Energy within the cutoff, and what lies beyond it."""
    path = files("scenegrad.assets") / "reference" / "md" / "nist_lj_triclinic3.csv"
    rows = [row for row in path.read_text().splitlines() if row and row[0] in "-0123456789"]
    points = tuple(tuple(float(word) for word in row.split(",")) for row in rows)
    size, tilt = (
        (10.0, 9.84807753012208, 9.64974312607518),
        (1.7364817766693041, 2.5881904510252074, 0.42863479791864567),
    )
    limit, energies = 1e-10 if setting.dtype == "float64" else 1e-5, []
    for rest in ({}, {"tail": TailCorrection()}):
        scene = Scene(
            name="configuration",
            domain=Domain.periodic(size, tilt=tilt),
            entities={"Ar": Atoms(lattice=Sites(points)), "pair": LennardJones(cutoff=3.0, cut="plain"), **rest},
            time=Time(end=1.0),
            units="lj",
        )
        solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
        energies.append(float(solver.observe(state, params)["potential_energy"]))
    yield relative("energy, rc = 3", -505.78567945268, energies[0], limit, "epsilon")
    yield relative("tail correction", -29.37186430697, energies[1] - energies[0], limit, "epsilon")


CASES = (
    *(Case(f"nist_configuration_{n}", "md", "energies of NIST", NIST, partial(configuration, n)) for n in (1, 2, 3, 4)),
    Case("nist_triclinic", "md", "energy of NIST in a triclinic box", NIST, triclinic),
)
