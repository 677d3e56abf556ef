"""Every interaction and every motion that scenes of atoms can ask for."""

from __future__ import annotations

from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.bonded.family import BONDED
from scenegrad.solvers.md.coulomb.born import SOLVENTS
from scenegrad.solvers.md.coulomb.family import CHARGES
from scenegrad.solvers.md.families import Interaction, Movement
from scenegrad.solvers.md.gravity.family import GRAVITY
from scenegrad.solvers.md.many_body.family import MANY_BODY
from scenegrad.solvers.md.many_body.learned import LEARNED
from scenegrad.solvers.md.motions.active import ACTIVE
from scenegrad.solvers.md.motions.breathing import CONSTANT_PRESSURE
from scenegrad.solvers.md.motions.family import BROWNIAN, LANGEVIN, NEWTON, NOSE_HOOVER, RESCALING
from scenegrad.solvers.md.motions.gravitating import HERMITE, SYMMETRIC_LEAPFROG
from scenegrad.solvers.md.motions.respa import TWO_STEPS
from scenegrad.solvers.md.own import OWN
from scenegrad.solvers.md.pairs.family import PAIRS
from scenegrad.solvers.md.pairs.mixtures import MIXTURES
from scenegrad.solvers.md.pairs.tail_term import TAILS
from scenegrad.solvers.md.targets.family import TARGETS

__all__ = ["INTERACTIONS", "MOVEMENTS", "movement_of"]

INTERACTIONS: tuple[Interaction, ...] = (
    PAIRS,
    MIXTURES,
    TAILS,
    GRAVITY,
    TARGETS,
    CHARGES,
    SOLVENTS,
    MANY_BODY,
    LEARNED,
    BONDED,
    OWN,
)
MOVEMENTS: tuple[Movement, ...] = (
    NEWTON,
    LANGEVIN,
    NOSE_HOOVER,
    RESCALING,
    BROWNIAN,
    ACTIVE,
    HERMITE,
    SYMMETRIC_LEAPFROG,
    CONSTANT_PRESSURE,
    TWO_STEPS,
)


def movement_of(scene: Scene) -> Movement | None:
    """That serves the scene's dynamics, Newton's where it has none; None where nothing does."""
    if scene.dynamics is None:
        return NEWTON
    return next((one for one in MOVEMENTS if isinstance(scene.dynamics, one.serves)), None)
