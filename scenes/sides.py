"""What the sides of the box do to a flow, and to the tracers that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from scenegrad.scenes.domain import SideCondition
from scenegrad.scenes.quantities import Carrying, Profile, Quantity
from scenegrad.scenes.signals import ScalarOrSignal, Signal
from scenegrad.scenes.values import Parameter, Scalar

__all__ = ["Inflow", "NoSlip", "Outflow"]


class NoSlip(Carrying, SideCondition):
    """A viscous fluid at the wall has the velocity of the wall, at rest if left out; one entry per dimension.

    Tracers: NoSlip(temperature=1.0) holds the value, NoSlip(temperature=Through(0.1)) the flux; else nothing passes.
    """

    kind: Literal["no_slip"] = "no_slip"
    velocity: tuple[ScalarOrSignal, ...] | None = None  # [m/s]
    carried: dict[str, Quantity] = Field(default_factory=dict)

    @field_validator("velocity", mode="before")
    @classmethod
    def entry_by_entry(cls, velocity: Any) -> Any:
        """A wall's velocity has an entry for each dimension, and each may learn or change with time by itself."""
        if velocity is None or isinstance(velocity, tuple | list):
            return velocity
        entries: tuple[str, ...] = ("0.1", "0.0")
        if isinstance(velocity, Parameter) and isinstance(velocity.value, tuple):
            entries = tuple(f"Parameter({entry:g})" for entry in velocity.value)
        raise ValueError(
            f"NoSlip got velocity={velocity!r}; the velocity of a wall has one entry for each dimension, a number, a "
            f"Parameter or a signal each. Write velocity=({', '.join(entries)})."
        )


class Inflow(Carrying, SideCondition):
    """Fluid comes in: at a speed along the inward normal (a number, a signal or a profile), or with a velocity.

    Tracers: Inflow(1.0, dye=0.5) is what the fluid brings; 0 of what is not named.
    """

    positional = ("velocity",)
    kind: Literal["inflow"] = "inflow"
    velocity: Scalar | Signal | Profile | tuple[ScalarOrSignal, ...]  # [m/s]
    carried: dict[str, Quantity] = Field(default_factory=dict)

    if TYPE_CHECKING:

        def __init__(self, velocity: Any, **carried: Any) -> None: ...


class Outflow(SideCondition):
    """Fluid leaves at a given pressure; nothing pulls on it, and what comes back brings what is there."""

    kind: Literal["outflow"] = "outflow"
    pressure: Scalar = 0.0  # [Pa]

    @model_validator(mode="before")
    @classmethod
    def says_nothing_of_what_leaves(cls, values: Any) -> Any:
        named = [key for key in values if key not in cls.model_fields] if isinstance(values, dict) else []
        if named:
            raise ValueError(
                f"Outflow got {', '.join(f'{key}={values[key]!r}' for key in named)}; what flows out brings what is "
                f"there, so that nothing but a pressure can be given. Leave {' and '.join(named)} out, or name them "
                f"where fluid comes in: Inflow(1.0, {named[0]}=...)."
            )
        return values
