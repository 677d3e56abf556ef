"""Thermostats and barostats: what each keeps, and the distributions that it ought to draw from."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from scenegrad.engine.state import Params, map_tensors
from scenegrad.scenes.active import ActiveBrownian
from scenegrad.scenes.atoms import FCC, Atoms, Dynamics, Langevin, Lattice, SimpleCubic, Sites, Square
from scenegrad.scenes.bonded import RigidBond
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.motions import ConstantPressure
from scenegrad.scenes.pair_potentials import LennardJones, SoftSphere, Yukawa
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.targets import HarmonicWell
from scenegrad.scenes.thermostats import CSVR, Brownian, NoseHoover
from scenegrad.scenes.time import Time
from scenegrad.solvers.md.compile import compile_md
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, at_most, relative

__all__ = ["CASES"]

Compiled = tuple[AtomSolver, AtomState, Params]
HEAT = 1.5


def compiled(scenes: list[Scene], setting: Setting) -> Compiled:
    solver, state, params = compile_md(scenes, setting.device, getattr(torch, setting.dtype))
    return solver, map_tensors(torch.Tensor.detach, state), params.detach()


def carried(made: Compiled, steps: int, dt: float) -> Iterator[AtomState]:
    solver, state, params = made
    clock = torch.zeros(len(state.step), dtype=torch.float64)
    for n in range(steps):
        state = solver.step(state, params, clock + n * dt, torch.full_like(clock, dt)).state
        yield state


def liquid(dynamics: Dynamics, cells: int = 3, cutoff: float = 2.2) -> Scene:
    """Two kinds of atoms, one ten times as heavy as the other."""
    lattice = FCC(cells=(cells, cells, cells))
    return Scene(
        name="liquid",
        units="lj",
        domain=Domain.periodic(density=0.8),
        entities={
            "light": Atoms(lattice=lattice, share=0.5, mass=1.0, temperature=2.0 * HEAT),
            "heavy": Atoms(lattice=lattice, share=0.5, mass=10.0, temperature=2.0 * HEAT),
            "pair": LennardJones(cutoff=cutoff),
        },
        dynamics=dynamics,
        time=Time(end=1.0),
    )


BATHS: dict[str, Dynamics] = {
    "Nose-Hoover": NoseHoover(temperature=HEAT, period=0.4),
    "CSVR": CSVR(temperature=HEAT, relaxation=0.1),
    "Langevin": Langevin(temperature=HEAT, friction=2.0),
    "constant pressure": ConstantPressure(temperature=HEAT, pressure=3.0, response=0.5, relaxation=0.1),
}


def conserved(setting: Setting) -> Iterator[Finding]:
    """What a bath is given is counted: atoms and bath together keep their energy up to an error of second order, a
    small part of what the atoms' own energy changes by. Momentum is kept."""
    dts = (0.004, 0.002, 0.001)
    for name in ("Nose-Hoover", "CSVR", "constant pressure"):
        wavers, swing, lost = [], 0.0, 0.0
        for dt in dts:
            made = compiled([liquid(BATHS[name])], Setting(setting.device))
            seen = [made[0].observe(state, made[2]) for state in carried(made, round(0.6 / dt), dt)]
            kept = [float(one["conserved_energy"]) for one in seen]
            wavers.append(float(np.std(kept)))
            swing = float(np.ptp([float(one["total_energy"]) for one in seen]))
            lost = float(seen[-1]["momentum"].abs().max())
        order = float(np.polyfit(np.log(dts), np.log(wavers), 1)[0])
        yield absolute(f"{name}: order in dt of the waver of the conserved energy", 2.0, order, 0.3)
        yield at_most(f"{name}: that waver, dt = {dts[-1]:g}, over the change of E", wavers[-1] / swing, 0.005)
        yield at_most(f"{name}: momentum", lost, 1e-10)


def chance(values: np.ndarray, law: stats.rv_continuous) -> float:
    """Of a sample at least this far from its law [Kolmogorov & Smirnov]."""
    return float(stats.kstest(values, law.cdf).pvalue)


