"""Where molecules start: chains of beads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenegrad.scenes.atoms import Lattice

__all__ = ["Chains"]


class Chains(Lattice):
    """Chains of beads in a periodic box, one after another; neighbours along a chain are what bonded potentials act on.

    They start as random walks that do not fold back on themselves, drawn by the seed of the scene, and are pushed apart
    gently until no two beads overlap: those that are bonded stand `bond` apart, others hardly nearer than `apart`.
    """

    kind: Literal["chains"] = "chains"
    count: Annotated[int, Field(ge=1)]
    length: Annotated[int, Field(ge=2)]  # beads of a chain
    bond: Annotated[float, Field(gt=0)] = 0.97  # [length]
    apart: Annotated[float, Field(gt=0)] = 0.9  # [length]
