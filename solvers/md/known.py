"""Every interaction and every motion that scenes of atoms can ask for."""

from __future__ import annotations

from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.families import Interaction, Movement
from scenegrad.solvers.md.motions.family import BROWNIAN, LANGEVIN, NEWTON, NOSE_HOOVER, RESCALING
from scenegrad.solvers.md.pairs.family import PAIRS

__all__ = ["INTERACTIONS", "MOVEMENTS", "movement_of"]

INTERACTIONS: tuple[Interaction, ...] = (PAIRS,)
MOVEMENTS: tuple[Movement, ...] = (NEWTON, LANGEVIN, NOSE_HOOVER, RESCALING, BROWNIAN)


def movement_of(scene: Scene) -> Movement | None:
    """That serves the scene's dynamics, Newton's where it has none; None where nothing does."""
    if scene.dynamics is None:
        return NEWTON
    return next((one for one in MOVEMENTS if isinstance(scene.dynamics, one.serves)), None)
