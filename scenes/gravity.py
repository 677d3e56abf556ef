"""Newton's gravity between bodies, each of which is an atom of its scene."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.entity import Entity
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import NonNegative, Positive

__all__ = ["Gravity", "Tree"]


class Tree(Model):
    """Sums over far bodies by the moments of the cells of a tree that they lie in, up to the second.

    angle: a cell is taken as a whole by bodies that see its radius, the distance of its farthest body from its centre
    of mass, under a smaller one than this. leaf: cells of no more bodies than this are not divided.
    """

    angle: Annotated[float, Field(gt=0, lt=1)] = 0.3  # [rad]
    leaf: Annotated[int, Field(ge=1)] = 16


class Gravity(Entity):
    """U = -constant m_i m_j / sqrt(r^2 + softening^2) of every two bodies, in open space.

    softening: Plummer's; with it, bodies pass through each other. tree: for many bodies; without one, every pair is
    summed, and has derivatives.
    """

    kind: Literal["gravity"] = "gravity"
    constant: Positive = 1.0  # [length^3 / (mass time^2)]
    softening: NonNegative = 0.0  # [length]
    tree: Tree | None = None
