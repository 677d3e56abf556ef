"""Flow through porous media."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.initial_fields import InitialField
from scenegrad.scenes.values import Positive, Random, Scalar

__all__ = ["Darcy", "LogNormalField", "TwoPhases"]


class TwoPhases(InitialField):
    """`above` where a random field is positive and `below` elsewhere."""

    positional = ("of",)
    kind: Literal["two_phases"] = "two_phases"
    of: Random
    above: Positive = 12.0
    below: Positive = 3.0

    if TYPE_CHECKING:

        def __init__(self, of: Random, *, above: Scalar = 12.0, below: Scalar = 3.0) -> None: ...


class LogNormalField(InitialField):
    """median * exp(random field): smooth, positive, over orders of magnitude."""

    positional = ("of",)
    kind: Literal["log_normal_field"] = "log_normal_field"
    of: Random
    median: Positive = 1.0

    if TYPE_CHECKING:

        def __init__(self, of: Random, *, median: Scalar = 1.0) -> None: ...


class Darcy(Entity):
    """A porous medium that fills the box: -div(permeability grad p) + reaction p = source, velocity = -permeability
    grad p.

    permeability: that of the medium over the viscosity of the fluid. Random fields in it have no slope at the sides,
    and go on across periodic ones. Sides: Outflow(pressure) holds a pressure, Inflow(velocity) lets fluid in at a
    speed, Slip and NoSlip let nothing through. Nothing changes in time: whatever the end, one step leads to it.

    reaction: what is lost per volume and pressure, as into fissures. Below zero it makes of this Helmholtz's equation,
    of waves of one frequency, whose solution needs Elliptic(krylov="recycled_gmres").
    """

    kind: Literal["darcy"] = "darcy"
    permeability: Positive | InitialField = 1.0  # [m^2 / (Pa s)]
    source: Scalar | Random | InitialField = 0.0  # [1/s]
    reaction: Scalar = 0.0  # [1 / (Pa s)]
