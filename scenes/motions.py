"""Equations of motion stepped in ways of their own: for gravity, for constant pressure, for forces of two speeds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.atoms import Dynamics
from scenegrad.scenes.values import Positive, Scalar

__all__ = ["RESPA", "ConstantPressure", "Hermite", "SymmetricLeapfrog"]


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


class ConstantPressure(Dynamics):
    """Newton's equations in a box that breathes: CSVR holds the temperature, and stochastic rescaling of the box, alike
    along every axis, the pressure.

    temperature: a number, or the address of one. pressure: to be held. relaxation: of the temperature. response: the
    time in which the volume relaxes, if the compressibility is about right; only their ratio matters. every: steps from
    one rescaling to the next.
    """

    kind: Literal["constant_pressure"] = "constant_pressure"
    temperature: Positive | str  # [energy]
    pressure: Scalar  # [energy/length^dim]
    relaxation: Annotated[float, Field(gt=0)] = 0.2  # [time]
    response: Annotated[float, Field(gt=0)] = 1.0  # [time]
    compressibility: Annotated[float, Field(gt=0)] = 0.1  # [length^dim/energy]
    every: Annotated[int, Field(ge=1)] = 5


class RESPA(Dynamics):
    """Newton's equations with two steps: forces that change fast are evaluated `inner` times a step, the slow ones once
    (r-RESPA).

    slow: "pairs", everything but what bonds do; or "waves", the far part of Ewald's sum alone. Without it, pairs where
    there are bonds, and waves where there are none.
    """

    kind: Literal["respa"] = "respa"
    inner: Annotated[int, Field(ge=1, le=100)] = 4
    slow: Literal["pairs", "waves"] | None = None
