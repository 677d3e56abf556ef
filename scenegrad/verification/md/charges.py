"""Sums over charges: the constants of Madelung, and meshes beside waves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
import torch

from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.coulomb import PME, ChargeMethod, Electrostatics, Ewald
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.verification.case import Case, Finding, Setting, at_most, relative

__all__ = ["CASES"]

FACES = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))
CRYSTALS = {  # ions of a cubic cell, from each to its counter-ion, and the distance of neighbours
    "NaCl": (FACES, (0.5, 0.0, 0.0), 0.5),
    "CsCl": (((0.0, 0.0, 0.0),), (0.5, 0.5, 0.5), 0.75**0.5),
    "ZnS_zincblende": (FACES, (0.25, 0.25, 0.25), 0.1875**0.5),
}
LEANING = (1.0, -1.0, 1.0)


def crystal(
    name: str, method: ChargeMethod, cells: int = 2, shake: float = 0.0, tilt: tuple[float, float, float] | None = None
) -> Scene:
    """Ions of charges 1 and -1 in cells of edge 1. tilt: of the box, by whole edges, so that the crystal stays."""
    basis, shift, _ = CRYSTALS[name]
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    rng = np.random.default_rng(0)
    ions: dict[str, Atoms | Electrostatics] = {}
    for ion, by, charge in (("plus", (0.0, 0.0, 0.0), 1.0), ("minus", shift, -1.0)):
        points = (corners + np.array(basis) + np.array(by)).reshape(-1, 3)
        points = points + shake * rng.standard_normal(points.shape)
        ions[ion] = Atoms(lattice=Sites(tuple(tuple(row) for row in points.tolist())), charge=charge)
    return Scene(
        name=name,
        units="lj",
        domain=Domain.periodic(size=(float(cells),) * 3, tilt=tilt),
        entities={**ions, "charges": Electrostatics(method=method)},
        time=Time(end=1.0),
    )


def energy_and_force(scene: Scene, setting: Setting) -> tuple[float, torch.Tensor, float]:
    """Energy of a pair of ions, all forces, and the trace of the virial, of a pair of ions too."""
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    pairs = state.position.shape[1] / 2
    seen = solver.observe(state, params)
    assert isinstance(solver, AtomSolver)
    force = solver.system.forces.force(state.position, solver.system.box, params)
    return float(seen["potential_energy"]) / pairs, force.double(), float(seen["virial"][0].trace()) / pairs


def madelung(setting: Setting) -> Iterator[Finding]:
    """The virial of 1/r is its energy."""
    known = json.loads((files("scenegrad.assets") / "reference" / "md" / "madelung.json").read_text())
    fine = setting.dtype == "float64"
    waves, mesh = Ewald(tolerance=1e-12 if fine else 1e-6), PME(tolerance=1e-8 if fine else 1e-5, order=8)
    for name, (_, _, nearest) in CRYSTALS.items():
        limit = 1e-8 if fine else 1e-5
        for what, method in (("waves", waves), ("mesh", mesh)):
            energy, _, virial = energy_and_force(crystal(name, method), setting)
            yield relative(f"{name}, {what}", known[name], -energy * nearest, limit)
            yield relative(f"virial of {name}, {what}", known[name], -virial * nearest, 10 * limit)
            energy, _, virial = energy_and_force(crystal(name, method, tilt=LEANING), setting)
            yield relative(f"{name} in a box that leans, {what}", known[name], -energy * nearest, limit)
            yield relative(f"virial of {name} there, {what}", known[name], -virial * nearest, 10 * limit)


def mesh_and_waves(setting: Setting) -> Iterator[Finding]:
    """Shaken salt, forces by their root mean square."""
    waves = energy_and_force(crystal("NaCl", Ewald(tolerance=1e-10), 3, 0.05), Setting(setting.device))
    for method in (PME(), PME(tolerance=1e-5), PME(tolerance=1e-5, order=5)):
        mesh = energy_and_force(crystal("NaCl", method, 3, 0.05), setting)
        what = f"tolerance {method.tolerance:g}, order {method.order}"
        yield relative(f"energy, {what}", waves[0], mesh[0], 1e-5)
        off = float((mesh[1] - waves[1]).square().mean().sqrt() / waves[1].square().mean().sqrt())
        yield at_most(f"forces, {what}", off, method.tolerance if setting.dtype == "float64" else 1e-4)


CASES = (
    Case(
        "madelung_constants", "md", "sums of crystals known to many digits",
        "Borwein et al. 2013, Lattice Sums Then and Now", madelung,
    ),
    Case(
        "mesh_ewald", "md", "Ewald's sum in double precision",
        "Essmann et al. 1995, J. Chem. Phys. 103, 8577", mesh_and_waves,
    ),
)  # fmt: skip
