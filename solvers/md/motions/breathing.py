"""Motions at constant pressure, from a scene."""

from __future__ import annotations

from scenegrad.scenes.motions import ConstantPressure
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.families import Assembly, Movement
from scenegrad.solvers.md.motions.barostat import CellRescaling
from scenegrad.solvers.md.motions.family import check_temperature, held_temperature, temperature_address
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.rescaling import VelocityRescaling
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["CONSTANT_PRESSURE"]


def motion(assembly: Assembly) -> Motion:
    asked = assembly.scenes[0].dynamics
    assert isinstance(asked, ConstantPressure)
    inner = VelocityRescaling(temperature_address(assembly.scenes[0]), asked.relaxation)
    return CellRescaling(inner, "dynamics.pressure", asked.compressibility / asked.response, asked.every)


def check(scene: Scene, reasons: Reasons) -> None:
    check_temperature(scene, reasons)
    wraps = scene.domain.wrap if isinstance(scene.domain.wrap, tuple) else (scene.domain.wrap,)
    if not all(wraps):
        reasons.add("dynamics", "holds a pressure, which needs a box that repeats itself along every axis.")
    if scene.parameters():
        reasons.add(
            "dynamics",
            f"lets the box breathe at random, and no gradient by {', '.join(scene.parameters())} goes through that. "
            f"Write plain numbers, or keep the volume.",
        )


def learnable(scene: Scene) -> list[str]:
    return [*held_temperature(scene), "dynamics.pressure"]


def told(scene: Scene) -> dict[str, object]:
    names = ("relaxation", "response", "compressibility", "every")
    plain = {f"dynamics.{name}": getattr(scene.dynamics, name, None) for name in names}
    given = scene.at("dynamics.temperature")
    return plain | ({"dynamics.temperature": given} if isinstance(given, str) else {})


CONSTANT_PRESSURE = Movement((ConstantPressure,), motion, check, learnable, told)
