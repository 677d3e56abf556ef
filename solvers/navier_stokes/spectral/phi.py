"""The phi functions of exponential integrators, and sums of them that know their derivative.

phi_0(z) = e^z,  phi_j(z) = (phi_{j-1}(z) - 1/(j-1)!) / z,  and so  phi_j' = phi_j - j phi_{j+1}
[Hochbruck & Ostermann 2010, Acta Numerica 19, 209-286].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["HIGHEST", "Arguments", "Decay", "Expm1", "Function", "PhiSum", "phi", "phi_functions"]

HIGHEST = 4  # weights use phi_0 ... phi_3, their derivatives phi_4


class Arguments:
    """Where functions of z are wanted: z, and phi_0 ... phi_4 at multiples of it, each computed once."""

    def __init__(self, z: Tensor):
        self.z = z
        self.known: dict[float, list[Tensor]] = {}
        self.decays: dict[float, Tensor] = {}

    def phi(self, at: float) -> list[Tensor]:
        if at not in self.known:
            self.known[at] = phi_functions(at * self.z)
        return self.known[at]

    def decay(self, at: float) -> Tensor:
        if at not in self.decays:
            self.decays[at] = torch.exp(at * self.z)
        return self.decays[at]


class Function(Protocol):
    """A function of z that knows its derivative."""

    def at(self, arguments: Arguments) -> Tensor: ...

    def derivative(self) -> Function: ...


@cache
def series_terms() -> int:
    """Terms after which the series of phi_4 on |z| <= 1 has ended for float64."""
    return next(n for n in range(1, 40) if math.factorial(HIGHEST) / math.factorial(n + HIGHEST) < 1e-18)


def phi_functions(z: Tensor) -> list[Tensor]:
    """phi_0 ... phi_4 at real or complex z, to a few units of the last place in float64.

    The recurrence loses digits near 0 when walked upwards and nowhere when walked downwards, but needs phi_4 to start
    from: its Taylor series serves |z| <= 1, the upward recurrence the rest.
    """
    near = torch.where(z.abs() > 1.0, 0.0, z)
    top = torch.full_like(z, 1.0 / math.factorial(HIGHEST + series_terms()))
    for n in reversed(range(series_terms())):
        top = top * near + 1.0 / math.factorial(HIGHEST + n)
    low = [top]
    for j in reversed(range(HIGHEST)):
        low.append(low[-1] * near + 1.0 / math.factorial(j))
    far = torch.where(z.abs() > 1.0, z, 1.0)
    high = [torch.exp(far)]
    for j in range(HIGHEST):
        high.append((high[-1] - 1.0 / math.factorial(j)) / far)
    return [torch.where(z.abs() > 1.0, up, down) for up, down in zip(high, reversed(low), strict=True)]


@dataclass(frozen=True)
class PhiSum:
    """A function of z: sum over the terms (factor, at, j) of factor * phi_j(at * z)."""

    terms: tuple[tuple[float, float, int], ...]

    def __add__(self, other: PhiSum) -> PhiSum:
        return PhiSum(self.terms + other.terms)

    def __sub__(self, other: PhiSum) -> PhiSum:
        return self + -1.0 * other

    def __rmul__(self, factor: float) -> PhiSum:
        return PhiSum(tuple((factor * a, at, j) for a, at, j in self.terms))

    def derivative(self) -> PhiSum:
        """With respect to z."""
        return PhiSum(
            tuple(
                term
                for a, at, j in self.terms
                for term in ((at * a, at, j), (-at * a * j, at, j + 1))
                if term[0] != 0.0
            )
        )

    def at(self, arguments: Arguments) -> Tensor:
        total: Tensor | None = None
        for factor, at, j in self.terms:
            term = arguments.phi(at)[j]
            total = factor * term if total is None else total.add(term, alpha=factor)
        assert total is not None, "a sum of no terms is left out of a tableau"
        return total


@dataclass(frozen=True)
class Expm1:
    """e^(multiple z) - 1. Near 1 the exponential itself would lose its digits to rounding, the same way every step."""

    multiple: float

    def at(self, arguments: Arguments) -> Tensor:
        return torch.expm1(self.multiple * arguments.z)

    def derivative(self) -> PhiSum:
        return self.multiple * phi(0, at=self.multiple)


@dataclass(frozen=True)
class Decay:
    """factor * e^(multiple z), without the other phi functions at this place."""

    factor: float
    multiple: float

    def at(self, arguments: Arguments) -> Tensor:
        return self.factor * arguments.decay(self.multiple)

    def derivative(self) -> Decay:
        return Decay(self.factor * self.multiple, self.multiple)


def phi(j: int, at: float = 1.0) -> PhiSum:
    """phi_j(at * z)."""
    return PhiSum(((1.0, at, j),))
