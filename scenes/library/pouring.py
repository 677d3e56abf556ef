"""Fluids and grains that are poured, mixed and made to work."""

from __future__ import annotations

from math import cos, pi, radians, sin

from scenegrad.scenes.colliders import Collider, Hinge, Moving, RigidBody
from scenegrad.scenes.domain import Boundary, Coulomb, Domain, Separate, Stick
from scenegrad.scenes.materials import DruckerPrager, Newtonian
from scenegrad.scenes.outputs import CenterOfMass, Energy, Particles, RigidPose
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Capsule, Cylinder, HalfSpace, Shape, Sphere
from scenegrad.scenes.signals import Table
from scenegrad.scenes.solids import Body, WeaklyCompressible
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["honey_coiling", "hourglass", "mixing_fluids", "pouring", "water_wheel"]


def honey_coiling(
    viscosity: Scalar = 10.0,
    density: Scalar = 1400.0,
    speed: float = 0.4,
    tilt: float = 0.1,
    cells: int = 80,
    end: float = 0.15,
    every: float = 0.002,
) -> Scene:
    """A thread of honey, 4 mm thick and 9 cm long, falls on a plate, buckles and coils [Ribe, Habibi & Bonn 2012].

    tilt: slope of the thread, which says to which side it buckles.
    """
    thread = Cylinder(center=(0.03, 0.03, 0.05), radius=0.002, height=0.09, axis=(tilt, 0.0, 1.0))
    honey = Newtonian(bulk_modulus=3e4, viscosity=viscosity, density=density)
    return Scene(
        name="honey_coiling",
        domain=Domain(size=(0.06, 0.06, 0.1), cells=(3 * cells // 5, 3 * cells // 5, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={"honey": Body(shape=thread, material=honey, velocity=(0.0, 0.0, -speed), particles_per_cell=27)},
        boundary=Boundary(z_lo=Stick(), default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
    )


def hourglass(
    friction_angle: Scalar = 30.0,
    neck: float = 0.08,
    steepness: float = 50.0,
    cells: int = 100,
    end: float = 2.0,
    every: float = 0.02,
) -> Scene:
    """Sand runs from the upper half of a glass through its neck into the lower one, where it heaps up. In plane strain.

    neck: its width [m]; a few cells. steepness: of the walls of the glass [degree].
    """
    middle, rise = (0.3, 0.5), radians(steepness)
    slope = (sin(rise), cos(rise))  # of the walls, outwards and away from the neck

    def side(towards: float) -> Shape:
        """What lies beyond both walls of a side, -1 left or 1 right."""
        normals = ((-towards * slope[0], slope[1]), (-towards * slope[0], -slope[1]))
        edge = (middle[0] + towards * neck / 2, middle[1])
        up, down = (HalfSpace(normal=n, offset=n[0] * edge[0] + n[1] * edge[1]) for n in normals)
        return up & down

    glass = side(-1.0) | side(1.0)
    heap = Box(center=(0.3, 0.69), size=(0.6, 0.36)) - glass
    sand = DruckerPrager(youngs_modulus=3e5, friction_angle=friction_angle, density=1600.0)
    return Scene(
        name="hourglass",
        domain=Domain(size=(0.6, 1.0), cells=(3 * cells // 5, cells)),
        gravity=(0.0, -9.81),
        entities={"sand": Body(shape=heap, material=sand), "glass": Collider(shape=glass, contact=Coulomb(0.2))},
        boundary=Boundary(default=Coulomb(0.5)),
        outputs={"particles": Particles("position", "speed", every=every), "com": CenterOfMass("sand", every=every)},
        time=Time(end=end),
    )


def water_wheel(
    density: Scalar = 300.0,
    paddles: int = 8,
    cells: int = 96,
    end: float = 1.2,
    every: float = 0.02,
) -> Scene:
    """A column of water falls on the paddles of a wheel and turns it; the wheel pushes back. In two dimensions."""
    wheel: Shape = Sphere(center=(0.45, 0.4), radius=0.08)
    for k in range(paddles // 2):
        turn = pi * k / (paddles // 2)
        wheel = wheel | Capsule(center=(0.45, 0.4), radius=0.015, height=0.5, axis=(cos(turn), sin(turn)))
    jet = Body(
        shape=Box(center=(0.64, 1.05), size=(0.12, 0.7)),
        material=WeaklyCompressible(bulk_modulus=1e5, viscosity=1e-2),
        velocity=(0.0, -1.0),
    )
    axle = Hinge(point=(0.45, 0.4))
    return Scene(
        name="water_wheel",
        domain=Domain(size=(1.0, 1.5), cells=(cells, 3 * cells // 2)),
        gravity=(0.0, -9.81),
        entities={"water": jet, "wheel": RigidBody(shape=wheel, density=density, hinge=axle)},
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "wheel": RigidPose("wheel", every=every)},
        time=Time(end=end),
    )


def pouring(
    viscosity: Scalar = 0.2,
    angle: float = 110.0,
    cells: int = 80,
    end: float = 3.0,
    every: float = 0.02,
) -> Scene:
    """A cup turns by `angle` [degree] within two seconds and pours its cream into a bowl. In two dimensions."""
    rate = -radians(angle) / 2
    cup = Box(center=(0.3, 0.61), size=(0.3, 0.34)) - Box(center=(0.3, 0.65), size=(0.24, 0.34))
    bowl = Box(center=(0.65, 0.2), size=(0.6, 0.4)) - Box(center=(0.65, 0.25), size=(0.52, 0.42))
    cream = WeaklyCompressible(bulk_modulus=5e4, viscosity=viscosity)
    turning = Moving(angular_velocity=Table(every=0.1, values=(0.0, *(rate,) * 20, 0.0)), center=(0.45, 0.78))
    return Scene(
        name="pouring",
        domain=Domain(size=(1.0, 1.25), cells=(cells, 5 * cells // 4)),
        gravity=(0.0, -9.81),
        entities={
            "cream": Body(shape=Box(center=(0.3, 0.58), size=(0.24, 0.2)), material=cream),
            "cup": Collider(shape=cup, motion=turning),
            "bowl": Collider(shape=bowl, contact=Stick()),
        },
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "cup": RigidPose("cup", every=every)},
        time=Time(end=end),
    )


def mixing_fluids(
    milk_density: Scalar = 1030.0,
    coffee_density: Scalar = 980.0,
    viscosity: Scalar = 2e-3,
    cells: int = 80,
    end: float = 1.0,
    every: float = 0.02,
) -> Scene:
    """A jet of milk falls into a cup of coffee, dives, spreads and rolls up. In two dimensions, 10 cm wide."""

    def fluid(density: Scalar) -> WeaklyCompressible:
        return WeaklyCompressible(bulk_modulus=1.5e4, viscosity=viscosity, density=density)

    coffee = Body(shape=Box(center=(0.05, 0.025), size=(0.1, 0.05)), material=fluid(coffee_density))
    milk = Body(
        shape=Box(center=(0.035, 0.085), size=(0.012, 0.06)), material=fluid(milk_density), velocity=(0.1, -0.3)
    )
    return Scene(
        name="mixing_fluids",
        domain=Domain(size=(0.1, 0.125), cells=(cells, 5 * cells // 4)),
        gravity=(0.0, -9.81),
        entities={"coffee": coffee, "milk": milk},
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
    )
