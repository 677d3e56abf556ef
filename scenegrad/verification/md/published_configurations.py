"""Energies of the configurations of Lennard-Jones atoms that NIST published, in boxes with right angles and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import numpy as np

from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.tail import TailCorrection
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Finding, Setting, absolute, relative

__all__ = ["CASES"]

FOLDER = files("scenegrad.assets") / "reference" / "md"
NIST = "NIST SRD 173, Lennard-Jones Fluid Reference Calculations"


def precisions(setting: Setting) -> tuple[tuple[str, float, str], ...]:
    """Each with its limit and what is told of it: both, where nothing else is asked for."""
    single = ("float32", 1e-5, ", float32")
    return (("float64", 1e-10, ""), single) if setting.dtype == "float64" else (single,)


def atoms_in(domain: Domain, points: np.ndarray, cutoff: float, **more: Entity) -> Scene:
    return Scene(
        name="configuration",
        domain=domain,
        entities={
            "Ar": Atoms(lattice=Sites(tuple(tuple(row) for row in points.tolist()))),
            "pair": LennardJones(cutoff=cutoff, cut="plain"),
            **more,
        },
        time=Time(end=1.0),
        units="lj",
    )


def coordinates(name: str) -> np.ndarray:
    rows = (FOLDER / name).read_text().splitlines()
    return np.loadtxt([row for row in rows if row and row[0] in "-0123456789"], delimiter=",")


def seen(scene: Scene, device: str, dtype: str) -> tuple[float, float]:
    """Energy and the trace of the virial."""
    solver, state, params = compile_scene(scene, device=device, dtype=dtype)
    found = solver.observe(state, params)
    return float(found["potential_energy"]), float(found["virial"][0].trace())


def configuration(number: int, setting: Setting) -> Iterator[Finding]:
    """Energy and virial beside sums over all pairs in double precision, which round to the published digits; what lies
    beyond the cutoff, beside the published digits and the integral over them."""
    table = json.loads((FOLDER / "nist_lj_configs.json").read_text())["configs"]
    entry = next(one for one in table if one["config"] == number)
    points, box = coordinates(entry["coordinates"]), np.array(entry["box"])
    points, domain = points - box * np.rint(points / box), Domain.periodic(size=tuple(entry["box"]))
    for dtype, limit, told in precisions(setting):
        for cutoff in (3, 4):
            if entry["box"][0] == 2 * cutoff and dtype == "float32":
                continue  # a pair at the very edge may be in or out
            energy, virial = seen(atoms_in(domain, points, float(cutoff)), setting.device, dtype)
            known, what = entry["recomputed_f64"][f"rc{cutoff}"], f"rc = {cutoff}{told}"
            yield relative(f"energy, {what}", known["U_pair"], energy, limit, "epsilon")
            yield relative(f"virial, {what}", -known["sum_f_dot_r"], virial, 10 * limit, "epsilon")
            if dtype == "float64":
                published = entry["published"][f"rc{cutoff}"]
                for name, ours in (("U_pair", energy), ("W_pair", virial)):
                    yield digits(f"{name}, {what}", published[name], ours)
                whole = seen(atoms_in(domain, points, float(cutoff), tail=TailCorrection()), setting.device, dtype)
                yield digits(f"U_LRC, {what}", published["U_LRC"], whole[0] - energy)


def digits(quantity: str, published: str, ours: float) -> Finding:
    """Within half a unit of the last digit of what was printed."""
    _, _, places = published.partition(".")
    return absolute(f"{quantity}, as published", float(published), ours, 0.5001 * 10.0 ** -len(places), "epsilon")


def triclinic(setting: Setting) -> Iterator[Finding]:
    """Energy within the cutoff, and what lies beyond it."""
    points = coordinates("nist_lj_triclinic3.csv")
    size, tilt = (
        (10.0, 9.84807753012208, 9.64974312607518),
        (1.7364817766693041, 2.5881904510252074, 0.42863479791864567),
    )
    domain = Domain.periodic(size, tilt=tilt)
    for dtype, limit, told in precisions(setting):
        energy, _ = seen(atoms_in(domain, points, 3.0), setting.device, dtype)
        whole, _ = seen(atoms_in(domain, points, 3.0, tail=TailCorrection()), setting.device, dtype)
        yield relative(f"energy, rc = 3{told}", -505.78567945268, energy, limit, "epsilon")
        yield relative(f"tail correction{told}", -29.37186430697, whole - energy, limit, "epsilon")


CASES = (
    *(Case(f"nist_configuration_{n}", "md", "energies of NIST", NIST, partial(configuration, n)) for n in (1, 2, 3, 4)),
    Case("nist_triclinic", "md", "energy of NIST in a triclinic box", NIST, triclinic),
)
