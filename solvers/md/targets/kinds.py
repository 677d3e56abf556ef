"""Pair potentials of sampling targets: their functions, and how stiff they are where a collision can bring a pair.

They are written in r^2, see pairs/potentials.py: energy u, radial s = -u'(r)/r, slope ds/d(r^2), derivatives by p.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.md.pairs.potentials import PairFunctions

__all__ = ["KINDS", "Kind"]


def double_wells(real: Any, theta: Any) -> PairFunctions:
    """u = a (r - d0)^4 + b (r - d0)^2 + c, p = (a, b, c, d0)"""

    @wp.func
    def energy(r2: real, p: theta) -> real:
        q = wp.sqrt(r2) - p[3]
        return (p[0] * q * q + p[1]) * q * q + p[2]

    @wp.func
    def radial(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        q = r - p[3]
        return -(real(4.0) * p[0] * q * q + real(2.0) * p[1]) * q / r

    @wp.func
    def slope(r2: real, p: theta) -> real:
        r = wp.sqrt(r2)
        q = r - p[3]
        first = (real(4.0) * p[0] * q * q + real(2.0) * p[1]) * q
        second = real(12.0) * p[0] * q * q + real(2.0) * p[1]
        return (first / r - second) / (real(2.0) * r2)

    @wp.func
    def energy_by(r2: real, p: theta) -> theta:
        q = wp.sqrt(r2) - p[3]
        return theta(q * q * q * q, q * q, real(1.0), -(real(4.0) * p[0] * q * q + real(2.0) * p[1]) * q)

    @wp.func
    def radial_by(r2: real, p: theta) -> theta:
        r = wp.sqrt(r2)
        q = r - p[3]
        second = real(12.0) * p[0] * q * q + real(2.0) * p[1]
        return theta(-real(4.0) * q * q * q / r, -real(2.0) * q / r, real(0.0), second / r)

    return PairFunctions(energy, radial, slope, energy_by, radial_by)


def lennard_jones(weight: float) -> Callable[[Any, Any], PairFunctions]:
    """u = weight epsilon [(rm/r)^12 - 2 (rm/r)^6], p = (epsilon, rm)"""

    twelve, many = 12.0 * weight, 72.0 * weight

    def functions(real: Any, theta: Any) -> PairFunctions:
        @wp.func
        def sixth(r2: real, p: theta) -> real:
            s2 = p[1] * p[1] / r2
            return s2 * s2 * s2

        @wp.func
        def energy(r2: real, p: theta) -> real:
            s6 = sixth(r2, p)
            return real(weight) * p[0] * s6 * (s6 - real(2.0))

        @wp.func
        def radial(r2: real, p: theta) -> real:
            s6 = sixth(r2, p)
            return real(twelve) * p[0] * s6 * (s6 - real(1.0)) / r2

        @wp.func
        def slope(r2: real, p: theta) -> real:
            s6 = sixth(r2, p)
            return real(twelve) * p[0] * s6 * (real(4.0) - real(7.0) * s6) / (r2 * r2)

        @wp.func
        def energy_by(r2: real, p: theta) -> theta:
            s6 = sixth(r2, p)
            return theta(real(weight) * s6 * (s6 - real(2.0)), real(twelve) * p[0] / p[1] * s6 * (s6 - real(1.0)))

        @wp.func
        def radial_by(r2: real, p: theta) -> theta:
            s6 = sixth(r2, p)
            return theta(
                real(twelve) * s6 * (s6 - real(1.0)) / r2,
                real(many) * p[0] / p[1] * s6 * (real(2.0) * s6 - real(1.0)) / r2,
            )

        return PairFunctions(energy, radial, slope, energy_by, radial_by)

    return functions


def stiffest_double_well(p: list[Tensor], height: Tensor) -> Tensor:
    """u'' = 12 a q + 2 b at the q = (r - d0)^2 where u is `height` above its least value; between the wells 2 |b|."""
    a, b = p[0], p[1]
    least = (-b / (2.0 * a)).clamp(min=0.0)
    q = least + torch.sqrt(height / a)
    return torch.maximum(12.0 * a * q + 2.0 * b, 2.0 * b.abs())


def stiffest_lennard_jones(weight: float) -> Callable[[list[Tensor], Tensor], Tensor]:
    """u'' = w epsilon (156 s^2 - 84 s) / r^2 at the s = (rm/r)^6 where u = height"""

    def stiffest(p: list[Tensor], height: Tensor) -> Tensor:
        depth, s = weight * p[0], 1.0 + torch.sqrt(1.0 + height / (weight * p[0]))
        return depth * (156.0 * s * s - 84.0 * s) * s ** (1.0 / 3.0) / p[1].square()

    return stiffest


@dataclass(frozen=True)
class Kind:
    """parameters: the fields of the entity that make up p. stiffest: u'' of the stiffest pair that an energy `height`
    [batch] can bring about, of parameters [batch] each."""

    parameters: tuple[str, ...]
    functions: Callable[[Any, Any], PairFunctions]
    stiffest: Callable[[list[Tensor], Tensor], Tensor]


KINDS = {
    "double_well_pairs": Kind(("a", "b", "c", "d0"), double_wells, stiffest_double_well),
    "lennard_jones_pairs_unordered": Kind(("epsilon", "rm"), lennard_jones(1.0), stiffest_lennard_jones(1.0)),
    "lennard_jones_pairs_ordered": Kind(("epsilon", "rm"), lennard_jones(2.0), stiffest_lennard_jones(2.0)),
}
