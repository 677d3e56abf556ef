"""Constant pressure: the density that the equation of state of Lennard-Jones has there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from importlib.resources import files

import torch

from scenegrad.scenes import library
from scenegrad.scenes.motions import ConstantPressure
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.tail import TailCorrection
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Finding, Setting, relative

__all__ = ["CASES"]


def density_of(temperature: float, density: float, members: int, steps: int, setting: Setting) -> Iterator[Finding]:
    """Boxes of 256 atoms that begin a tenth too thin, at the pressure of the table; the cut is plain, at 3 sigma."""
    text = (files("scenegrad.assets") / "reference" / "md" / "lj_eos.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in text if not line.startswith("#"))
    row = next(one for one in rows if (float(one["T"]), float(one["rho"])) == (temperature, density))
    dynamics = ConstantPressure(temperature=temperature, pressure=float(row["p"]), response=0.4)
    scene = library.lj_fluid(cells=4, temperature=temperature, density=0.9 * density).replace(
        {"outputs": {}, "dynamics": dynamics, "pair": LennardJones(cutoff=3.0, cut="plain")}
    )
    scene = scene.model_copy(update={"entities": {**scene.entities, "tail": TailCorrection()}})
    copies = [scene.replace({"seed": n}) for n in range(members)]
    solver, state, params = compile_scene(copies, device=setting.device, dtype=setting.dtype)
    dt = torch.full((members,), 0.004, dtype=torch.float64)
    volume, work, seen = torch.zeros(members, dtype=torch.float64), [], 0
    with torch.no_grad():
        for n in range(steps):
            state = solver.step(state, params, n * dt, dt).state
            if n == steps // 3:
                work.append(solver.observe(state, params)["conserved_energy"])
            if n > steps // 3:
                assert state.edges is not None
                volume, seen = volume + state.edges.prod(dim=1).cpu(), seen + 1
        work.append(solver.observe(state, params)["conserved_energy"])
    yield relative("density", density, float(256 / (volume / seen).mean()), 0.01)
    drift = float((work[1] - work[0]).abs().max()) / 256
    yield Finding("drift of the conserved energy of an atom", 0.0, drift, drift, 0.02, "epsilon")


SOURCE = "Thol et al. 2016, J. Phys. Chem. Ref. Data 45, 023101"
CASES = (
    Case("constant_pressure", "md", "equation of state", SOURCE, partial(density_of, 1.5, 0.8, 8, 4500), quick=False),
)
