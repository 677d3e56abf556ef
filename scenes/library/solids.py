"""Elastic bodies and splashing water."""

from __future__ import annotations

from pathlib import Path

from scenegrad.scenes.domain import Boundary, Coulomb, Domain, Separate, Slip, Stick
from scenegrad.scenes.outputs import CenterOfMass, Energy, Momentum, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Mesh, Shape, Sphere
from scenegrad.scenes.solids import Body, NeoHookean, Wall, WeaklyCompressible
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, Vector, number

__all__ = ["bar_vibration", "colliding_disks", "dam_break", "elastic_drop"]

DUCK = Path(__file__).resolve().parents[2] / "assets" / "meshes" / "duck.stl"


def elastic_drop(
    mesh: str | Path | None = None,
    youngs_modulus: Scalar = 1e5,
    poisson_ratio: Scalar = 0.3,
    density: Scalar = 1000.0,
    velocity: Vector = (0.5, 0.0, -1.0),
    friction: Scalar = 0.4,
    cells: int = 48,
    scale: float | None = None,
    end: float = 0.8,
    every: float = 0.02,
) -> Scene:
    """A soft body falls on a floor with friction, bounces and slides, in a box of 1 m.

    mesh: a surface or volume mesh; without one, a rubber duck. scale: of its coordinates. Young's modulus in Pa.
    """
    if mesh is None:
        mesh, scale = DUCK, scale or 0.4
    body = Body(
        shape=Mesh(str(mesh), scale=scale or 1.0, center=(0.4, 0.5, 0.5)),
        material=NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=poisson_ratio, density=density),
        velocity=velocity,
    )
    return Scene(
        name="elastic_drop",
        domain=Domain(size=(1.0, 1.0, 1.0), cells=(cells, cells, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={"body": body, "floor": Wall(normal=(0.0, 0.0, 1.0), offset=0.1, contact=Coulomb(friction))},
        boundary=Boundary(default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "speed", every=every),
            "com": CenterOfMass("body", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )


def dam_break(
    cells: int = 128,
    width: float = 0.05715,
    ratio: float = 2.0,
    density: Scalar = 1000.0,
    viscosity: Scalar = 1e-3,
    speed_of_sound: float = 15.0,
    end: float = 0.25,
    every: float = 0.005,
) -> Scene:
    """A column of water, `ratio` times as high as it is wide, collapses under gravity in a tank on its side.

    width: of the column [m]; its default is that of the experiment [Martin & Moyce 1952, Phil. Trans. R. Soc. A 244,
    312-324]. speed_of_sound: of the model [m/s]; at least ten times the speed of the front, far below that of water.
    """
    tank = (8.0 * width, 4.0 * width)
    shape = Box(center=(width / 2, ratio * width / 2), size=(width, ratio * width))
    bulk = number(density) * speed_of_sound**2
    water = WeaklyCompressible(bulk_modulus=bulk, gamma=7.0, viscosity=viscosity, density=density)
    return Scene(
        name="dam_break",
        domain=Domain(size=tank, cells=(cells, cells // 2)),
        gravity=(0.0, -9.81),
        entities={"water": Body(shape=shape, material=water)},
        boundary=Boundary(default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "pressure", every=every),
            "com": CenterOfMass("water", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )


def colliding_disks(
    cells: int = 40,
    youngs_modulus: Scalar = 1000.0,
    poisson_ratio: Scalar = 0.3,
    density: Scalar = 1000.0,
    speed: float = 0.1,
    end: float = 3.5,
    every: float = 0.05,
) -> Scene:
    """Two elastic disks meet, are pressed together, bounce and part: the first test of the method.

    [Sulsky, Chen & Schreyer 1994, Comput. Methods Appl. Mech. Eng. 118, 179-196]
    """

    def disk(center: tuple[float, float], velocity: tuple[float, float]) -> Body:
        shape: Shape = Sphere(center=center, radius=0.2)
        material = NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=poisson_ratio, density=density)
        return Body(shape=shape, material=material, velocity=velocity)

    return Scene(
        name="colliding_disks",
        domain=Domain(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"left": disk((0.27, 0.27), (speed, speed)), "right": disk((0.73, 0.73), (-speed, -speed))},
        boundary=Boundary(default=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "speed", "stress", every=every),
            "energy": Energy(every=every),
            "momentum": Momentum(every=every),
        },
        time=Time(end=end),
    )


def bar_vibration(
    cells: int = 40,
    youngs_modulus: Scalar = 100.0,
    density: Scalar = 1.0,
    speed: float = 0.1,
    end: float = 20.0,
    every: float = 0.1,
) -> Scene:
    """A bar of 25 m, held at its left end and free at its right, is set in motion as a whole and swings along its axis.

    Poisson's ratio is 0, so that it moves as in one dimension: the slowest mode has omega = pi/(2 L) sqrt(E / rho).
    """
    length = 25.0
    dx = 1.25 * length / cells
    bar = Body(
        shape=Box(center=(length / 2, 2 * dx), size=(length, 4 * dx)),
        material=NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=0.0, density=density),
        velocity=(speed, 0.0),
    )
    return Scene(
        name="bar_vibration",
        domain=Domain(size=(cells * dx, 4 * dx), cells=(cells, 4)),
        entities={"bar": bar},
        boundary=Boundary(x_lo=Stick(), y=Slip(), x_hi=Separate()),
        outputs={
            "particles": Particles("position", "velocity", "stress", every=every),
            "com": CenterOfMass("bar", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )
