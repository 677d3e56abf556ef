"""Linear reconstruction with limited slopes, of order 2."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["LIMITERS", "SLOPES_BACK", "SMALL"]

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
            if product > real(0.0):  # elsewhere the sum may be 0, by which a transpose would divide
                s[f] = real(2.0) * product / (a[f] + b[f])
        return s

    return slopes


LIMITERS = {"van_albada": van_albada, "van_leer": van_leer}  # slope of each variable from its differences to neighbours


@cache
def van_albada_back(n: Numbers) -> Any:
    """wp.func (a, b, scale, bar) -> cotangents of a, b and scale."""
    real, vec = n.real, n.vec
    small, tiny, two = real(SMALL * SMALL), real(1e-30), real(2.0)

    @wp.func
    def back(a: vec, b: vec, scale: vec, bar: vec):
        a_bar, b_bar, scale_bar = vec(), vec(), vec()
        for f in range(wp.static(n.fields)):
            tall = small * scale[f]
            least = tall * scale[f] + tiny
            aa, bb = a[f] * a[f] + least, b[f] * b[f] + least
            share = real(1.0) / (aa + bb)
            s = (aa * b[f] + bb * a[f]) * share
            wide = bar[f] * share
            a_bar[f] = wide * (two * a[f] * (b[f] - s) + bb)
            b_bar[f] = wide * (two * b[f] * (a[f] - s) + aa)
            scale_bar[f] = two * tall * wide * (a[f] + b[f] - two * s)
        return a_bar, b_bar, scale_bar

    return back


@cache
def van_leer_back(n: Numbers) -> Any:
    """wp.func (a, b, scale, bar) -> cotangents of a, b and scale, which does not matter."""
    real, vec = n.real, n.vec

    @wp.func
    def back(a: vec, b: vec, scale: vec, bar: vec):
        a_bar, b_bar = vec(), vec()
        for f in range(wp.static(n.fields)):
            if a[f] * b[f] > real(0.0):
                share = real(1.0) / (a[f] + b[f])
                wide = real(2.0) * bar[f] * share * share
                a_bar[f] = wide * b[f] * b[f]
                b_bar[f] = wide * a[f] * a[f]
        return a_bar, b_bar, vec()

    return back


SLOPES_BACK = {"van_albada": van_albada_back, "van_leer": van_leer_back}