def kinetic_energies(setting: Setting) -> Iterator[Finding]:
    """K / T is of the Gamma distribution of f / 2, for 128 liquids of 32 atoms at times far apart; light and heavy
    atoms have one temperature."""
    for name in ("Nose-Hoover", "CSVR", "Langevin"):
        scene = liquid(BATHS[name], cells=2, cutoff=1.6)
        made = compiled([scene.replace({"seed": n}) for n in range(128)], setting)
        solver, _, params = made
        mass = solver.system.masses(params).double()
        light = mass[0] == 1.0
        drawn: list[Tensor] = []
        shares: list[Tensor] = []
        for n, state in enumerate(carried(made, 2000, 0.004)):
            if n >= 500 and n % 250 == 0:
                each = 0.5 * mass * state.velocity.double().square().sum(-1) / HEAT
                drawn.append(each.sum(1))
                shares.append(each[:, light].sum(1) / light.sum() - each[:, ~light].sum(1) / (~light).sum())
        freedoms = solver.freedoms()
        kinetic, apart = torch.cat(drawn).cpu().numpy(), torch.cat(shares).cpu().numpy()
        yield at_least(f"{name}: chance of these K", 1e-3, chance(kinetic, stats.gamma(freedoms / 2.0)))
        spread = math.sqrt(freedoms / 2.0)
        few = math.sqrt(len(kinetic))
        yield absolute(f"{name}: <K> / T", freedoms / 2.0, float(kinetic.mean()), 4.0 * spread / few)
        yield relative(f"{name}: variance of K / T^2", freedoms / 2.0, float(kinetic.var()), 4.0 * math.sqrt(2.0) / few)
        # Where the centre of mass rests, an atom lacks its share of the mass: 3/2 T (1 - m / M).
        rests = freedoms < 3 * len(light)
        known = 1.5 * float(mass[0, ~light][0] - mass[0, light][0]) / float(mass[0].sum()) if rests else 0.0
        limit = 4.0 * float(apart.std()) / few
        yield absolute(f"{name}: <K> of a light atom less that of a heavy one", known, float(apart.mean()), limit, "T")


def volumes(setting: Setting) -> Iterator[Finding]:
    """N atoms that hardly feel each other at constant pressure: P V / T is of the Gamma distribution of N, up to an
    error of first order in the time from one rescaling to the next, here a twentieth of the memory of the volume."""
    pressure, members = 0.02, 256
    dynamics = ConstantPressure(
        temperature=1.0, pressure=pressure, response=0.2, compressibility=50.0, relaxation=0.1, every=2
    )
    lattices: tuple[Lattice, ...] = (SimpleCubic(cells=(2, 2, 2)), Square(cells=(3, 3)))
    for dim, lattice, atoms in ((3, lattices[0], 8.0), (2, lattices[1], 9.0)):
        scene = Scene(
            name="gas",
            units="lj",
            domain=Domain.periodic(density=pressure),
            entities={"A": Atoms(lattice=lattice, temperature=1.0), "pair": SoftSphere(epsilon=1e-6, cutoff=0.6)},
            dynamics=dynamics,
            time=Time(end=1.0),
        )
        made = compiled([scene.replace({"seed": n}) for n in range(members)], setting)
        seen = []
        for n, state in enumerate(carried(made, 1600, 0.005)):
            if n >= 600 and n % 200 == 0:
                assert state.edges is not None
                seen.append(state.edges.prod(dim=1).cpu().numpy() * pressure)
        drawn = np.concatenate(seen)
        few, told = math.sqrt(len(drawn)), f"{dim}D, {atoms:g} atoms"
        yield absolute(f"{told}: P <V> / T", atoms, float(drawn.mean()), 4.0 * math.sqrt(atoms) / few)
        limit = 4.0 * math.sqrt(2.0 + 6.0 / atoms) / few
        yield relative(f"{told}: variance of P V / T", atoms, float(drawn.var()), limit)
        yield at_least(f"{told}: chance of these volumes", 1e-3, chance(drawn, stats.gamma(atoms)))


def wells(setting: Setting) -> Iterator[Finding]:
    """6,000 harmonic oscillators: BAOAB and Brownian motion spread them as the temperature asks at any step."""
    atoms, heat = 2000, 0.7
    for name, dynamics, longest in (
        ("BAOAB", Langevin(temperature=heat, friction=0.5), 1.0),
        ("Brownian motion", Brownian(temperature=heat, friction=2.0), 1.0),
    ):
        for part in (0.5, 1.0, 1.5):
            spots = np.random.default_rng(2).normal(0.0, math.sqrt(heat), (atoms, 3))
            scene = Scene(
                name="well",
                units="lj",
                domain=Domain.unbounded(dim=3),
                entities={
                    "A": Atoms(lattice=Sites(tuple(map(tuple, spots.tolist()))), temperature=heat),
                    "well": HarmonicWell(stiffness=1.0, center=(0.0, 0.0, 0.0)),
                },
                dynamics=dynamics,
                time=Time(end=1.0),
            )
            squares = [
                state.position.double().square().mean()
                for n, state in enumerate(carried(compiled([scene], setting), 600, longest * part))
                if n >= 40 and n % 8 == 0
            ]
            series = torch.stack(squares)
            error = float(series.std()) / math.sqrt(len(series))
            told = f"omega dt = {part:g}" if name == "BAOAB" else f"k dt / (m friction) = {0.5 * part:g}"
            yield relative(f"{name}, {told}: k <x^2> / T", 1.0, float(series.mean()) / heat, 4.0 * error / heat)
            yield at_most(f"{name}, {told}: its standard error", error / heat, 0.003)


