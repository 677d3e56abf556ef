"""Numbers that a side or a body imposes on a flow: profiles along a side, fluxes, and tracers by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.model import Model
from scenegrad.scenes.signals import ScalarOrSignal, Signal
from scenegrad.scenes.values import Scalar, Vector, vector

__all__ = ["Carrying", "Flux", "Parabolic", "Profile", "Quantity", "Samples", "Through"]


class Profile(Kind):
    """A number that varies along a side."""

    family = "profile"


class Parabolic(Profile):
    """peak in the middle of the side and zero at its ends: 4 s (1 - s) peak over the share s of the side, and the
    product of two such in three dimensions: the flow between walls far from where it came in."""

    positional = ("peak",)
    kind: Literal["parabolic"] = "parabolic"
    peak: ScalarOrSignal

    if TYPE_CHECKING:

        def __init__(self, peak: Scalar | Signal) -> None: ...


class Samples(Profile):
    """Values at equal distances from one end of the side to the other, linear between them (two dimensions).

    values: numbers, or a Parameter with a tuple of them, so that each learns.
    """

    positional = ("values",)
    kind: Literal["samples"] = "samples"
    values: Vector

    if TYPE_CHECKING:

        def __init__(self, values: Vector) -> None: ...

    @model_validator(mode="after")
    def has_ends(self) -> Samples:
        if len(vector(self.values)) < 2:
            raise ValueError(f"Samples got values={self.values}; it needs two numbers or more, one for each end.")
        return self


class Flux(Kind):
    """What comes through a side, in place of a value there."""

    family = "flux"


class Through(Flux):
    """value [unit of the quantity * m/s] per area, positive into the box: diffusivity times its slope."""

    positional = ("value",)
    kind: Literal["through"] = "through"
    value: ScalarOrSignal | Profile


Quantity = Scalar | Signal | Profile | Flux


class Carrying(Model):
    """A condition that also says what tracers do: keys that it does not know are their names."""

    @model_validator(mode="before")
    @classmethod
    def gather(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = {key: value for key, value in values.items() if key in cls.model_fields}
        carried = {key: value for key, value in values.items() if key not in cls.model_fields}
        told = known.get("carried", {})
        return {**known, "carried": {**told, **carried} if isinstance(told, dict) else told}
