"""Elastic bodies whose motion is known: what a solver of solids is tried on, and plain to look at."""

from __future__ import annotations

from math import ceil

from scenegrad.scenes.domain import Boundary, Domain, Separate, Stick
from scenegrad.scenes.outputs import CenterOfMass, Energy, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box
from scenegrad.scenes.solids import Body, NeoHookean
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["cantilever"]


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