def trimers(setting: Setting) -> Iterator[Finding]:
    """Three equal atoms on two rigid bonds bend by p(c) ~ sqrt(4 - c^2), c the cosine: not evenly, since rigid bonds
    bind momenta too [Fixman 1974, PNAS 71, 3050]."""
    chains = 1500
    rng, rows = np.random.default_rng(5), []
    for spot in 4.0 * np.stack(np.meshgrid(*[np.arange(12)] * 3, indexing="ij"), -1).reshape(-1, 3)[:chains]:
        ends = rng.standard_normal((2, 3))
        ends /= np.linalg.norm(ends, axis=1, keepdims=True)
        rows += [(spot + ends[0]).tolist(), spot.tolist(), (spot + ends[1]).tolist()]
    bonds = tuple(pair for n in range(chains) for pair in ((3 * n, 3 * n + 1), (3 * n + 1, 3 * n + 2)))
    scene = Scene(
        name="trimers",
        units="lj",
        domain=Domain.periodic(size=(48.0, 48.0, 48.0)),
        entities={"A": Atoms(lattice=Sites(tuple(map(tuple, rows))), temperature=1.0), "rods": RigidBond(groups=bonds)},
        dynamics=Langevin(temperature=1.0, friction=1.0),
        time=Time(end=1.0),
    )
    squares, heats = [], []
    made = compiled([scene], setting)
    solver, _, params = made
    for n, state in enumerate(carried(made, 1200, 0.04)):
        if n >= 150 and n % 25 == 0:
            x = state.position[0].double().reshape(chains, 3, 3)
            c = ((x[:, 0] - x[:, 1]) * (x[:, 2] - x[:, 1])).sum(1)
            squares.append(c.square().mean())
            heats.append(float(solver.observe(state, params)["temperature"]))
    grid = np.linspace(-1.0, 1.0, 20001)
    weight = np.sqrt(4.0 - grid**2)
    known = float(np.trapezoid(grid**2 * weight, grid) / np.trapezoid(weight, grid))
    found = torch.stack(squares)
    error = float(found.std()) / math.sqrt(len(found))
    yield absolute(
        "<cos^2> of the angle, which would be 1/3 for stiff springs", known, float(found.mean()), 4.0 * error
    )
    yield at_most("its standard error", error, 0.0025)
    error = float(np.std(heats)) / math.sqrt(len(heats))
    yield absolute("temperature", 1.0, float(np.mean(heats)), max(4.0 * error, 2e-3))


def swimmers(setting: Setting) -> Iterator[Finding]:
    """10,000 active particles that do not feel each other, within four standard errors:
    <dx^2> = 2 d D t + 2 v^2 tau^2 (t / tau - 1 + exp(-t / tau)), tau = 1 / (d - 1) D_r."""
    heat, speed, rotation, friction, dt = 0.3, 3.0, 0.8, 2.0, 0.02
    for dim, start in ((2, (100, 100)), (3, (22, 22, 22))):
        points = np.stack(np.meshgrid(*[np.arange(n) for n in start], indexing="ij"), -1).reshape(-1, dim)
        scene = Scene(
            name="swimmers",
            units="lj",
            domain=Domain.periodic(tuple(10.0 * n for n in start)),
            entities={
                "A": Atoms(lattice=Sites(tuple(map(tuple, (10.0 * points).astype(float).tolist())))),
                "pair": Yukawa(strength=0.0, screening=1.0, cutoff=1.0),
            },
            dynamics=ActiveBrownian(temperature=heat, speed=speed, rotation=rotation, friction=friction),
            time=Time(end=1.0),
        )
        made = compiled([scene], setting)
        first, tau = made[1].position.double(), 1.0 / ((dim - 1) * rotation)
        for n, state in enumerate(carried(made, 200, dt), start=1):
            if n in (5, 50, 200):
                time = n * dt
                known = 2 * dim * heat / friction * time
                known += 2 * (speed * tau) ** 2 * (time / tau - 1 + math.exp(-time / tau))
                square = (state.position.double() - first).square().sum(-1)
                error = float(square.std()) / math.sqrt(len(points))
                told = f"{dim}D, t = {time:g}: <dx^2>"
                yield relative(told, known, float(square.mean()), 4.0 * error / known, "sigma^2")


BUSSI = "Bussi, Donadio & Parrinello 2007; Martyna et al. 1996; Bernetti & Bussi 2020"
BATH = "Bussi, Donadio & Parrinello 2007; Martyna et al. 1996; Bernetti & Bussi 2020"
BOX = "Bernetti & Bussi 2020, J. Chem. Phys. 153, 114107"
WELL = "Leimkuhler & Matthews 2013, J. Chem. Phys. 138, 174102; Appl. Math. Res. Express 2013, 34"
SWIM = "Howse et al. 2007, Phys. Rev. Lett. 99, 048102"
CASES = (
    Case("conserved_energies", "md", "energy of atoms and bath", BATH, conserved, quick=False),
    Case("kinetic_energies", "md", "Gamma distribution", "Gibbs", kinetic_energies, quick=False),
    Case("volumes_at_constant_pressure", "md", "Gamma distribution", BOX, volumes, quick=False),
    Case("harmonic_wells", "md", "k <x^2> = T", WELL, wells),
    Case("rigid_trimers", "md", "distribution of the angle", "Fixman 1974, PNAS 71, 3050", trimers, quick=False),
    Case("active_particles", "md", "persistent random walk", SWIM, swimmers, quick=False),
)
