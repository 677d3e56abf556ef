"""Newton's equations and those of thermostats, from a scene to a motion."""

from __future__ import annotations

from scenegrad.scenes.atoms import NVE, Atoms, Langevin
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.thermostats import CSVR, Brownian, NoseHoover
from scenegrad.scenes.values import number
from scenegrad.solvers.md.bonded.rigid import rigid_bonds
from scenegrad.solvers.md.families import Assembly, Movement
from scenegrad.solvers.md.motions.brownian import BrownianMotion
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.nose_hoover import NoseHooverChain
from scenegrad.solvers.md.motions.rattle import Rattle
from scenegrad.solvers.md.motions.rescaling import VelocityRescaling
from scenegrad.solvers.md.motions.thermostat import Thermostat
from scenegrad.solvers.md.motions.verlet import Verlet
from scenegrad.solvers.shared.reasons import Reasons

__all__ = [
    "BROWNIAN",
    "LANGEVIN",
    "NEWTON",
    "NOSE_HOOVER",
    "RESCALING",
    "check_temperature",
    "held_temperature",
    "temperature_address",
]


def temperature_address(scene: Scene) -> str:
    """Where the temperature that the dynamics hold stands."""
    given = getattr(scene.dynamics, "temperature")  # noqa: B009  # of those dynamics that hold one
    return given if isinstance(given, str) else "dynamics.temperature"


def held_temperature(scene: Scene) -> list[str]:
    """Its address, where it is a number of the dynamics' own."""
    return [] if isinstance(scene.at("dynamics.temperature"), str) else ["dynamics.temperature"]


def check_temperature(scene: Scene, reasons: Reasons) -> None:
    """Whether dynamics that hold a temperature name one."""
    given = scene.at("dynamics.temperature")
    if not isinstance(given, str):
        return
    known = [f"{name}.temperature" for name, part in scene.entities.items() if isinstance(part, Atoms)]
    if given not in known:
        reasons.add(
            "dynamics.temperature",
            f"refers to {given!r}; it can be a number or one of {', '.join(known)}.{nearest(given, known)}",
        )
    elif number(scene.at(given)) <= 0.0:
        reasons.add(given, "is 0, and the thermostat is to hold it: a temperature of a thermostat is positive.")


def held(assembly: Assembly, thermostat: Thermostat | None) -> Motion:
    """Where bonds are rigid, with them."""
    bonds = rigid_bonds(assembly.scenes, assembly.box, len(assembly.species))
    return Verlet(thermostat) if bonds is None else Rattle(bonds, thermostat)


def newton(assembly: Assembly) -> Motion:
    return held(assembly, None)


def langevin(assembly: Assembly) -> Motion:
    return held(assembly, Thermostat(temperature_address(assembly.scenes[0]), "dynamics.friction"))


def nose_hoover(assembly: Assembly) -> Motion:
    asked = assembly.scenes[0].dynamics
    assert isinstance(asked, NoseHoover)
    return NoseHooverChain(temperature_address(assembly.scenes[0]), asked.period, asked.chain)


def rescaling(assembly: Assembly) -> Motion:
    asked = assembly.scenes[0].dynamics
    assert isinstance(asked, CSVR)
    return VelocityRescaling(temperature_address(assembly.scenes[0]), asked.relaxation)


def brownian(assembly: Assembly) -> Motion:
    return BrownianMotion(temperature_address(assembly.scenes[0]), "dynamics.friction")


def told(scene: Scene) -> dict[str, object]:
    """The address of the temperature, where there is one; and the plain numbers of the dynamics."""
    given = scene.at("dynamics.temperature")
    plain = {f"dynamics.{name}": getattr(scene.dynamics, name, None) for name in ("period", "chain", "relaxation")}
    return plain | ({"dynamics.temperature": given} if isinstance(given, str) else {})


def with_friction(scene: Scene) -> list[str]:
    return ["dynamics.friction", *held_temperature(scene)]


NEWTON = Movement((NVE,), newton, lambda scene, reasons: None, lambda scene: [])
LANGEVIN = Movement((Langevin,), langevin, check_temperature, with_friction, told)
BROWNIAN = Movement((Brownian,), brownian, check_temperature, with_friction, told)
NOSE_HOOVER = Movement((NoseHoover,), nose_hoover, check_temperature, held_temperature, told)
RESCALING = Movement((CSVR,), rescaling, check_temperature, held_temperature, told)
