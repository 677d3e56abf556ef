"""Weighted essentially non-oscillatory interpolation of point values, of order 5."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["SMALL", "correction", "weno5z"]

# Differences below this share of a variable's scale count as smooth. At 1e-4, where critical points of a vortex that is
# 8 cells wide are taken for jumps, the order was measured to fall from 5 to 4; up to 1e-2 shocks look the same.
SMALL = 3e-3


@cache
def weno5z(n: Numbers) -> Any:
    """wp.func (a, b, c, d, e, scale) -> vec: value half a cell beyond c, on the side of d, of five values in a row.

    Three parabolas with the weights of WENO-Z [Borges et al. 2008, J. Comput. Phys. 227, 3191-3211]; linear weights
    1/16, 10/16, 5/16 of interpolation, not those of averages. scale: of each variable, see SMALL.
    """
    real, vec = n.real, n.vec
    small, tiny = real(SMALL * SMALL), real(1e-30)
    third, quarter = real(13.0 / 12.0), real(0.25)

    @wp.func
    def values(a: vec, b: vec, c: vec, d: vec, e: vec, scale: vec):
        v = vec()
        for f in range(wp.static(n.fields)):
            least = small * scale[f] * scale[f] + tiny
            bend_0, slope_0 = a[f] - real(2.0) * b[f] + c[f], a[f] - real(4.0) * b[f] + real(3.0) * c[f]
            bend_1, slope_1 = b[f] - real(2.0) * c[f] + d[f], b[f] - d[f]
            bend_2, slope_2 = c[f] - real(2.0) * d[f] + e[f], real(3.0) * c[f] - real(4.0) * d[f] + e[f]
            rough_0 = third * bend_0 * bend_0 + quarter * slope_0 * slope_0 + least
            rough_1 = third * bend_1 * bend_1 + quarter * slope_1 * slope_1 + least
            rough_2 = third * bend_2 * bend_2 + quarter * slope_2 * slope_2 + least
            gap = (rough_0 - rough_2) * (rough_0 - rough_2)
            weight_0 = real(1.0) + gap / (rough_0 * rough_0)
            weight_1 = real(10.0) + real(10.0) * gap / (rough_1 * rough_1)
            weight_2 = real(5.0) + real(5.0) * gap / (rough_2 * rough_2)
            v_0 = real(3.0) * a[f] - real(10.0) * b[f] + real(15.0) * c[f]
            v_1 = real(6.0) * c[f] + real(3.0) * d[f] - b[f]
            v_2 = real(3.0) * c[f] + real(6.0) * d[f] - e[f]
            total = real(8.0) * (weight_0 + weight_1 + weight_2)
            v[f] = (weight_0 * v_0 + weight_1 * v_1 + weight_2 * v_2) / total
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
