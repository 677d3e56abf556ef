"""Matter whose constitutive law is a torch module."""

from __future__ import annotations

from typing import Literal

from scenegrad.scenes.solids import Material
from scenegrad.scenes.values import Positive

__all__ = ["Learned"]


class Learned(Material):
    """A body that answers as the torch module says which was registered under the name `law`.

    stiffness: more than the module's resistance to compression wherever it will be strained [Pa]. The length of a step
    goes by it, and so does the contact with walls.
    """

    kind: Literal["learned"] = "learned"
    law: str
    stiffness: Positive  # [Pa]
    density: Positive = 1000.0  # [kg/m^3]
