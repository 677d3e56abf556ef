"""Systems of atoms in reduced (Lennard-Jones) units."""

from __future__ import annotations

from scenegrad.scenes.atoms import FCC, NVE, Atoms, Hexagonal, Langevin, Square
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.outputs import RDF, Energy, Particles, Thermo
from scenegrad.scenes.pair_potentials import LennardJones
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["argon", "kob_andersen", "kob_andersen_2d", "lj_fluid", "melting_crystal"]


def argon(
    cells: int = 6,
    temperature: Scalar = 1.44,
    density: Scalar = 0.8442,
    epsilon: Scalar = 1.0,
    sigma: Scalar = 1.0,
    end: float = 20.0,
    dt: float = 0.004,
    warmup: float = 5.0,
    seed: int = 2,
) -> Scene:
    """Liquid argon near its triple point (T = 0.722, rho = 0.8442), at constant energy, from a face-centred crystal.

    Half of the first temperature goes into melting the crystal. [Verlet 1967, Phys. Rev. 159, 98]
    """
    return Scene(
        name="argon",
        units="lj",
        domain=Domain.periodic(density=density),
        entities={
            "Ar": Atoms(lattice=FCC(cells=(cells, cells, cells)), temperature=temperature),
            "pair": LennardJones(epsilon=epsilon, sigma=sigma, cutoff=2.5, cut="force-shift"),
        },
        dynamics=NVE(),
        outputs={
            "thermo": Thermo(every=0.05),
            "rdf": RDF(r_max=4.0 if cells > 4 else 2.5, bins=200, every=0.5),
            "traj": Particles("position", "velocity", every=0.5),
        },
        time=Time(end=end, dt=dt, warmup=warmup),
        seed=seed,
    )


def lj_fluid(
    cells: int = 5,
    temperature: Scalar = 1.5,
    density: Scalar = 0.6,
    friction: Scalar = 1.0,
    epsilon: Scalar = 1.0,
    end: float = 20.0,
    dt: float = 0.005,
    warmup: float = 5.0,
    seed: int = 3,
) -> Scene:
    """A supercritical Lennard-Jones fluid that a Langevin thermostat holds at its temperature."""
    return Scene(
        name="lj_fluid",
        units="lj",
        domain=Domain.periodic(density=density),
        entities={
            "Ar": Atoms(lattice=FCC(cells=(cells, cells, cells)), temperature=temperature),
            "pair": LennardJones(epsilon=epsilon, cutoff=2.5),
        },
        dynamics=Langevin(temperature="Ar.temperature", friction=friction),
        outputs={
            "thermo": Thermo(every=0.05),
            "rdf": RDF(r_max=3.5, bins=175, every=0.5),
            "traj": Particles("position", "velocity", every=0.5),
        },
        time=Time(end=end, dt=dt, warmup=warmup),
        seed=seed,
    )


def kob_andersen(
    cells: int = 6,
    temperature: Scalar = 1.0,
    friction: Scalar = 1.0,
    end: float = 20.0,
    dt: float = 0.004,
    seed: int = 4,
) -> Scene:
    """The binary mixture that will not crystallise: 80 % large and 20 % small atoms at rho = 1.2.

    [Kob & Andersen 1995, Phys. Rev. E 51, 4626]
    """
    lattice = FCC(cells=(cells, cells, cells))
    return Scene(
        name="kob_andersen",
        units="lj",
        domain=Domain.periodic(density=1.2),
        entities={
            "A": Atoms(lattice=lattice, share=0.8, temperature=temperature),
            "B": Atoms(lattice=lattice, share=0.2, temperature=temperature),
            "AA": LennardJones(epsilon=1.0, sigma=1.0, cutoff=2.5, between=("A", "A")),
            "AB": LennardJones(epsilon=1.5, sigma=0.8, cutoff=2.0, between=("A", "B")),
            "BB": LennardJones(epsilon=0.5, sigma=0.88, cutoff=2.2, between=("B", "B")),
        },
        dynamics=Langevin(temperature="A.temperature", friction=friction),
        outputs={
            "thermo": Thermo(every=0.1),
            "rdf": RDF(r_max=3.5 if cells > 4 else 2.5, bins=175, every=0.5),
            "traj": Particles("position", "velocity", every=0.5),
        },
        time=Time(end=end, dt=dt, warmup=0.25 * end),
        seed=seed,
    )


def kob_andersen_2d(
    cells: int = 6,
    temperature: Scalar = 0.8,
    friction: Scalar = 1.0,
    end: float = 20.0,
    dt: float = 0.005,
    seed: int = 6,
) -> Scene:
    """The same mixture in the plane, 65 % large atoms, so small that many copies of it are sampled at once.

    [Bruning, St-Onge, Patterson & Kob 2009, J. Phys.: Condens. Matter 21, 035117]
    """
    lattice, longest = Square(cells=(cells, cells)), 0.5 * cells / 1.2**0.5
    return Scene(
        name="kob_andersen_2d",
        units="lj",
        domain=Domain.periodic(density=1.2),
        entities={
            "A": Atoms(lattice=lattice, share=0.65, temperature=temperature),
            "B": Atoms(lattice=lattice, share=0.35, temperature=temperature),
            "AA": LennardJones(epsilon=1.0, sigma=1.0, cutoff=min(2.5, longest), between=("A", "A")),
            "AB": LennardJones(epsilon=1.5, sigma=0.8, cutoff=2.0, between=("A", "B")),
            "BB": LennardJones(epsilon=0.5, sigma=0.88, cutoff=2.2, between=("B", "B")),
        },
        dynamics=Langevin(temperature="A.temperature", friction=friction),
        outputs={"thermo": Thermo(every=0.1), "traj": Particles("position", every=0.5)},
        time=Time(end=end, dt=dt),
        seed=seed,
    )


def melting_crystal(
    cells: tuple[int, int] = (20, 12),
    temperature: Scalar = 1.2,
    density: Scalar = 0.8,
    end: float = 20.0,
    dt: float = 0.005,
    seed: int = 5,
) -> Scene:
    """A flat crystal of Lennard-Jones atoms that starts too hot and loses its order, at constant energy."""
    return Scene(
        name="melting_crystal",
        units="lj",
        domain=Domain.periodic(density=density),
        entities={
            "Ar": Atoms(lattice=Hexagonal(cells=cells), temperature=temperature),
            "pair": LennardJones(cutoff=2.5),
        },
        dynamics=NVE(),
        outputs={
            "energy": Energy(every=0.05),
            "thermo": Thermo(every=0.05),
            "rdf": RDF(r_max=5.0, bins=200, every=0.5),
            "traj": Particles("position", "velocity", every=0.1),
        },
        time=Time(end=end, dt=dt),
        seed=seed,
    )
