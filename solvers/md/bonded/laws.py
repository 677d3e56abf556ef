"""Bonded potentials by the name of their scene entity. A new one is a `BondedLaw` that `register_bonded` is given.

A law is written in the number q that its shape makes of a group of atoms, with p its vector of parameters.
`functions(real, theta)` gives six Warp functions:

    energy(q, p)              u
    first(q, p)               du/dq
    second(q, p)              d2u/dq2
    energy_by(q, p)           du/dp
    first_by(q, p)            d2u/dq dp
    stiffest(q, p, height)    the largest d2u/dq2 that a group finds between here and the energy `height`
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["LAWS", "BondedFunctions", "BondedLaw", "register_bonded"]


@dataclass(frozen=True)
class BondedFunctions:
    """Warp functions of one law in one precision."""

    energy: Any
    first: Any
    second: Any
    energy_by: Any
    first_by: Any
    stiffest: Any


@dataclass(frozen=True)
class BondedLaw:
    """kind: of the scene entity that it serves. parameters: the fields of that entity which make up p, in order.

    meets: two atoms that may come close, and not with several others at once; springs pull all at the same time.
    """

    kind: str
    shape: str
    parameters: tuple[str, ...]
    functions: Callable[[Any, Any], BondedFunctions]
    meets: bool = False


LAWS: dict[str, BondedLaw] = {}


def register_bonded(law: BondedLaw) -> BondedLaw:
    """Makes a bonded potential known to the compiler of scenes."""
    LAWS[law.kind] = law
    return law
