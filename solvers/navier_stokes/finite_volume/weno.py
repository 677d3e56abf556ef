"""Weighted essentially non-oscillatory interpolation of point values, of order 5."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.muscl import SMALL
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["correction", "weno5z"]


@cache
def weno5z(n: Numbers) -> Any:
    """wp.func (a, b, c, d, e, scale) -> vec: value half a cell beyond c, on the side of d, of five values in a row.

    Three parabolas with the weights of WENO-Z [Borges et al. 2008, J. Comput. Phys. 227, 3191-3211]; linear weights
    1/16, 10/16, 5/16 of interpolation, not those of averages. scale: see muscl.SMALL.
    """
    real, vec = n.real, n.vec
    small, tiny = real(SMALL * SMALL), real(1e-30)
    third = real(13.0 / 12.0)
    eighth = real(1.0 / 8.0)

    @wp.func
    def roughness(bend: real, slope: real):
        return third * bend * bend + real(0.25) * slope * slope

    @wp.func
    def interpolate(a: real, b: real, c: real, d: real, e: real, least: real):
        rough_0 = roughness(a - real(2.0) * b + c, a - real(4.0) * b + real(3.0) * c) + least
        rough_1 = roughness(b - real(2.0) * c + d, b - d) + least
        rough_2 = roughness(c - real(2.0) * d + e, real(3.0) * c - real(4.0) * d + e) + least
        gap = rough_0 - rough_2
        gap = gap * gap
        weight_0 = real(1.0) + gap / (rough_0 * rough_0)
        weight_1 = real(10.0) * (real(1.0) + gap / (rough_1 * rough_1))
        weight_2 = real(5.0) * (real(1.0) + gap / (rough_2 * rough_2))
        v_0 = real(3.0) * a - real(10.0) * b + real(15.0) * c
        v_1 = real(6.0) * c + real(3.0) * d - b
        v_2 = real(3.0) * c + real(6.0) * d - e
        return eighth * (weight_0 * v_0 + weight_1 * v_1 + weight_2 * v_2) / (weight_0 + weight_1 + weight_2)

    @wp.func
    def values(a: vec, b: vec, c: vec, d: vec, e: vec, scale: vec):
        v = vec()
        for f in range(wp.static(n.fields)):
            v[f] = interpolate(a[f], b[f], c[f], d[f], e[f], small * scale[f] * scale[f] + tiny)
        return v

    return values


@cache
def correction(n: Numbers) -> Any:
    """wp.func (f_-2, ..., f_3) -> vec: -h^2 f''/24 + 7 h^4 f''''/5760 at the face between f_0 and f_1.

    It turns a flux between interpolated point values into one whose difference is the derivative to order 5
    [Shu & Osher 1988, J. Comput. Phys. 77, 439-471; Jiang, Shu, Zhang 2013, SIAM J. Sci. Comput. 35, A1137-A1160].
    """
    vec = n.vec
    outer, middle, inner = n.real(57.0 / 11520.0), n.real(-411.0 / 11520.0), n.real(354.0 / 11520.0)

    @wp.func
    def correct(a: vec, b: vec, c: vec, d: vec, e: vec, f: vec):
        return outer * (a + f) + middle * (b + e) + inner * (c + d)

    return correct
