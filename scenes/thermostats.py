"""Dynamics that hold a temperature, beside Langevin's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.atoms import Dynamics
from scenegrad.scenes.values import Positive

__all__ = ["CSVR", "Brownian", "NoseHoover"]


class NoseHoover(Dynamics):
    """Newton's equations with a chain of friction coefficients that hold a temperature; nothing in it is random.

    temperature: a number, or the address of one, such as "Ar.temperature". period: of the swings of the temperature
    about it. chain: how many coefficients, each of which holds the temperature of the one before.
    """

    kind: Literal["nose_hoover"] = "nose_hoover"
    temperature: Positive | str  # [energy]
    period: Annotated[float, Field(gt=0)] = 0.5  # [time]
    chain: Annotated[int, Field(ge=1, le=10)] = 3


class CSVR(Dynamics):
    """Newton's equations, and after each step all velocities are scaled by one random factor, such that the kinetic
    energy has the distribution of a temperature: canonical sampling by velocity rescaling.

    relaxation: the time in which the kinetic energy forgets. The total momentum is kept.
    """

    kind: Literal["csvr"] = "csvr"
    temperature: Positive | str  # [energy]
    relaxation: Annotated[float, Field(gt=0)] = 0.5  # [time]


class Brownian(Dynamics):
    """Motion without inertia: m friction dx = F dt + sqrt(2 m friction temperature) dW. Velocities do not matter."""

    kind: Literal["brownian"] = "brownian"
    temperature: Positive | str  # [energy]
    friction: Positive = 1.0  # [1/time]
