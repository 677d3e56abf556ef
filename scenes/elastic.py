"""Linear elasticity: solids that deform a little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scenegrad.scenes.domain import SideCondition
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.solids import PoissonRatio
from scenegrad.scenes.values import NonNegative, Positive, Vector

__all__ = ["LinearElastic", "Traction"]


class LinearElastic(Entity):
    """An elastic solid in small strain that fills a mesh: div(s) + density gravity = 0, s = lambda tr(e) I + 2 mu e.

    In two dimensions its strain is plane. Sides: Stick holds it, Traction pulls it, Slip lets it slide along a side
    that is straight and along an axis. Nothing changes in time: whatever the end, one step leads to it.
    """

    kind: Literal["linear_elastic"] = "linear_elastic"
    youngs_modulus: Positive  # [Pa]
    poisson_ratio: PoissonRatio = 0.3
    density: NonNegative = 0.0  # [kg/m^3]


class Traction(SideCondition):
    """A force per area on a side [Pa], one entry per dimension; none if left out: a free surface."""

    positional = ("force",)
    kind: Literal["traction"] = "traction"
    force: Vector | None = None

    if TYPE_CHECKING:

        def __init__(self, force: Vector | None = None) -> None: ...
