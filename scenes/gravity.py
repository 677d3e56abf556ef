"""Newton's gravity between bodies, each of which is an atom of its scene."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import NonNegative, Positive

__all__ = ["Gravity", "Tree"]


class Tree(Model):
    """Sums over far bodies by expansions of the cells of a tree that they lie in, to a tolerance.

    tolerance: relative, of the force on a body, which 99 of 100 bodies keep; it is looked at in every sum. leaf: cells
    of no more bodies than this are not divided.
    """

    tolerance: Annotated[float, Field(ge=1e-10, le=0.1)] = 1e-4
    leaf: Annotated[int, Field(ge=1)] = 48


class Gravity(Entity):
    """U = -constant m_i m_j / sqrt(r^2 + softening^2) of every two bodies, in open space.

    softening: Plummer's; with it, bodies pass through each other. tree: for many bodies; without one, every pair is
    summed.
    """

    kind: Literal["gravity"] = "gravity"
    constant: Positive = 1.0  # [length^3 / (mass time^2)]
    softening: NonNegative = 0.0  # [length]
    tree: Tree | None = None
