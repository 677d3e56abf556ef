"""Bodies that fall around each other, in units in which the constant of gravity is 1."""

from __future__ import annotations

import math

import numpy as np

from scenegrad.scenes.atoms import Atoms, Sites
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.gravity import Gravity
from scenegrad.scenes.motions import Hermite, SymmetricLeapfrog
from scenegrad.scenes.outputs import Energy, Momentum, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, number

__all__ = ["figure_eight", "kepler", "pythagorean", "star_cluster"]


def figure_eight(end: float = 6.32591398, accuracy: float = 5e-5) -> Scene:
    """Three equal masses that chase each other along a figure of eight, here once around.

    [Chenciner & Montgomery 2000, Ann. Math. 152, 881; start by C. Simo, refined to close to 2e-14]
    """
    x, y, u, v = 0.9700043569555412, -0.24308752923704469, -0.9324073696021901, -0.8647314631920988
    start = Sites(((x, y), (-x, -y), (0.0, 0.0)), velocities=((-0.5 * u, -0.5 * v), (-0.5 * u, -0.5 * v), (u, v)))
    return Scene(
        name="figure_eight",
        units="nbody",
        domain=Domain.unbounded(dim=2),
        entities={"body": Atoms(lattice=start), "pull": Gravity()},
        dynamics=Hermite(accuracy=accuracy),
        outputs={"energy": Energy(every=0.05), "traj": Particles("position", "velocity", every=0.02)},
        time=Time(end=end),
    )


def pythagorean(end: float = 30.0, accuracy: float = 1e-3) -> Scene:
    """Masses of 3, 4 and 5 at rest in the corners of the triangle whose sides these are, before they fall together.

    [Burrau 1913, Astron. Nachr. 195, 113; Szebehely & Peters 1967, Astron. J. 72, 876]
    """
    corners = {3: (1.0, 3.0), 4: (-2.0, -1.0), 5: (1.0, -1.0)}
    bodies = {
        f"m{mass}": Atoms(lattice=Sites((place,), velocities=((0.0, 0.0),)), mass=float(mass))
        for mass, place in corners.items()
    }
    return Scene(
        name="pythagorean",
        units="nbody",
        domain=Domain.unbounded(dim=2),
        entities={**bodies, "pull": Gravity()},
        dynamics=Hermite(accuracy=accuracy),
        outputs={"energy": Energy(every=0.1), "traj": Particles("position", "velocity", every=0.02)},
        time=Time(end=end),
    )


def kepler(eccentricity: float = 0.9, orbits: float = 1.0, ratio: Scalar = 1e-3, accuracy: float = 0.01) -> Scene:
    """A planet about its sun, from the pericentre on; together they weigh 1, and their ellipse has the half axis 1.

    ratio: of the mass of the planet to both; a period lasts 2 pi.
    """
    if not 0.0 <= eccentricity < 1.0:
        raise ValueError(f"kepler got eccentricity={eccentricity}; an ellipse has one in [0, 1).")
    small = float(ratio) if isinstance(ratio, float | int) else 1e-3
    near, fast = 1.0 - eccentricity, math.sqrt((1.0 + eccentricity) / (1.0 - eccentricity))
    shares = {"sun": -small, "planet": 1.0 - small}
    bodies = {
        name: Atoms(lattice=Sites(((share * near, 0.0),), velocities=((0.0, share * fast),)), mass=mass)
        for (name, share), mass in zip(shares.items(), (1.0 - small, small), strict=True)
    }
    period = 2.0 * math.pi
    return Scene(
        name="kepler",
        units="nbody",
        domain=Domain.unbounded(dim=2),
        entities={**bodies, "pull": Gravity()},
        dynamics=Hermite(accuracy=accuracy),
        outputs={"energy": Energy(every=period / 100), "traj": Particles("position", "velocity", every=period / 200)},
        time=Time(end=orbits * period),
    )


def star_cluster(
    bodies: int = 1000, end: float = 2.0, softening: Scalar = 0.02, accuracy: float = 0.1, seed: int = 11
) -> Scene:
    """A star cluster in balance, 2 K = -U: Plummer's sphere, of mass 1 and energy about -1/4, less its outskirts.

    [Plummer 1911; drawn as by Aarseth, Henon & Wielen 1974, Astron. Astrophys. 37, 183]
    """
    rng = np.random.default_rng(seed)

    def directions() -> np.ndarray:
        drawn = rng.standard_normal((bodies, 3))
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    radius = 1.0 / np.sqrt(rng.uniform(0.0, 0.97, bodies) ** (-2.0 / 3.0) - 1.0)
    q = np.linspace(0.0, 1.0, 4001)  # speed over that of escape; its density is q^2 (1 - q^2)^(7/2)
    below = np.cumsum(q**2 * (1.0 - q**2) ** 3.5)
    speed = np.interp(rng.uniform(0.0, below[-1], bodies), below, q) * math.sqrt(2.0) * (1.0 + radius**2) ** -0.25
    x, v = radius[:, None] * directions(), speed[:, None] * directions()
    scale = 3.0 * math.pi / 16.0
    x, v = scale * (x - x.mean(axis=0)), v - v.mean(axis=0)
    soft = number(softening)
    bond = [1.0 / np.sqrt((x[i] - x[:i]) ** 2 @ np.ones(3) + soft**2) for i in range(bodies)]
    v *= math.sqrt(sum(one.sum() for one in bond) / bodies / (v**2).sum())  # so that 2 K = -U to the last digit
    start = Sites(tuple(map(tuple, x.tolist())), velocities=tuple(map(tuple, v.tolist())))
    return Scene(
        name="star_cluster",
        units="nbody",
        domain=Domain.unbounded(dim=3),
        entities={"star": Atoms(lattice=start, mass=1.0 / bodies), "pull": Gravity(softening=softening)},
        dynamics=SymmetricLeapfrog(accuracy=accuracy, iterations=1),
        outputs={
            "energy": Energy(every=0.05),
            "momentum": Momentum(every=0.05),
            "traj": Particles("position", "velocity", every=0.05),
        },
        time=Time(end=end),
        seed=seed,
    )
