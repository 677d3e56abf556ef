"""What a pair of charges does within the cutoff: u = q_i q_j g(r), written in r^2.

bare        g = 1/r
screened    g = erfc(alpha r) / r                                      the near part of Ewald's sum
reaction    g = 1/r + c r^2 - (1/r_c + c r_c^2),  c = (epsilon - 1) / ((2 epsilon + 1) r_c^3)   [Barker & Watts 1973]
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import warp as wp
from scipy.special import erfcx

from scenegrad.solvers.md.numbers import numbers

__all__ = ["Screening", "screening"]


@dataclass(frozen=True)
class Screening:
    """Warp functions of (r^2, p), p = (r_c^2, alpha, c, shift): g, s = -g'/r, and both with ds/d(r^2)."""

    energy: Any
    radial: Any
    bend: Any  # (g, s, ds/d(r^2))


MIDDLE = 3.0  # of t = (x - MIDDLE)/(x + MIDDLE), in which the polynomial is written
FURTHEST = 7.0  # x beyond which erfc(x) < 1e-22
DEGREE = {torch.float32: 10, torch.float64: 16}  # leaves relative errors of 1e-9 and 4e-14


@cache
def bells(dtype: torch.dtype) -> Any:
    """(exp(-x^2), erfc(x)) from one exponential: erfc(x) = exp(-x^2) P(t) / (1 + 2x), as a polynomial P
    [Shepherd & Laframboise 1981, Math. Comp. 36, 249]. The library's erfc takes several times as long."""
    angle = np.pi * (np.arange(400) + 0.5) / 400
    t = 0.5 * ((FURTHEST - MIDDLE) / (FURTHEST + MIDDLE) + 1.0) * (np.cos(angle) + 1.0) - 1.0
    x = MIDDLE * (1.0 + t) / (1.0 - t)
    fit = np.polynomial.Chebyshev.fit(t, erfcx(x) * (1.0 + 2.0 * x), DEGREE[dtype])
    powers = fit.convert(kind=np.polynomial.Polynomial).coef
    real = numbers(3, dtype).real
    row, two = wp.types.vector(DEGREE[dtype] + 1, real), wp.types.vector(2, real)
    return from_one_exponential(real, two, wp.constant(row(*(float(one) for one in powers))), DEGREE[dtype])


def from_one_exponential(real: Any, two: Any, c: Any, degree: int) -> Any:
    """c: coefficients of P, from that of t^0."""
    middle = MIDDLE

    @wp.func
    def both(x: real) -> two:
        bell = wp.exp(-x * x)
        t = (x - real(middle)) / (x + real(middle))
        total = c[wp.static(degree)]
        for k in range(1, wp.static(degree + 1)):
            total = total * t + c[wp.static(degree) - k]
        return two(bell, bell * total / (real(1.0) + real(2.0) * x))

    return both


@cache
def screening(kind: str, dtype: torch.dtype) -> Screening:
    n = numbers(3, dtype)
    return functions(kind, n.real, n.edge, n.vec, bells(dtype))


def functions(kind: str, real: Any, edge: Any, three: Any, both: Any) -> Screening:
    root = 0.5641895835477563  # 1/sqrt(pi)

    @wp.func
    def bare_energy(r2: real, p: edge) -> real:
        return real(1.0) / wp.sqrt(r2)

    @wp.func
    def bare_radial(r2: real, p: edge) -> real:
        return real(1.0) / (r2 * wp.sqrt(r2))

    @wp.func
    def bare_bend(r2: real, p: edge) -> three:
        g = real(1.0) / wp.sqrt(r2)
        return three(g, g / r2, real(-1.5) * g / (r2 * r2))

    @wp.func
    def reaction_energy(r2: real, p: edge) -> real:
        return real(1.0) / wp.sqrt(r2) + p[2] * r2 - p[3]

    @wp.func
    def reaction_radial(r2: real, p: edge) -> real:
        return real(1.0) / (r2 * wp.sqrt(r2)) - real(2.0) * p[2]

    @wp.func
    def reaction_bend(r2: real, p: edge) -> three:
        g = real(1.0) / wp.sqrt(r2)
        return three(g + p[2] * r2 - p[3], g / r2 - real(2.0) * p[2], real(-1.5) * g / (r2 * r2))

    @wp.func
    def screened_energy(r2: real, p: edge) -> real:
        r = wp.sqrt(r2)
        return both(p[1] * r)[1] / r

    @wp.func
    def screened_radial(r2: real, p: edge) -> real:
        a = p[1]
        r = wp.sqrt(r2)
        at = both(a * r)
        return (at[1] / r + real(2.0) * a * real(root) * at[0]) / r2

    @wp.func
    def screened_bend(r2: real, p: edge) -> three:
        a = p[1]
        r = wp.sqrt(r2)
        at = both(a * r)
        bell = real(2.0) * a * real(root) * at[0]
        g = at[1] / r
        s = (g + bell) / r2
        return three(g, s, real(-0.5) * (real(3.0) * s + real(2.0) * a * a * bell) / r2)

    return {
        "bare": Screening(bare_energy, bare_radial, bare_bend),
        "reaction": Screening(reaction_energy, reaction_radial, reaction_bend),
        "screened": Screening(screened_energy, screened_radial, screened_bend),
    }[kind]
