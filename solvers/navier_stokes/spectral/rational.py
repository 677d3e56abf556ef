"""Rational functions, the coefficients of Runge-Kutta methods that take the linear part implicitly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from torch import Tensor

from scenegrad.solvers.navier_stokes.spectral.phi import Arguments

__all__ = ["Rational"]


@dataclass(frozen=True)
class Rational:
    """numerator(z) / denominator(z), coefficients from the constant upwards."""

    numerator: tuple[float, ...]
    denominator: tuple[float, ...] = (1.0,)

    @property
    def vanishes(self) -> bool:
        return not any(self.numerator)

    def __add__(self, other: Rational) -> Rational:
        if self.denominator == other.denominator:
            return made(polynomial.polyadd(self.numerator, other.numerator), self.denominator)
        top = polynomial.polyadd(
            polynomial.polymul(self.numerator, other.denominator), polynomial.polymul(other.numerator, self.denominator)
        )
        return made(top, polynomial.polymul(self.denominator, other.denominator))

    def __mul__(self, other: Rational) -> Rational:
        return made(
            polynomial.polymul(self.numerator, other.numerator), polynomial.polymul(self.denominator, other.denominator)
        )

    def __rmul__(self, factor: float) -> Rational:
        return made(factor * np.asarray(self.numerator), self.denominator)

    def derivative(self) -> Rational:
        top, below = self.numerator, self.denominator
        slope = polynomial.polysub(
            polynomial.polymul(polynomial.polyder(top), below), polynomial.polymul(top, polynomial.polyder(below))
        )
        return made(slope, polynomial.polymul(below, below))

    def at(self, arguments: Arguments) -> Tensor:
        return horner(self.numerator, arguments.z) / horner(self.denominator, arguments.z)


def made(numerator: object, denominator: object) -> Rational:
    top, below = (
        tuple(float(c) for c in np.atleast_1d(polynomial.polytrim(part))) for part in (numerator, denominator)
    )
    return Rational(top, below)


def horner(coefficients: tuple[float, ...], z: Tensor) -> Tensor:
    total = z.new_full(z.shape, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * z + coefficient
    return total
