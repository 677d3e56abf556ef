"""Fluids and grains that are poured, mixed and made to work."""

from __future__ import annotations

from math import cos, pi, radians, sin

from scenegrad.scenes.colliders import Collider, Hinge, Moving, RigidBody
from scenegrad.scenes.domain import Boundary, Coulomb, Domain, Separate, Stick
from scenegrad.scenes.materials import DruckerPrager, Newtonian
from scenegrad.scenes.outputs import CenterOfMass, Energy, Particles, RigidPose
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Capsule, Cylinder, Shape, Sphere
from scenegrad.scenes.signals import Table
from scenegrad.scenes.solids import Body, WeaklyCompressible
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["honey_coiling", "hourglass", "mixing_fluids", "pouring", "water_wheel"]


def honey_coiling(
    viscosity: Scalar = 20.0,
    density: Scalar = 1400.0,
    speed: float = 1.0,
    cells: int = 60,
    end: float = 0.12,
    every: float = 0.002,
) -> Scene:
    """A thread of honey, 6 mm thick and 9 cm long, falls on a plate, buckles and coils [Ribe, Habibi & Bonn 2012]."""
    thread = Cylinder(center=(0.03, 0.03, 0.052), radius=0.003, height=0.09)
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
    neck: float = 0.05,
    cells: int = 48,
    end: float = 1.5,
    every: float = 0.02,
) -> Scene:
    """Sand runs from the upper bulb of a glass through a neck of the given radius [m] into the lower one."""
    upper, lower = Sphere(center=(0.3, 0.3, 0.745), radius=0.2), Sphere(center=(0.3, 0.3, 0.255), radius=0.2)
    block = Box(center=(0.3, 0.3, 0.5), size=(0.56, 0.56, 0.96))
    throat = Cylinder(center=(0.3, 0.3, 0.5), radius=neck, height=0.2)
    heap = Sphere(center=(0.3, 0.3, 0.745), radius=0.185) & Box(center=(0.3, 0.3, 0.7), size=(0.4, 0.4, 0.3))
    sand = DruckerPrager(youngs_modulus=3e5, friction_angle=friction_angle, density=1600.0)
    return Scene(
        name="hourglass",
        domain=Domain(size=(0.6, 0.6, 1.0), cells=(3 * cells // 5, 3 * cells // 5, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={
            "sand": Body(shape=heap, material=sand),
            "glass": Collider(shape=block - (upper | lower | throat), contact=Coulomb(0.2)),
        },
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "com": CenterOfMass("sand", every=every)},
        time=Time(end=end),
    )


def water_wheel(
    density: Scalar = 300.0,
    paddles: int = 8,
    cells: int = 96,
    end: float = 2.0,
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
    viscosity: Scalar = 1e-2,
    angle: float = 110.0,
    cells: int = 96,
    end: float = 2.0,
    every: float = 0.02,
) -> Scene:
    """A cup turns by `angle` [degree] within a second and pours its water into a bowl. In two dimensions."""
    place, rate = (0.35, 0.7), -radians(angle)
    cup = Box(center=place, size=(0.3, 0.34)) - Box(center=(0.35, 0.74), size=(0.24, 0.34))
    bowl = Box(center=(0.7, 0.15), size=(0.5, 0.3)) - Box(center=(0.7, 0.2), size=(0.42, 0.32))
    water = WeaklyCompressible(bulk_modulus=5e4, viscosity=viscosity)
    turning = Moving(angular_velocity=Table(every=0.1, values=(0.0, *(rate,) * 9, rate, 0.0)), center=(0.5, 0.87))
    return Scene(
        name="pouring",
        domain=Domain(size=(1.0, 1.25), cells=(cells, 5 * cells // 4)),
        gravity=(0.0, -9.81),
        entities={
            "water": Body(shape=Box(center=(0.35, 0.67), size=(0.24, 0.2)), material=water),
            "cup": Collider(shape=cup, motion=turning),
            "bowl": Collider(shape=bowl),
        },
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "cup": RigidPose("cup", every=every)},
        time=Time(end=end),
    )


def mixing_fluids(
    milk_density: Scalar = 1030.0,
    coffee_density: Scalar = 980.0,
    viscosity: Scalar = 2e-3,
    cells: int = 96,
    end: float = 2.0,
    every: float = 0.02,
) -> Scene:
    """A jet of milk falls into a cup of coffee, dives, spreads and rolls up. In two dimensions, 10 cm wide."""

    def fluid(density: Scalar) -> WeaklyCompressible:
        return WeaklyCompressible(bulk_modulus=5e3, viscosity=viscosity, density=density)

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
