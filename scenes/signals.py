"""Numbers that change with time: the activation of a muscle, the place of a tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.values import Scalar, Vector, vector

__all__ = ["ScalarOrSignal", "Signal", "Sine", "Table"]


class Signal(Kind):
    """A number as a function of time, in the units of the field that it stands in."""

    family = "signal"


class Table(Signal):
    """Values at t = 0, every, 2 every, ...; linear between them, and held after the last one.

    values: numbers, or a Parameter with a tuple of them, so that each value learns.
    """

    positional = ("every", "values")
    kind: Literal["table"] = "table"
    every: Annotated[float, Field(gt=0)]  # [time]
    values: Vector

    if TYPE_CHECKING:

        def __init__(self, every: float, values: Vector) -> None: ...

    @model_validator(mode="after")
    def has_values(self) -> Table:
        if len(vector(self.values)) == 0:
            raise ValueError("Table got no values; give at least one, such as values=(0, 1, 0).")
        return self


class Sine(Signal):
    """offset + amplitude sin(2 pi frequency t + phase)."""

    positional = ("amplitude", "frequency")
    kind: Literal["sine"] = "sine"
    amplitude: Scalar
    frequency: Scalar  # [1/time]
    phase: Scalar = 0.0  # [rad]
    offset: Scalar = 0.0

    if TYPE_CHECKING:

        def __init__(
            self, amplitude: Scalar, frequency: Scalar, *, phase: Scalar = 0.0, offset: Scalar = 0.0
        ) -> None: ...


ScalarOrSignal = Scalar | Signal
