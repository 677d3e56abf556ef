"""Motions for gravity, from a scene."""

from __future__ import annotations

from typing import Any

from scenegrad.scenes.gravity import Gravity
from scenegrad.scenes.motions import Hermite, SymmetricLeapfrog
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.families import Assembly, Movement
from scenegrad.solvers.md.gravity.family import GRAVITY
from scenegrad.solvers.md.motions.hermite import HermiteMotion
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.pace import Paced, Stride, by_frequency
from scenegrad.solvers.md.motions.verlet import Verlet
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["HERMITE", "SYMMETRIC_LEAPFROG"]


def hermite(assembly: Assembly) -> Motion:
    asked = assembly.scenes[0].dynamics
    assert isinstance(asked, Hermite)
    rated: Any = tuple(GRAVITY.terms(assembly))
    return HermiteMotion(rated, asked.accuracy, asked.corrections)


def check_hermite(scene: Scene, reasons: Reasons) -> None:
    """Whether all forces are those of gravity between pairs."""
    others = [name for name, part in scene.entities.items() if part.kind not in ("atoms", "gravity")]
    if others:
        reasons.add(
            "dynamics",
            f"is Hermite's scheme, which needs the rate at which forces change; gravity tells it, {others[0]} does "
            f"not. Take SymmetricLeapfrog() or NVE().",
        )
    for name, part in scene.entities.items():
        if isinstance(part, Gravity) and part.tree is not None:
            reasons.add(f"{name}.tree", "tells no rate of change, which Hermite's scheme needs. Leave the tree out.")


def symmetric_leapfrog(assembly: Assembly) -> Motion:
    asked = assembly.scenes[0].dynamics
    assert isinstance(asked, SymmetricLeapfrog)
    return Paced(Verlet(), by_frequency(asked.accuracy), asked.iterations)


def told(scene: Scene) -> dict[str, object]:
    return {"dynamics": scene.dynamics}


HERMITE = Movement((Hermite,), hermite, check_hermite, lambda scene: [], told, Stride())
SYMMETRIC_LEAPFROG = Movement(
    (SymmetricLeapfrog,), symmetric_leapfrog, lambda scene, reasons: None, lambda scene: [], told, Stride()
)
