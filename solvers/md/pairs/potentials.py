"""Pair potentials by the name of their scene entity. A new one is a `PairPotential` that `register_pair` is given.

A potential is written in r^2, with theta its vector of parameters. `functions(real, theta)` gives five Warp functions:

    energy(r2, p)      u
    radial(r2, p)      s = -u'(r)/r, so that the force on atom i from atom j is s (x_i - x_j)
    slope(r2, p)       ds/d(r^2)
    energy_by(r2, p)   du/dp
    radial_by(r2, p)   ds/dp

The derivatives are written out because Warp's automatic ones take two and a half times as long inside a pair loop.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["PairFunctions", "PairPotential", "potential", "register_pair"]


@dataclass(frozen=True)
class PairFunctions:
    """Warp functions of one potential in one precision."""

    energy: Any
    radial: Any
    slope: Any
    energy_by: Any
    radial_by: Any


@dataclass(frozen=True)
class PairPotential:
    """kind: of the scene entity that it serves. parameters: the fields of that entity which make up p, in order.

    ends: the distance at which it ends by itself, of a row of parameters; None where it never does.
    """

    kind: str
    parameters: tuple[str, ...]
    functions: Callable[[Any, Any], PairFunctions]
    ends: Callable[[Sequence[Tensor]], Tensor] | None = None


POTENTIALS: dict[str, PairPotential] = {}


def register_pair(potential: PairPotential) -> PairPotential:
    """Makes a pair potential known to the compiler of scenes."""
    POTENTIALS[potential.kind] = potential
    return potential


def potential(kind: str) -> PairPotential:
    if kind not in POTENTIALS:
        raise EngineError(
            f"No pair potential serves {kind!r}; there are {', '.join(POTENTIALS)}. Another one joins by "
            f"register_pair(PairPotential({kind!r}, ...))."
        )
    return POTENTIALS[kind]
