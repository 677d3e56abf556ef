"""Gases with shocks, and shallow water."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.domain import Boundary, Domain, Slip
from scenegrad.scenes.fluids import Obstacle
from scenegrad.scenes.gases import Gas, GasPatch, IsentropicVortex, ShallowWater, WaterPatch
from scenegrad.scenes.methods import FiniteVolume
from scenegrad.scenes.outputs import Energy, Fields, Momentum
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Sphere
from scenegrad.scenes.sides import Inflow, Outflow
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, number

__all__ = ["blast", "bow_shock", "isentropic_vortex", "riemann_2d", "shallow_dam_break", "shock_tube"]

Reconstruction = Literal["muscl", "weno5"]
# Density, pressure, velocity of the quarters at the upper left, lower left and lower right; before them the upper right
# one and the time at which the pictures of the papers were taken.
QUARTERS = {
    3: ((1.5, 1.5, 0, 0), (0.5323, 0.3, 1.206, 0), (0.138, 0.029, 1.206, 1.206), (0.5323, 0.3, 0, 1.206), 0.3),
    4: ((1.1, 1.1, 0, 0), (0.5065, 0.35, 0.8939, 0), (1.1, 1.1, 0.8939, 0.8939), (0.5065, 0.35, 0, 0.8939), 0.25),
    6: ((1.0, 1.0, 0.75, -0.5), (2.0, 1.0, 0.75, 0.5), (1.0, 1.0, -0.75, 0.5), (3.0, 1.0, -0.75, -0.5), 0.3),
    12: ((0.5313, 0.4, 0, 0), (1.0, 1.0, 0.7276, 0), (0.8, 1.0, 0, 0), (1.0, 1.0, 0, 0.7276), 0.25),
}


def shock_tube(
    cells: int = 200,
    left: tuple[float, float, float] = (1.0, 0.0, 1.0),
    right: tuple[float, float, float] = (0.125, 0.0, 0.1),
    middle: float = 0.5,
    gamma: Scalar = 1.4,
    end: float = 0.2,
    reconstruction: Reconstruction = "muscl",
) -> Scene:
    """Two states of a gas meet: a shock, a contact and a fan. left, right: density, velocity, pressure.

    [Sod 1978, J. Comput. Phys. 27, 1-31]
    """
    patch = GasPatch(Box(center=(middle - 5.0,), size=(10.0,)), density=left[0], velocity=left[1:2], pressure=left[2])
    return Scene(
        name="shock_tube",
        domain=Domain(size=(1.0,), cells=(cells,)),
        entities={"gas": Gas(gamma=gamma, density=right[0], velocity=right[1:2], pressure=right[2], patches=(patch,))},
        boundary=Boundary(default=Outflow()),
        outputs={
            "fields": Fields("density", "velocity", "pressure", every=end / 20),
            "energy": Energy(every=end / 20),
        },
        method=FiniteVolume(reconstruction=reconstruction),
        time=Time(end=end),
    )


def blast(
    cells: int = 128,
    ratio: Scalar = 20.0,
    radius: float = 0.15,
    end: float = 5e-3,
    frames: int = 49,
    reconstruction: Reconstruction = "muscl",
) -> Scene:
    """Air under `ratio` times the pressure of that around it bursts out of a circle, and comes back from the walls.

    Box, grid, times and fields of the blasts of ShockCast, where the ratio goes from 2 to 49.5 [arXiv:2506.07969]; the
    circle, as warm as the air around it, and the walls are our choice.
    """
    air = 101325.0 / (287.05 * 300.0)  # [kg/m^3]
    inside = GasPatch(
        Sphere(center=(0.5, 0.5), radius=radius), density=number(ratio) * air, pressure=number(ratio) * 101325.0
    )
    quantities = ("pressure", "density", "velocity", "temperature", "mach")
    return Scene(
        name="blast",
        domain=Domain(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"gas": Gas(density=air, pressure=101325.0, patches=(inside,))},
        boundary=Boundary(default=Slip()),
        outputs={"fields": Fields(*quantities, every=end / (frames - 1)), "energy": Energy(every=end / (frames - 1))},
        method=FiniteVolume(reconstruction=reconstruction),
        time=Time(end=end, cfl=0.4),
    )


def riemann_2d(
    cells: int = 200,
    configuration: Literal[3, 4, 6, 12] = 3,
    end: float | None = None,
    reconstruction: Reconstruction = "weno5",
) -> Scene:
    """Four states of a gas meet in the middle of a square: shocks or slip lines that roll up into each other.

    [Lax & Liu 1998, SIAM J. Sci. Comput. 19, 319-340]
    """
    around, *quarters, until = QUARTERS[configuration]
    places = ((-0.5, 1.5), (-0.5, -0.5), (1.5, -0.5))  # each patch covers one quarter of the plane
    patches = tuple(
        GasPatch(Box(center=place, size=(2.0, 2.0)), density=rho, pressure=p, velocity=(u, v))
        for place, (rho, p, u, v) in zip(places, quarters, strict=True)
    )
    until = end or until
    return Scene(
        name="riemann_2d",
        domain=Domain(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"gas": Gas(density=around[0], pressure=around[1], velocity=around[2:], patches=patches)},
        boundary=Boundary(default=Outflow()),
        outputs={"fields": Fields("density", "velocity", "pressure", "schlieren", every=until / 20)},
        method=FiniteVolume(reconstruction=reconstruction),
        time=Time(end=until),
    )


def isentropic_vortex(
    cells: int = 80,
    strength: Scalar = 5.0,
    velocity: tuple[float, float] = (1.0, 1.0),
    end: float = 20.0,
    reconstruction: Reconstruction = "weno5",
) -> Scene:
    """A vortex is carried through a periodic box and comes back as it was: an exact solution of the Euler equations.

    [Yee, Sandham, Djomehri 1999, J. Comput. Phys. 150, 199-238]; the box is so wide that its sides do not see it.
    """
    return Scene(
        name="isentropic_vortex",
        domain=Domain.periodic(size=(20.0, 20.0), cells=(cells, cells)),
        entities={"gas": Gas(velocity=velocity, start=IsentropicVortex(strength=strength))},
        outputs={
            "fields": Fields("density", "velocity", "pressure", every=end / 20),
            "energy": Energy(every=end / 20),
            "momentum": Momentum(every=end / 20),
        },
        method=FiniteVolume(reconstruction=reconstruction),
        time=Time(end=end),
    )


def bow_shock(
    cells: int = 64,
    mach: float = 2.5,
    radius: Scalar = 0.15,
    end: float = 3.0,
    reconstruction: Reconstruction = "muscl",
) -> Scene:
    """A gas flows past a ball faster than sound: a shock stands before it, at a distance that the Mach number sets.

    [Billig 1967, J. Spacecraft Rockets 4, 822-823]. cells: in the width of the channel, which is 1 m.
    """
    velocity = (mach * 1.4**0.5, 0.0)
    return Scene(
        name="bow_shock",
        domain=Domain(size=(1.5, 1.0), cells=(cells * 3 // 2, cells)),
        entities={
            "gas": Gas(velocity=velocity),
            "ball": Obstacle(shape=Sphere(center=(0.6, 0.5), radius=radius)),
        },
        boundary=Boundary(x_lo=Inflow(velocity, density=1.0, pressure=1.0), default=Outflow()),
        outputs={"fields": Fields("density", "velocity", "pressure", "mach", every=end / 30)},
        method=FiniteVolume(reconstruction=reconstruction),
        time=Time(end=end),
    )


def shallow_dam_break(
    cells: int = 100,
    depth: Scalar = 1.0,
    ahead: Scalar = 0.1,
    gap: float = 0.4,
    end: float = 1.5,
    reconstruction: Reconstruction = "muscl",
) -> Scene:
    """A dam breaks in its middle, and the water behind it spreads over shallow water, seen from above.

    gap: width of the breach [m]; ahead: depth beyond the dam, 0 for dry ground. After the partial breach of
    [Fennema & Chaudhry 1990, J. Hydraul. Eng. 116, 1017-1034], here in a basin 2 m wide.
    """
    beyond = WaterPatch(Box(center=(11.0, 1.0), size=(20.0, 4.0)), depth=ahead)
    dam = Box(center=(1.0, 1.0), size=(0.08, 10.0)) - Box(center=(1.0, 1.0), size=(1.0, gap))
    return Scene(
        name="shallow_dam_break",
        domain=Domain(size=(2.0, 2.0), cells=(cells, cells)),
        entities={"water": ShallowWater(depth=depth, patches=(beyond,)), "dam": Obstacle(shape=dam)},
        boundary=Boundary(default=Slip()),
        outputs={"fields": Fields("depth", "velocity", "froude", every=end / 30), "energy": Energy(every=end / 30)},
        method=FiniteVolume(reconstruction=reconstruction),
        time=Time(end=end),
    )
