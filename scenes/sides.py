"""What the sides of the box do to a flow, and to the tracers that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from scenegrad.scenes.domain import SideCondition
from scenegrad.scenes.quantities import Carrying, Profile, Quantity
from scenegrad.scenes.signals import ScalarOrSignal, Signal
from scenegrad.scenes.values import Scalar

__all__ = ["Inflow", "NoSlip", "Outflow"]


class NoSlip(Carrying, SideCondition):
    """A viscous fluid at the wall has the velocity of the wall, at rest if left out; one entry per dimension.

    Tracers: NoSlip(temperature=1.0) holds the value, NoSlip(temperature=Through(0.1)) the flux; else nothing passes.
    """

    kind: Literal["no_slip"] = "no_slip"
    velocity: tuple[ScalarOrSignal, ...] | None = None  # [m/s]
    carried: dict[str, Quantity] = Field(default_factory=dict)


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
