"""Small systems: those whose canonical averages are integrals over one distance, and a cluster."""

from __future__ import annotations

import numpy as np

from scenegrad.scenes.atoms import Atoms, Langevin, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.library.targets import CLUSTERS
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.targets import Confinement, DistanceBias, DoubleWellPairs, HarmonicWell, LennardJonesPairs
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Parameter

__all__ = ["RADII", "free_cluster", "pair", "pair_energy", "pair_log_z", "radial_weight", "well"]


def well(stiffness: float | Parameter = 1.0, temperature: float | Parameter = 1.0, dt: float = 0.1) -> Scene:
    """Two atoms in one harmonic well of the plane, free of each other: U is a sum of four squares."""
    return Scene(
        name="well",
        units="lj",
        domain=Domain.unbounded(dim=2),
        entities={
            "A": Atoms(lattice=Sites(((0.0, 0.0), (1.0, 0.0)))),
            "well": HarmonicWell(stiffness=stiffness, center=(0.0, 0.0)),
        },
        dynamics=Langevin(temperature=temperature, friction=1.0),
        time=Time(end=1.0, dt=dt),
    )


A, B, D0, TRAP = 1.0, -4.0, 3.0, 0.4


def pair(bias: bool = False, dt: float = 0.05) -> Scene:
    """Two atoms of the plane whose distance has two wells, in a harmonic well."""
    entities: dict[str, Entity] = {
        "A": Atoms(lattice=Sites(((0.0, 0.0), (2.0, 0.0)))),
        "pair": DoubleWellPairs(a=A, b=B, c=0.0, d0=D0),
        "trap": HarmonicWell(stiffness=TRAP, center=(0.0, 0.0)),
    }
    if bias:
        entities["bias"] = DistanceBias(center=2.0, stiffness=4.0)
    return Scene(
        name="pair",
        units="lj",
        domain=Domain.unbounded(dim=2),
        entities=entities,
        dynamics=Langevin(temperature=1.0, friction=1.0),
        time=Time(end=1.0, dt=dt),
    )


RADII = np.linspace(1e-4, 12.0, 60001)


def radial_weight(temperature: float) -> np.ndarray:
    """r exp(-[u(r) + trap/4 r^2] / T): of the distance of `pair`, on the grid RADII."""
    q = RADII - D0
    u = A * q**4 + B * q**2 + 0.25 * TRAP * RADII**2
    return RADII * np.exp(-u / temperature)


def pair_energy(temperature: float) -> tuple[float, float]:
    """Mean and variance of U; the centre of mass, of two squares, adds T and T^2."""
    w = radial_weight(temperature)
    q = RADII - D0
    u = A * q**4 + B * q**2 + 0.25 * TRAP * RADII**2
    mean = np.trapezoid(w * u, RADII) / np.trapezoid(w, RADII)
    square = np.trapezoid(w * (u - mean) ** 2, RADII) / np.trapezoid(w, RADII)
    return mean + temperature, square + temperature**2


def pair_log_z(temperature: float) -> float:
    return np.log(np.trapezoid(radial_weight(temperature), RADII)) + np.log(temperature)


def free_cluster() -> Scene:
    """LJ13 with sigma = epsilon = 1, in a soft sphere that keeps atoms which evaporate."""
    sigma = 2.0 ** (1.0 / 6.0)
    return Scene(
        name="cluster",
        units="lj",
        domain=Domain.unbounded(dim=3),
        entities={
            "atoms": Atoms(lattice=Sites(tuple(tuple(sigma * x for x in point) for point in CLUSTERS[13]()))),
            "pair": LennardJonesPairs(pairs="unordered", rm=sigma),
            "wall": Confinement(radius=2.5),
        },
        dynamics=Langevin(temperature=0.3, friction=1.0),
        time=Time(end=1.0, dt=0.01),
    )
