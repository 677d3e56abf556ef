"""Elastic bodies whose motion is known: what a solver of solids is tried on, and plain to look at."""

from __future__ import annotations

from math import ceil

from scenegrad.scenes.domain import Boundary, Domain, Separate, Stick
from scenegrad.scenes.methods import FLIP, MaterialPoint, Transfer
from scenegrad.scenes.outputs import CenterOfMass, Energy, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Sphere
from scenegrad.scenes.solids import Body, NeoHookean
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["cantilever", "colliding_rings"]


def cantilever(
    length: float = 1.0,
    thickness: float = 0.125,
    youngs_modulus: Scalar = 1e6,
    poisson_ratio: Scalar = 0.3,
    density: Scalar = 1000.0,
    gravity: float = 1.0,
    across: int = 4,
    end: float = 8.0,
    every: float = 0.05,
) -> Scene:
    """A beam held at its left end bends under its own weight and swings, in plane strain.

    across: grid cells in its thickness. gravity: downwards [m/s^2].
    """
    dx = thickness / across
    columns, rows = ceil(1.2 * length / dx), ceil((1.1 * length + 2 * thickness) / dx)
    top = rows * dx - thickness / 2
    body = Body(
        shape=Box(center=(length / 2, top - thickness / 2), size=(length, thickness)),
        material=NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=poisson_ratio, density=density),
    )
    return Scene(
        name="cantilever",
        domain=Domain(size=(columns * dx, rows * dx), cells=(columns, rows)),
        gravity=(0.0, -gravity),
        entities={"beam": body},
        boundary=Boundary(x_lo=Stick(), default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "stress", every=every),
            "com": CenterOfMass("beam", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )


def colliding_rings(
    cells: int = 128,
    speed: float = 10.0,
    outer: float = 0.04,
    inner: float = 0.01,
    youngs_modulus: Scalar = 7.3e7,
    poisson_ratio: Scalar = 0.2,
    density: Scalar = 1010.0,
    transfer: Transfer = FLIP(0.99),  # noqa: B008  # frozen
    end: float = 9e-4,
    every: float = 1e-5,
) -> Scene:
    """Two rings of rubber fly at each other, are pressed flat and part: how much energy the transfers lose is seen.

    cells: in the length of the box, five outer radii. [Huang et al. 2011, Int. J. Impact Eng. 38, 1002-1010]
    """
    length, gap = 5 * outer, outer / 40

    def ring(side: int) -> Body:
        center = (length / 2 + side * (outer + gap / 2), length / 4)
        shape = Sphere(center=center, radius=outer) - Sphere(center=center, radius=inner)
        matter = NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=poisson_ratio, density=density)
        return Body(shape=shape, material=matter, velocity=(-side * speed, 0.0))

    return Scene(
        name="colliding_rings",
        domain=Domain(size=(length, length / 2), cells=(cells, cells // 2)),
        entities={"left": ring(-1), "right": ring(1)},
        boundary=Boundary(default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "stress", every=every),
            "energy": Energy(every=every),
        },
        method=MaterialPoint(transfer=transfer),
        time=Time(end=end),
    )
