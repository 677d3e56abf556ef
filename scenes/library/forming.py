"""Soft and yielding things that fall, are thrown, pulled and squeezed."""

from __future__ import annotations

from pathlib import Path

from scenegrad.scenes.colliders import Collider, Moving
from scenegrad.scenes.domain import Boundary, Coulomb, Domain, Separate, Stick
from scenegrad.scenes.materials import DruckerPrager, FixedCorotated, Snow, VonMises
from scenegrad.scenes.outputs import CenterOfMass, Energy, Particles, RigidPose
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Capsule, Mesh, Sphere
from scenegrad.scenes.solids import Body, NeoHookean, Wall
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar, Vector

__all__ = ["bag_drop", "bouncing_jelly", "snowball", "squeezed_mesh", "taffy"]

DUCK = Path(__file__).resolve().parents[2] / "assets" / "meshes" / "duck.stl"


def bouncing_jelly(
    soft: Scalar = 1e4,
    middle: Scalar = 4e4,
    stiff: Scalar = 1.6e5,
    poisson_ratio: Scalar = 0.4,
    cells: int = 48,
    end: float = 1.5,
    every: float = 0.02,
) -> Scene:
    """Three cubes of jelly fall on a floor and bounce; they differ in Young's modulus [Pa]."""

    def cube(x: float, youngs_modulus: Scalar) -> Body:
        jelly = FixedCorotated(youngs_modulus=youngs_modulus, poisson_ratio=poisson_ratio, density=1000.0)
        return Body(shape=Box(center=(x, 0.5, 0.45), size=(0.2, 0.2, 0.2)), material=jelly)

    return Scene(
        name="bouncing_jelly",
        domain=Domain(size=(1.0, 1.0, 1.0), cells=(cells, cells, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={
            "soft": cube(0.2, soft), "middle": cube(0.5, middle), "stiff": cube(0.8, stiff),
            "floor": Wall(normal=(0.0, 0.0, 1.0), offset=0.1, contact=Coulomb(0.3)),
        },
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
    )  # fmt: skip


def snowball(
    velocity: Vector = (-10.0, 0.0, 2.0),
    hardening: Scalar = 10.0,
    cells: int = 48,
    end: float = 0.15,
    every: float = 0.005,
) -> Scene:
    """A ball of snow flies into a post and bursts [Stomakhin et al. 2013, ACM Trans. Graph. 32, 102]."""
    snow = Snow(hardening=hardening, critical_compression=1.9e-2, critical_stretch=2e-3)
    ball = Body(shape=Sphere(center=(0.7, 0.5, 0.5), radius=0.13), material=snow, velocity=velocity, jitter=1.0)
    post = Capsule(center=(0.45, 0.5, 0.5), radius=0.04, height=0.8, axis=(0.0, 0.0, 1.0))
    return Scene(
        name="snowball",
        domain=Domain(size=(1.0, 1.0, 1.0), cells=(cells, cells, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={"ball": ball, "post": Collider(shape=post, contact=Coulomb(0.3))},
        boundary=Boundary(default=Coulomb(0.5)),
        outputs={
            "particles": Particles("position", "speed", "volume_ratio", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )


def taffy(
    yield_stress: Scalar = 3e3,
    hardening: Scalar = 4e3,
    pull: float = 0.2,
    cells: int = 60,
    end: float = 0.36,
    every: float = 0.02,
) -> Scene:
    """A bar of taffy, held by two clamps that part at `pull` each [m/s], yields and draws out into a neck."""
    toffee = VonMises(
        youngs_modulus=1e5, poisson_ratio=0.35, yield_stress=yield_stress, hardening=hardening, density=1300.0
    )
    bar = Box(center=(0.5, 0.25, 0.25), size=(0.3, 0.1, 0.1))

    def clamp(x: float, speed: float) -> Collider:
        grip = Box(center=(x, 0.25, 0.25), size=(0.1, 0.2, 0.2))
        return Collider(shape=grip, contact=Stick(), motion=Moving(velocity=(speed, 0.0, 0.0)))

    return Scene(
        name="taffy",
        domain=Domain(size=(1.0, 0.5, 0.5), cells=(cells, cells // 2, cells // 2)),
        entities={
            "bar": Body(shape=bar, material=toffee, particles_per_cell=27),
            "left": clamp(0.35, -pull),
            "right": clamp(0.65, pull),
        },
        boundary=Boundary(default=Separate()),
        outputs={
            "particles": Particles("position", "speed", "deformation", every=every),
            "energy": Energy(every=every),
        },
        time=Time(end=end),
    )


def squeezed_mesh(
    mesh: str | Path | None = None,
    youngs_modulus: Scalar = 5e4,
    speed: float = 0.3,
    scale: float | None = None,
    cells: int = 48,
    end: float = 1.0,
    every: float = 0.02,
) -> Scene:
    """A soft mesh, without one a rubber duck, is squeezed between a plate that stands and one that comes down."""
    body = Body(
        shape=Mesh(str(mesh or DUCK), scale=scale or (0.4 if mesh is None else 1.0), center=(0.5, 0.5, 0.35)),
        material=NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=0.4, density=1000.0),
    )
    plate = Collider(
        shape=Box(center=(0.5, 0.5, 0.62), size=(0.8, 0.8, 0.08)),
        contact=Coulomb(0.5),
        motion=Moving(velocity=(0.0, 0.0, -speed)),
    )
    return Scene(
        name="squeezed_mesh",
        domain=Domain(size=(1.0, 1.0, 1.0), cells=(cells, cells, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={"body": body, "plate": plate, "floor": Wall(normal=(0, 0, 1), offset=0.1, contact=Coulomb(0.5))},
        boundary=Boundary(default=Separate()),
        outputs={
            "particles": Particles("position", "speed", every=every),
            "com": CenterOfMass("body", every=every),
            "plate": RigidPose("plate", every=every),
        },
        time=Time(end=end),
    )


def bag_drop(
    friction_angle: Scalar = 35.0,
    youngs_modulus: Scalar = 1e4,
    cells: int = 48,
    end: float = 0.5,
    every: float = 0.01,
) -> Scene:
    """A bag, a thick elastic skin filled with sand, falls on a floor and slumps."""
    whole, room = Sphere(center=(0.5, 0.5, 0.42), radius=0.22), Sphere(center=(0.5, 0.5, 0.42), radius=0.18)
    skin = NeoHookean(youngs_modulus=youngs_modulus, poisson_ratio=0.4, density=1100.0)
    sand = DruckerPrager(youngs_modulus=3e5, friction_angle=friction_angle, density=1600.0)
    return Scene(
        name="bag_drop",
        domain=Domain(size=(1.0, 1.0, 1.0), cells=(cells, cells, cells)),
        gravity=(0.0, 0.0, -9.81),
        entities={
            "skin": Body(shape=whole - room, material=skin, velocity=(0.0, 0.0, -2.0)),
            "sand": Body(shape=room, material=sand, velocity=(0.0, 0.0, -2.0)),
            "floor": Wall(normal=(0, 0, 1), offset=0.1, contact=Coulomb(0.5)),
        },
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", "speed", every=every), "energy": Energy(every=every)},
        time=Time(end=end),
    )
