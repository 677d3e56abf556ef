"""Linear reconstruction with limited slopes, of order 2."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["LIMITERS", "SMALL"]

SMALL = 1e-3  # differences below this share of a variable's scale count as smooth: nothing is limited there


@cache
def van_albada(n: Numbers) -> Any:
    """wp.func (a, b, scale) -> slopes: ((a^2 + e) b + (b^2 + e) a) / (a^2 + b^2 + 2 e).

    Smooth everywhere, so that a step has a derivative in a uniform flow too.
    [van Albada, van Leer, Roberts 1982, Astron. Astrophys. 108, 76-84]
    """
    real, vec = n.real, n.vec
    small, tiny = real(SMALL * SMALL), real(1e-30)

    @wp.func
    def slopes(a: vec, b: vec, scale: vec):
        s = vec()
        for f in range(wp.static(n.fields)):
            least = small * scale[f] * scale[f] + tiny
            aa, bb = a[f] * a[f] + least, b[f] * b[f] + least
            s[f] = (aa * b[f] + bb * a[f]) / (aa + bb)
        return s

    return slopes


@cache
def van_leer(n: Numbers) -> Any:
    """wp.func (a, b, scale) -> slopes: the harmonic mean where both have one sign, else 0; sharper at jumps.

    [van Leer 1974, J. Comput. Phys. 14, 361-370]
    """
    real, vec = n.real, n.vec

    @wp.func
    def slopes(a: vec, b: vec, scale: vec):
        s = vec()
        for f in range(wp.static(n.fields)):
            product = wp.max(a[f] * b[f], real(0.0))
            s[f] = wp.where(product > real(0.0), real(2.0) * product / (a[f] + b[f]), real(0.0))
        return s

    return slopes


LIMITERS = {"van_albada": van_albada, "van_leer": van_leer}  # slope of each variable from its differences to neighbours
