"""Equations of motion stepped in ways of their own: for gravity, for constant pressure, for forces of two speeds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.atoms import Dynamics

__all__ = ["Hermite", "SymmetricLeapfrog"]


class Hermite(Dynamics):
    """Newton's equations by Hermite's scheme of fourth order, from the force and its rate of change; for gravity.

    accuracy: of Aarseth's criterion for the step, eta; the error falls with its square. corrections: how often a step
    is corrected; from two on the scheme is nearly symmetric in time.
    """

    kind: Literal["hermite"] = "hermite"
    accuracy: Annotated[float, Field(gt=0, le=1)] = 0.01
    corrections: Annotated[int, Field(ge=1, le=10)] = 2


class SymmetricLeapfrog(Dynamics):
    """Newton's equations by velocity Verlet with a step that follows the state and yet is symmetric in time, so that no
    energy is lost in the long run.

    accuracy: the step as a part of 1 / omega, with omega the highest frequency, as the mean over both ends of the step.
    iterations: how often that mean is improved.
    """

    kind: Literal["symmetric_leapfrog"] = "symmetric_leapfrog"
    accuracy: Annotated[float, Field(gt=0, le=1)] = 0.05
    iterations: Annotated[int, Field(ge=1, le=20)] = 3
