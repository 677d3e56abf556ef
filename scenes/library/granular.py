"""Sand: columns that collapse and heaps."""

from __future__ import annotations

from math import ceil, cos, radians, sin, sqrt, tan

from scenegrad.scenes.domain import Boundary, Domain, Separate, Slip, Stick
from scenegrad.scenes.materials import DruckerPrager
from scenegrad.scenes.outputs import CenterOfMass, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, HalfSpace
from scenegrad.scenes.solids import Body
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, number

__all__ = ["sand_column", "sand_heap"]


def grains(friction_angle: Scalar, density: Scalar, energy: float) -> DruckerPrager:
    """Sand in which sound is ten times as fast as sqrt(energy): far above the speed of the sand, far below the truth.

    energy: of a fall, per mass [m^2/s^2]."""
    nu = 0.3
    stiffness = number(density) * 100 * energy * (1 + nu) * (1 - 2 * nu) / (1 - nu)
    return DruckerPrager(youngs_modulus=stiffness, poisson_ratio=nu, friction_angle=friction_angle, density=density)


def sand_column(
    ratio: float = 2.0,
    width: float = 0.1,
    friction_angle: Scalar = 30.0,
    density: Scalar = 1600.0,
    cells: int = 16,
    end: float | None = None,
    every: float = 0.02,
) -> Scene:
    """A column of sand, `ratio` times as high as wide, collapses on rough ground: one half of it, in plane strain.

    The other half is its mirror image behind the side at x = 0. It runs out by about 1.5 ratio of its width where it is
    flat, by 2 ratio^(2/3) where it is high [Lube et al. 2005; Lajeunesse et al. 2005]. cells: in the width.
    """
    height, dx, pull = ratio * width, width / cells, 9.81
    columns = ceil(cells * (1.5 + 3 * min(ratio, 1.4 * ratio ** (2 / 3))))
    rows = ceil(1.1 * height / dx) + 2
    sand = grains(friction_angle, density, pull * max(height, width))
    return Scene(
        name="sand_column",
        domain=Domain(size=(columns * dx, rows * dx), cells=(columns, rows)),
        gravity=(0.0, -pull),
        entities={"sand": Body(shape=Box(center=(width / 2, height / 2), size=(width, height)), material=sand)},
        boundary=Boundary(x_lo=Slip(), y_lo=Stick(), default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "pressure", every=every),
            "com": CenterOfMass("sand", every=every),
        },
        time=Time(end=end or 4.5 * sqrt(height / pull)),
    )


def sand_heap(
    slope: float = 35.0,
    width: float = 0.2,
    friction_angle: Scalar = 30.0,
    density: Scalar = 1600.0,
    cells: int = 40,
    end: float = 2.0,
    every: float = 0.02,
) -> Scene:
    """A heap of sand as it was built, steeper or flatter than it can stand: one half of it, on rough ground.

    slope: of its flank [degree]; where it exceeds the angle of friction, the flank slides. width: from the middle to
    the foot; cells: in it.
    """
    height, dx, angle = width * tan(radians(slope)), width / cells, radians(slope)
    flank = HalfSpace(normal=(sin(angle), cos(angle)), offset=width * sin(angle))
    shape = Box(center=(width / 2, height / 2), size=(width, height)) & flank
    columns, rows = 2 * cells, ceil(1.1 * height / dx) + 2
    return Scene(
        name="sand_heap",
        domain=Domain(size=(columns * dx, rows * dx), cells=(columns, rows)),
        gravity=(0.0, -9.81),
        entities={"sand": Body(shape=shape, material=grains(friction_angle, density, 9.81 * height))},
        boundary=Boundary(x_lo=Slip(), y_lo=Stick(), default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "pressure", every=every),
            "com": CenterOfMass("sand", every=every),
        },
        time=Time(end=end),
    )
