"""What parts of a scene of one's own derive from, where they are no members of a family that has a base already."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.methods import Method
from scenegrad.scenes.model import Model

__all__ = ["EnergyTerm", "Own"]


class EnergyTerm(Model):
    """Mixed into an entity that adds to the energy of atoms, by a function that `register_energy` is given."""


class Own(Method):
    """A solver of one's own that serves an entity of one's own; chosen by itself where a scene holds such an entity.

    serves: the kind of that entity.
    """

    kind: Literal["own"] = "own"
    serves: str
