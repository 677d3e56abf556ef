"""Fluids on particles whose motion is known: at rest, sheared, flowing through a channel."""

from __future__ import annotations

from math import ceil

from scenegrad.scenes.domain import Boundary, Domain, Periodic, Separate, Slip, Stick
from scenegrad.scenes.materials import Bingham, Newtonian
from scenegrad.scenes.outputs import Energy, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box
from scenegrad.scenes.solids import Body, WeaklyCompressible
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, number

__all__ = ["channel", "hydrostatic", "slump"]


def hydrostatic(
    height: float = 1.0,
    width: float = 0.25,
    density: Scalar = 1000.0,
    viscosity: Scalar = 0.0,
    gravity: float = 9.81,
    speed_of_sound: float = 40.0,
    cells: int = 32,
    end: float = 1.0,
    every: float = 0.01,
) -> Scene:
    """A column of water in a tank, let go unpressed: it sinks a little under its weight, and bobs.

    cells: grid cells in its height. speed_of_sound: of the model [m/s]; the column settles by g H^2 / (2 c^2).
    """
    dx = height / cells
    columns, rows = ceil(width / dx), ceil(1.25 * cells)
    tank = (columns * dx, rows * dx)
    water = WeaklyCompressible(
        bulk_modulus=number(density) * speed_of_sound**2, gamma=7.0, viscosity=viscosity, density=density
    )
    return Scene(
        name="hydrostatic",
        domain=Domain(size=tank, cells=(columns, rows)),
        gravity=(0.0, -gravity),
        entities={"water": Body(shape=Box(center=(tank[0] / 2, height / 2), size=(tank[0], height)), material=water)},
        boundary=Boundary(x=Slip(), y_lo=Slip(), y_hi=Separate()),
        outputs={"particles": Particles("position", "pressure", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
    )


def channel(
    height: float = 1.0,
    speed: float = 1.0,
    viscosity: Scalar = 1.0,
    density: Scalar = 1.0,
    speed_of_sound: float = 10.0,
    cells: int = 32,
    end: float = 1.0,
    every: float = 0.05,
) -> Scene:
    """A fluid starts to flow between two plates, driven by a pull along them, up to `speed` in the middle.

    The pull is that of Poiseuille's flow, 8 nu speed / H^2. cells: grid cells between the plates.
    """
    dx = height / cells
    size = (4 * dx, height)
    pull = 8 * number(viscosity) / number(density) * speed / height**2
    fluid = Newtonian(bulk_modulus=number(density) * speed_of_sound**2, viscosity=viscosity, density=density)
    return Scene(
        name="channel",
        domain=Domain(size=size, cells=(4, cells)),
        gravity=(pull, 0.0),
        entities={"fluid": Body(shape=Box(center=(size[0] / 2, height / 2), size=size), material=fluid)},
        boundary=Boundary(x=Periodic(), y=Stick()),
        outputs={"particles": Particles("position", "velocity", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
    )


def slump(
    height: float = 0.3,
    width: float = 1 / 3,
    yield_stress: Scalar = 50.0,
    viscosity: Scalar = 12.0,
    density: Scalar = 1000.0,
    cells: int = 20,
    end: float = 8.0,
    every: float = 0.1,
) -> Scene:
    """A column of paste slumps on a plate to which it sticks, until its weight overcomes its yield stress no longer.

    One half of it; the other is its mirror image behind the side at x = 0. It ends where
    h^2 = 2 tau_y (L - x) / (rho g) [Liu & Mei 1989]. cells: in the height at first.
    """
    dx, pull = height / cells, 9.81
    reach = (9 * (height * width) ** 2 * number(density) * pull / (8 * number(yield_stress))) ** (1 / 3)
    columns, rows = ceil(1.4 * max(reach, width) / dx), ceil(1.1 * height / dx) + 2
    bulk = number(density) * 100 * pull * height  # sound is ten times as fast as sqrt(g H)
    paste = Bingham(
        bulk_modulus=bulk,
        shear_modulus=bulk / 10,
        yield_stress=yield_stress,
        viscosity=viscosity,
        density=density,
    )
    return Scene(
        name="slump",
        domain=Domain(size=(columns * dx, rows * dx), cells=(columns, rows)),
        gravity=(0.0, -pull),
        entities={"paste": Body(shape=Box(center=(width / 2, height / 2), size=(width, height)), material=paste)},
        boundary=Boundary(x_lo=Slip(), y_lo=Stick(), default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "pressure", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )
