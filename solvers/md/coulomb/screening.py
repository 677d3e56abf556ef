"""What a pair of charges does within the cutoff: u = q_i q_j g(r), written in r^2.

bare        g = 1/r
screened    g = erfc(alpha r) / r                                      the near part of Ewald's sum
reaction    g = 1/r + c r^2 - (1/r_c + c r_c^2),  c = (epsilon - 1) / ((2 epsilon + 1) r_c^3)   [Barker & Watts 1973]
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["Screening", "screening"]


@dataclass(frozen=True)
class Screening:
    """Warp functions of (r^2, p), p = (r_c^2, alpha, c, shift): g, s = -g'/r, and both with ds/d(r^2)."""

    energy: Any
    radial: Any
    bend: Any  # (g, s, ds/d(r^2))


@cache
def screening(kind: str, dtype: torch.dtype) -> Screening:
    n = numbers(3, dtype)
    real, edge, three = n.real, n.edge, n.vec
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
        return wp.erfc(p[1] * r) / r

    @wp.func
    def screened_radial(r2: real, p: edge) -> real:
        a, r = p[1], wp.sqrt(r2)
        return (wp.erfc(a * r) / r + real(2.0) * a * real(root) * wp.exp(-a * a * r2)) / r2

    @wp.func
    def screened_bend(r2: real, p: edge) -> three:
        a, r = p[1], wp.sqrt(r2)
        bell = real(2.0) * a * real(root) * wp.exp(-a * a * r2)
        g = wp.erfc(a * r) / r
        s = (g + bell) / r2
        return three(g, s, real(-0.5) * (real(3.0) * s + real(2.0) * a * a * bell) / r2)

    return {
        "bare": Screening(bare_energy, bare_radial, bare_bend),
        "reaction": Screening(reaction_energy, reaction_radial, reaction_bend),
        "screened": Screening(screened_energy, screened_radial, screened_bend),
    }[kind]
