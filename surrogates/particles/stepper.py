"""A network of particles with its scales: positions to positions."""

from __future__ import annotations

from scenegrad.surrogates.particles.targets import RandomWalk
from scenegrad.surrogates.stepper import Stepper
from scenegrad.surrogates.training.targets import Target

__all__ = ["ParticleStepper"]


class ParticleStepper(Stepper):
    """One learned step of length dt [time] of as many particles as there are; `grid`: how many it was trained on.

    It is judged by accelerations, or displacements, in units of their spread, unless told otherwise: an error relative
    to positions would depend on where the origin lies.
    """

    objective: Target | None = RandomWalk(0.0)
