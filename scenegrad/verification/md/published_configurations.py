"""Energies of the configurations of Lennard-Jones atoms that NIST published, in boxes with right angles."""

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


CASES = tuple(
    Case(f"nist_configuration_{n}", "md", "energies of NIST", NIST, partial(configuration, n)) for n in (1, 2, 3, 4)
)
