"""Targets of samplers against published energies, samplers against integrals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from scenegrad.engine.statistics import blocking
from scenegrad.scenes.library.targets import dw4, lj_cluster
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.sampling.annealing import population_annealing
from scenegrad.solvers.md.sampling.exchange import replica_exchange
from scenegrad.solvers.md.sampling.heat_capacity import heat_capacity
from scenegrad.solvers.md.sampling.mbar import mbar
from scenegrad.solvers.md.sampling.umbrella import umbrella_sampling
from scenegrad.verification.case import Case, Finding, Setting, absolute, relative
from scenegrad.verification.md.small_systems import (
    RADII,
    free_cluster,
    pair,
    pair_energy,
    pair_log_z,
    radial_weight,
    well,
)

__all__ = ["CASES"]

TARGETS = "targets of the Boltzmann-generator literature, reference/md/sampling_targets.json"
DATABASE = "Cambridge Cluster Database"


def targets() -> dict[str, Any]:
    return dict(json.loads((files("scenegrad.assets") / "reference" / "md" / "sampling_targets.json").read_text()))


def least_energy(atoms: int, setting: Setting) -> Iterator[Finding]:
    """Pairs counted once, and twice, which is twice as deep."""
    for pairs, weight in (("unordered", 1.0), ("ordered", 2.0)):
        scene = lj_cluster(atoms, pairs, stiffness=1e-12)  # type: ignore[arg-type]  # one of the three
        solver, state, params = compile_scene(scene, setting.device, "float64")

        def energy_and_slope(
            x: np.ndarray, solver: Any = solver, state: Any = state, params: Any = params
        ) -> tuple[float, np.ndarray]:
            here = replace(state, position=torch.from_numpy(x).view_as(state.position).to(state.position))
            slope = -solver.system.force(here, params).flatten().cpu().numpy()
            return float(solver.observe(here, params)["potential_energy"]), slope

        start = state.position.flatten().cpu().numpy()
        found = minimize(energy_and_slope, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-8})
        known = weight * targets()["LJ_global_minima_eps1"][str(atoms)]
        yield absolute(f"least energy, pairs {pairs}", known, found.fun, 1e-6 * weight, "epsilon")


def mean_energy(
    scene: Scene,
    known: tuple[str, str | None],
    rungs: tuple[float, ...],
    ladders: int,
    exchanges: int,
    every: int,
    setting: Setting,
) -> Iterator[Finding]:
    """At kT = 1, the coldest rung of a ladder, within four standard errors of the difference. A third is warming up."""
    target, key = known
    run = replica_exchange(
        scene, rungs, every=every, exchanges=exchanges, ladders=ladders, warmup=exchanges * every // 2, seed=1,
        device=setting.device, dtype=setting.dtype,
    )  # fmt: skip
    energies = run.energies[:, :, 0]
    ours, error = across(energies)
    measured = targets()[target]["measured"]
    measured = measured if key is None else measured[key]
    limit = 4.0 * (error**2 + measured["sem"] ** 2) ** 0.5
    yield absolute(f"mean energy (error bar {error:.3f})", measured["mean"], ours, limit, "kT")
    yield relative("standard deviation", measured["std"], float(energies.std()), 0.15, "kT")


def across(values: Tensor) -> tuple[float, float]:
    """Mean and error of a series [frame, member], from members that are independent."""
    by_member = values.mean(dim=0)
    return float(by_member.mean()), float(by_member.std()) / len(by_member) ** 0.5


def ladder(setting: Setting) -> Iterator[Finding]:
    """Mean energies on each rung, and swaps accepted, of two atoms in a double well and a harmonic one."""
    rungs = [1.0, 2.0, 4.0]
    run = replica_exchange(
        pair(), rungs, every=15, exchanges=100, ladders=32, warmup=200, seed=1, device=setting.device, dtype="float64"
    )
    for rung, temperature in enumerate(rungs):
        mean, error = across(run.energies[:, :, rung])
        yield absolute(f"mean energy at T = {temperature:g}", pair_energy(temperature)[0], mean, 4.0 * error, "epsilon")


def accepted(setting: Setting) -> Iterator[Finding]:
    """Swaps of harmonic systems, whose energies have Gamma distributions."""
    rungs, rng = [0.5, 0.8, 1.3], np.random.default_rng(0)
    run = replica_exchange(
        well(), rungs, every=20, exchanges=150, ladders=24, warmup=60, seed=4, device=setting.device, dtype="float64"
    )
    for rung, (cold, hot) in enumerate(pairwise(rungs)):
        low, high = rng.gamma(2.0, cold, 400_000), rng.gamma(2.0, hot, 400_000)
        exact = float(np.minimum(1.0, np.exp((1 / cold - 1 / hot) * (low - high))).mean())
        error = (exact * (1 - exact) / float(run.tried[rung])) ** 0.5
        yield absolute(f"share of swaps, {cold:g} with {hot:g}", exact, float(run.acceptance[rung]), 4.0 * error)
    cold_energies = blocking(run.energies[:, :, 0].mean(dim=1))
    yield absolute(
        "mean energy at T = 0.5, by blocking",
        1.0,
        float(cold_energies.mean),
        4.0 * float(cold_energies.error),
        "epsilon",
    )


def wells(setting: Setting) -> Iterator[Finding]:
    """MBAR from independent samples of three harmonic wells: f = 1/2 ln k."""
    rng, stiff, center = np.random.default_rng(7), np.array([1.0, 2.5, 6.0]), np.array([0.0, 0.4, 0.8])
    x = np.concatenate([c + rng.normal(size=4000) / np.sqrt(k) for k, c in zip(stiff, center, strict=True)])
    u = 0.5 * stiff[:, None] * (x - center[:, None]) ** 2
    found = mbar(torch.from_numpy(u), [4000] * 3)
    for k in (1, 2):
        error = float(found.errors[0, k])
        exact = 0.5 * np.log(stiff[k])
        yield absolute(f"f of k = {stiff[k]:g} (2 errors)", exact, float(found.free_energies[k]), 2.0 * error, "kT")


def annealed(setting: Setting) -> Iterator[Finding]:
    stages = [4.0, 3.0, 2.2, 1.6, 1.2, 1.0]
    run = population_annealing(
        pair(), stages, population=100, populations=6, every=20, warmup=200, seed=5, device=setting.device,
        dtype="float64",
    )  # fmt: skip
    exact = pair_log_z(1.0) - pair_log_z(4.0)
    yield absolute("ln Z(1) / Z(4)", exact, float(run.log_z[-1]), 4.0 * float(run.log_z_error[-1]))


def umbrellas(setting: Setting) -> Iterator[Finding]:
    """The worst of the bins, in error bars."""
    run = umbrella_sampling(
        pair(bias=True), np.linspace(1.0, 5.0, 12).tolist(), 6.0, every=10, frames=250, warmup=150, seed=3,
        device=setting.device, dtype="float64",
    )  # fmt: skip
    edges = np.linspace(1.3, 4.7, 18)
    found = run.profile(torch.from_numpy(edges))
    weight = radial_weight(1.0)
    inside = [np.trapezoid(np.where((a <= RADII) & (b > RADII), weight, 0.0), RADII) for a, b in pairwise(edges)]
    exact = torch.from_numpy(-np.log(inside)).to(found.free_energy)
    difference = found.free_energy - exact
    off = (difference - difference.mean()).abs() / found.error
    yield absolute("largest deviation of F(r), in error bars", 0.0, float(off.max()), 4.5)
    barrier = float(exact.max() - exact.min())
    height = float(found.free_energy.max() - found.free_energy.min())
    yield absolute("range of F(r)", barrier, height, 5.0 * float(found.error.max()), "kT")


def melting(setting: Setting) -> Iterator[Finding]:
    """Peak of the heat capacity of LJ13, momenta included, from all rungs of a ladder; published: T = 0.28 to 0.29."""
    run = replica_exchange(
        free_cluster(), np.linspace(0.18, 0.40, 12).tolist(), every=100, exchanges=600, ladders=8, warmup=6000, seed=2,
        device=setting.device, dtype="float32",
    )  # fmt: skip
    found = heat_capacity(run, np.linspace(0.25, 0.33, 41).tolist())
    at, height = found.peak
    error = float(found.error.max())
    yield absolute("temperature of the peak", 0.285, at, 0.006, "epsilon/k_B")
    yield absolute(f"height of the peak (error bar {error:.1f})", 117.5, 1.5 * 13 + height, 5.0 * error, "k_B")


QUADRATURE = "integral over the distance"
DW4, LJ13 = ("DW4", None), ("LJ13", "LJ13_double_c1")
HOT, WARM = (1.0, 1.8, 3.2), (1.0, 1.15)  # rungs: over barriers, and of a cluster that is liquid already

CASES = (
    *(
        Case(f"least_energy_lj{n}", "md", "least energy of clusters", DATABASE, partial(least_energy, n))
        for n in (13, 38, 55)
    ),
    Case("dw4", "md", "mean energy", TARGETS, partial(mean_energy, dw4(), DW4, HOT, 64, 80, 20)),
    Case("lj13_ordered", "md", "mean energy", TARGETS, partial(mean_energy, lj_cluster(13), LJ13, WARM, 32, 80, 40)),
    Case("dw4_long", "md", "mean energy", TARGETS, partial(mean_energy, dw4(), DW4, HOT, 256, 800, 20), quick=False),
    Case(
        "lj13_ordered_long", "md", "mean energy", TARGETS,
        partial(mean_energy, lj_cluster(13), LJ13, WARM, 128, 500, 40), quick=False,
    ),
    Case(
        "lj13_unordered_long", "md", "mean energy", TARGETS,
        partial(mean_energy, lj_cluster(13, "unordered"), ("LJ13", "LJ13_once_c1"), WARM, 128, 500, 40), quick=False,
    ),
    Case(
        "lj13_melting", "md", "peak of the heat capacity", "Frantz 1995, J. Chem. Phys. 102, 3747 (temperature); "
        "another run of the same (height)", melting, quick=False,
    ),
    Case("replica_exchange", "md", "canonical averages", QUADRATURE, ladder),
    Case("replica_exchange_swaps", "md", "Gamma distributions", "Kofke 2002, J. Chem. Phys. 117, 6911", accepted),
    Case("mbar", "md", "free energies of harmonic wells", "Shirts & Chodera 2008, J. Chem. Phys. 129, 124105", wells),
    Case("population_annealing", "md", "free energy", QUADRATURE, annealed),
    Case("umbrella_sampling", "md", "free energy along a distance", QUADRATURE, umbrellas),
)  # fmt: skip
