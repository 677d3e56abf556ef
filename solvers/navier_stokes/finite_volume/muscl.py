"""Linear reconstruction with limited slopes, of order 2."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["LIMITERS", "SMALL", "limiter"]

SMALL = 1e-4  # differences below this share of a variable's scale count as smooth: nothing is limited there


@cache
def van_albada(n: Numbers) -> Any:
    """wp.func (a, b, small) -> slope: ((a^2 + e) b + (b^2 + e) a) / (a^2 + b^2 + 2 e).

    Smooth everywhere, so that a step has a derivative in a uniform flow too.
    [van Albada, van Leer, Roberts 1982, Astron. Astrophys. 108, 76-84]
    """
    real = n.real

    @wp.func
    def slope(a: real, b: real, small: real):
        aa, bb = a * a + small, b * b + small
        return (aa * b + bb * a) / (aa + bb)

    return slope


@cache
def van_leer(n: Numbers) -> Any:
    """wp.func (a, b, small) -> slope: the harmonic mean where both have one sign, else 0; sharper at jumps.

    [van Leer 1974, J. Comput. Phys. 14, 361-370]
    """
    real = n.real

    @wp.func
    def slope(a: real, b: real, small: real):
        if a * b <= real(0.0):
            return real(0.0)
        return real(2.0) * a * b / (a + b)

    return slope


LIMITERS = {"van_albada": van_albada, "van_leer": van_leer}


@cache
def limiter(n: Numbers, name: str) -> Any:
    """wp.func (a, b, scale) -> vec: limited slope of each variable between its differences to both neighbours."""
    vec, slope, small = n.vec, LIMITERS[name](n), n.real(SMALL * SMALL)
    tiny = n.real(1e-30)

    @wp.func
    def slopes(a: vec, b: vec, scale: vec):
        s = vec()
        for f in range(wp.static(n.fields)):
            s[f] = slope(a[f], b[f], small * scale[f] * scale[f] + tiny)
        return s

    return slopes
