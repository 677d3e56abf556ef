"""Matter whose constitutive law is a torch module."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.solids import Material
from scenegrad.scenes.values import Positive

__all__ = ["Learned"]


class Learned(Material):
    """A body that answers as the torch module says which was registered under the name `law`.

    stiffness: its resistance to compression from rest, about; it meets walls with it [Pa]. headroom: how many times
    stiffer it may become where it is strained, or as its module learns: the length of a step goes by
    headroom * stiffness, and a module that exceeds it at rest is refused.
    """

    kind: Literal["learned"] = "learned"
    law: str
    stiffness: Positive  # [Pa]
    headroom: Positive = 1.0
    density: Positive = 1000.0  # [kg/m^3]
