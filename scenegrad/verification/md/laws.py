"""What the equations of motion keep, and what a thermostat holds."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import numpy as np
import torch
from scipy import stats

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import Rollout, rollout
from scenegrad.engine.solver import Probe, Series
from scenegrad.engine.state import Params, map_tensors
from scenegrad.scenes.atoms import FCC, NVE, Atoms, Dynamics, Langevin, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.motions import RESPA
from scenegrad.scenes.pair_potentials import LennardJones, Morse
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import CSVR
from scenegrad.scenes.time import Time
from scenegrad.solvers.md.compile import compile_md
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, at_most, relative
from scenegrad.verification.md.catalogue import springs

__all__ = ["CASES"]

Compiled = tuple[AtomSolver, AtomState, Params]


def liquid(cells: int, setting: Setting, dynamics: Dynamics, temperature: float = 1.44) -> Compiled:
    scene = Scene(
        name="liquid",
        units="lj",
        domain=Domain.periodic(density=0.8442),
        entities={
            "Ar": Atoms(lattice=FCC(cells=(cells,) * 3), temperature=temperature),
            "pair": LennardJones(cutoff=2.5 if cells > 3 else 2.0),
        },
        dynamics=dynamics,
        time=Time(end=1.0, dt=0.004),
    )
    return compiled(scene, setting)


def compiled(scene: Scene | list[Scene], setting: Setting) -> Compiled:
    scenes = scene if isinstance(scene, list) else [scene]
    solver, state, params = compile_md(scenes, setting.device, getattr(torch, setting.dtype))
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


def carried(made: Compiled, span: float, dt: float, probes: tuple[Probe, ...] = ()) -> Rollout[AtomState]:
    return rollout(*made, span, controller=Fixed(dt), probes=probes)


def energy_and_dt(setting: Setting) -> Iterator[Finding]:
    """rms of the energy per atom about its trend, for N = 864 at T = 0.69 and a few dt, over 16 tau each."""
    solver, state, params = liquid(6, setting, CSVR(temperature=0.69, relaxation=0.2))
    warm = carried((solver, state, params), 6.0, 0.004).state
    solver, state, params = liquid(6, setting, NVE())
    state = replace(state, position=warm.position, velocity=warm.velocity)
    seen: Probe[AtomState] = Probe(
        "energy", 0.008, lambda s, p: {"total": solver.observe(s, p)["total_energy"]}, Series()
    )
    dts, rms, drift = np.array([0.001, 0.002, 0.004, 0.008]), [], []
    for dt in dts:
        made = carried((solver, state, params), 16.0, float(dt), (seen,))
        energy, time = made.outputs["energy"][0].cpu().numpy() / 864, made.times["energy"].numpy()
        trend = np.polyfit(time, energy, 1)
        rms.append(float(np.std(energy - np.polyval(trend, time))))
        drift.append(float(trend[0]))
    exponent = float(np.polyfit(np.log(dts), np.log(rms), 1)[0])
    yield absolute("exponent of rms(E) in dt", 2.0, exponent, 0.05)
    lines = (files("scenegrad.assets") / "reference" / "md" / "lj_nve_dt_scaling.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    known = {float(row["dt"]): float(row["rms_over_dt2"]) for row in rows}
    # The table itself spreads by 10 %: each of its numbers is one run.
    for dt, one in zip(dts, rms, strict=True):
        yield relative(f"rms(E) / (N dt^2), dt = {dt:g}", known[float(dt)], one / dt**2, 0.15, "epsilon/tau^2")
    mean = float(np.mean([known[float(dt)] for dt in dts]))
    yield relative("their mean", mean, float(np.mean(rms / dts**2)), 0.08, "epsilon/tau^2")
    yield at_most("drift of E / N, dt = 0.004", drift[2], 2e-6, "epsilon/tau")


def two_speeds(setting: Setting) -> Iterator[Finding]:
    """r-RESPA on chains of stiff springs: of second order, reversible, and nearly as steady as short steps for all."""
    finest, stiff, double = 0.0005, 3e4, Setting(setting.device)
    solver, start, params = compiled(springs(stiff, dynamics=RESPA(inner=4)), double)
    ends = [carried((solver, start, params), 0.048, k * finest).state.position for k in (4, 2, 1)]
    first, second = (float((a - b).norm()) for a, b in pairwise(ends))
    yield absolute("order of the error in dt", 2.0, math.log2(first / second), 0.1)
    there = carried((solver, start, params), 0.1, 0.002).state
    back = carried((solver, replace(there, velocity=-there.velocity), params), 0.1, 0.002).state
    miss = float((back.position - start.position).abs().max())
    yield at_most("distance from the start after turning round", miss, 1e-9)

    def waver(dynamics: Dynamics, dt: float) -> float:
        solver, state, params = compiled(springs(stiff, dynamics=dynamics), double)
        watch: Probe[AtomState] = Probe(
            "energy", 4 * finest, lambda s, p: {"e": solver.observe(s, p)["total_energy"]}, Series()
        )
        return float(carried((solver, state, params), 0.4, dt, (watch,)).outputs["energy"][0].std())

    two, short, long = waver(RESPA(inner=4), 4 * finest), waver(NVE(), finest), waver(NVE(), 4 * finest)
    yield at_most("rms(E) over that of long steps for all", two / long, 0.2)
    yield at_most("rms(E) over that of short steps for all", two / short, 2.0)


def momentum(setting: Setting) -> Iterator[Finding]:
    """Of a liquid that moves as a whole, through 250 steps."""
    solver, state, params = liquid(3, setting, NVE())
    state = replace(state, velocity=state.velocity + 0.3)
    before = solver.observe(state, params)["momentum"]
    after = solver.observe(carried((solver, state, params), 1.0, 0.004).state, params)["momentum"]
    lost = float((after - before).abs().max() / before.abs().max())
    yield at_most("change, relative", lost, 1e-13 if setting.dtype == "float64" else 1e-5)


def reversal(setting: Setting) -> Iterator[Finding]:
    """100 steps, the velocities turned round, and 100 steps back."""
    solver, state, params = liquid(3, setting, NVE())
    there = carried((solver, state, params), 0.4, 0.004).state
    back = carried((solver, replace(there, velocity=-there.velocity), params), 0.4, 0.004).state
    lost = float((back.position - state.position).abs().max())
    yield at_most("distance from the start", lost, 1e-12 if setting.dtype == "float64" else 1e-4, "sigma")


def equipartition(setting: Setting) -> Iterator[Finding]:
    """m v^2 / T of all degrees of freedom of a liquid in a bath is distributed as chi square; so is their sum."""
    solver, state, params = liquid(5, setting, Langevin(temperature=0.9, friction=2.0), temperature=1.8)
    state = carried((solver, state, params), 4.0, 0.004).state
    found = []
    for _ in range(6):  # a few times the memory of a velocity apart
        state = carried((solver, state, params), 1.5, 0.004).state
        found.append(state.velocity.double().cpu().numpy().ravel())
    v = np.concatenate(found) / math.sqrt(0.9)
    edges = stats.norm.ppf(np.linspace(0.0, 1.0, 21))
    count = np.histogram(v, edges)[0]
    spread = float(((count - v.size / 20) ** 2 / (v.size / 20)).sum())
    yield at_least("chance of this chi square, 20 bins of velocities", 1e-3, float(stats.chi2.sf(spread, 19)))
    total = float((v**2).sum())
    two_sided = 2.0 * min(stats.chi2.sf(total, v.size), stats.chi2.cdf(total, v.size))
    yield at_least(f"chance of the kinetic energy, T = {0.9 * total / v.size:.4f}", 1e-3, float(two_sided))


def configurational_temperature(setting: Setting) -> Iterator[Finding]:
    """Two atoms on a spring at omega dt = 1: BAOAB spreads their distance as the temperature asks, where an error of
    second order would be a tenth or more. The spring is Morse's with a bond so weak that T is deep in its parabola."""
    depth, alpha, heat = 5.0e5, 1.0, 0.01
    stiffness = 2.0 * depth * alpha**2
    scenes = [
        Scene(
            name="spring",
            units="lj",
            domain=Domain.periodic(size=(100.0, 100.0, 100.0)),
            entities={
                "A": Atoms(lattice=Sites(((50.0, 50.0, 50.0), (51.0, 50.0, 50.0)))),
                "bond": Morse(depth=depth, alpha=alpha, r0=1.0, cutoff=40.0, cut="plain"),
            },
            dynamics=Langevin(temperature=heat, friction=0.2 * math.sqrt(stiffness)),
            seed=n,
            time=Time(end=1.0),
        )
        for n in range(512)
    ]
    solver, state, params = compiled(scenes, setting)
    dt = 1.0 / math.sqrt(2.0 * stiffness)  # omega^2 = 2 k / m of two atoms of mass 1
    step, clock = torch.full((len(scenes),), dt, dtype=torch.float64), torch.zeros(len(scenes), dtype=torch.float64)
    squares = []
    for n in range(600):
        state = solver.step(state, params, clock, step).state
        if n >= 60 and n % 4 == 0:
            along = (state.position[:, 0] - state.position[:, 1]).double().norm(dim=1) - 1.0
            squares.append(along.square().mean())
    mean = stiffness * float(torch.stack(squares).mean())
    error = stiffness * float(torch.stack(squares).std()) / math.sqrt(len(squares))
    yield relative("k <d^2> in units of T", 1.0, mean / heat, max(4.0 * error / heat, 0.002))
    yield at_most("its standard error", error / heat, 0.01)


TABLE = "assets/reference/md/lj_nve_dt_scaling.csv"
CASES = (
    Case("momentum", "md", "conservation", "Newton's third law", momentum),
    Case("reversal", "md", "the start", "velocity Verlet is symmetric in time", reversal),
    Case("energy_and_dt", "md", "LAMMPS, N = 864", TABLE, energy_and_dt, quick=False),
    Case("two_speeds", "md", "velocity Verlet", "Tuckerman, Berne & Martyna 1992, J. Chem. Phys. 97, 1990", two_speeds),
    Case("equipartition", "md", "Maxwell's distribution", "chi square", equipartition, quick=False),
    Case("configurational_temperature", "md", "k <d^2> = T", "Leimkuhler & Matthews 2013, J. Chem. Phys. 138, 174102",
         configurational_temperature),
)  # fmt: skip
