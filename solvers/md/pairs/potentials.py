"""Pair potentials by the name of their scene entity. A new one is a `PairPotential` that `register_pair` is given.

A potential is written in r^2, with theta its vector of parameters. `functions(real, theta)` gives five Warp functions:

    energy(r2, p)      u
    radial(r2, p)      s = -u'(r)/r, so that the force on atom i from atom j is s (x_i - x_j)
    slope(r2, p)       ds/d(r^2)
    energy_by(r2, p)   du/dp
    radial_by(r2, p)   ds/dp

The derivatives are written out because Warp's automatic ones take two and a half times as long inside a pair loop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import warp as wp

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
    """kind: of the scene entity that it serves. parameters: the fields of that entity which make up p, in order."""

    kind: str
    parameters: tuple[str, ...]
    functions: Callable[[Any, Any], PairFunctions]


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


def lennard_jones(real: Any, theta: Any) -> PairFunctions:
    """u = 4 epsilon [(sigma/r)^12 - (sigma/r)^6], p = (epsilon, sigma)   [Lennard-Jones 1931]"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        s2 = p[1] * p[1] / r2
        s6 = s2 * s2 * s2
        return real(4.0) * p[0] * s6 * (s6 - real(1.0))

    @wp.func
    def radial(r2: real, p: theta) -> real:
        inv = real(1.0) / r2
        s2 = p[1] * p[1] * inv
        s6 = s2 * s2 * s2
        return real(24.0) * p[0] * s6 * (real(2.0) * s6 - real(1.0)) * inv

    @wp.func
    def slope(r2: real, p: theta) -> real:
        inv = real(1.0) / r2
        s2 = p[1] * p[1] * inv
        s6 = s2 * s2 * s2
        return real(-24.0) * p[0] * s6 * (real(14.0) * s6 - real(4.0)) * inv * inv

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        s2 = p[1] * p[1] / r2
        s6 = s2 * s2 * s2
        return theta(real(4.0) * s6 * (s6 - real(1.0)), real(24.0) * p[0] / p[1] * s6 * (real(2.0) * s6 - real(1.0)))

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        inv = real(1.0) / r2
        s2 = p[1] * p[1] * inv
        s6 = s2 * s2 * s2
        return theta(
            real(24.0) * s6 * (real(2.0) * s6 - real(1.0)) * inv,
            real(144.0) * p[0] / p[1] * s6 * (real(4.0) * s6 - real(1.0)) * inv,
        )

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


register_pair(PairPotential("lennard_jones", ("epsilon", "sigma"), lennard_jones))
