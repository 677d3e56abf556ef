"""Soft robots: bodies made of muscles."""

from __future__ import annotations

from collections.abc import Mapping

from scenegrad.scenes.domain import Boundary, Coulomb, Domain, Separate, Stick
from scenegrad.scenes.materials import Muscle
from scenegrad.scenes.outputs import CenterOfMass, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box
from scenegrad.scenes.signals import ScalarOrSignal
from scenegrad.scenes.solids import Body, NeoHookean, Wall
from scenegrad.scenes.time import Time
from scenegrad.scenes.values import Scalar

__all__ = ["soft_arm", "soft_walker"]


def soft_walker(
    activation: Mapping[str, ScalarOrSignal] | ScalarOrSignal = 0.0,
    legs: int = 2,
    youngs_modulus: Scalar = 3e4,
    strength: Scalar = 1.5e4,
    friction: Scalar = 0.8,
    cells: int = 64,
    end: float = 2.0,
    every: float = 0.05,
) -> Scene:
    """A soft back on legs of 10 cm, all of it muscles, on a floor with friction; activation of each by name, or of all.

    A leg has a muscle behind and one in front with upright fibres: leg_0_behind, leg_0_front, ...; each stretch of the
    back has one below and one above with fibres along it: back_0_below, back_0_above, ..., one over each leg and gap.
    """
    width, floor = 0.05, 0.1  # of a muscle, height of the floor [m]

    def muscle(name: str, x: float, y: float, size: tuple[float, float], angle: float) -> Body:
        pull = activation.get(name, 0.0) if isinstance(activation, Mapping) else activation
        matter = Muscle(youngs_modulus=youngs_modulus, strength=strength, activation=pull, fibre_angle=angle)
        return Body(shape=Box(center=(0.1 + width * x, floor + width * y), size=size), material=matter)

    places = {f"leg_{n}_{side}": (4 * n + x, 1.0) for n in range(legs) for side, x in (("behind", 0.5), ("front", 1.5))}
    muscles = {name: muscle(name, *place, (width, 2 * width), 90.0) for name, place in places.items()}
    layers = (("below", 2.5), ("above", 3.5))
    places = {f"back_{n}_{side}": (2 * n + 1.0, y) for n in range(2 * legs - 1) for side, y in layers}
    muscles |= {name: muscle(name, *place, (2 * width, width), 0.0) for name, place in places.items()}
    return Scene(
        name="soft_walker",
        domain=Domain(size=(1.6, 0.4), cells=(cells, cells // 4)),
        gravity=(0.0, -9.81),
        entities={**muscles, "floor": Wall(normal=(0.0, 1.0), offset=floor, contact=Coulomb(friction))},
        boundary=Boundary(default=Separate()),
        outputs={"particles": Particles("position", every=every)},
        time=Time(end=end, cfl=0.7),
    )


def soft_arm(
    activation: Mapping[str, ScalarOrSignal] | ScalarOrSignal = 0.0,
    segments: int = 4,
    youngs_modulus: Scalar = 3e4,
    strength: Scalar = 1.5e4,
    cells: int = 32,
    end: float = 1.0,
    every: float = 0.05,
) -> Scene:
    """A soft arm hangs from the ceiling, to reach with its hand; activation of each muscle by name, or of all.

    A segment of 10 cm has two muscles side by side with upright fibres: arm_0_left, arm_0_right, ... from the ceiling.
    """
    width, top = 0.05, 0.8  # of a muscle, height of the ceiling [m]

    def muscle(name: str, x: float, y: float) -> Body:
        pull = activation.get(name, 0.0) if isinstance(activation, Mapping) else activation
        matter = Muscle(youngs_modulus=youngs_modulus, strength=strength, activation=pull, fibre_angle=90.0)
        return Body(shape=Box(center=(0.4 + width * x, top - width * y), size=(width, 2 * width)), material=matter)

    sides = (("left", -0.5), ("right", 0.5))
    places = {f"arm_{n}_{side}": (x, 2.0 * n + 1.0) for n in range(segments) for side, x in sides}
    hand = Box(center=(0.4, top - width * (2 * segments + 0.5)), size=(2 * width, width))
    return Scene(
        name="soft_arm",
        domain=Domain(size=(0.8, 0.8), cells=(cells, cells)),
        gravity=(0.0, -9.81),
        entities={
            **{name: muscle(name, *place) for name, place in places.items()},
            "hand": Body(shape=hand, material=NeoHookean(youngs_modulus=youngs_modulus)),
        },
        boundary=Boundary(default=Separate(), y_hi=Stick()),
        outputs={"particles": Particles("position", every=every), "hand": CenterOfMass("hand", every=every)},
        time=Time(end=end, cfl=0.7),
    )
