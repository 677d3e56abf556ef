"""Weighted essentially non-oscillatory interpolation of point values, of order 5."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["SMALL", "WEIGHTS", "correction", "weno5z", "weno5z_back"]

# Differences below this share of a variable's scale count as smooth. At 1e-4, where critical points of a vortex that is
# 8 cells wide are taken for jumps, the order was measured to fall from 5 to 4; up to 1e-2 shocks look the same.
SMALL = 3e-3
WEIGHTS = (57.0 / 11520.0, -411.0 / 11520.0, 354.0 / 11520.0)  # of the correction, from the outermost fluxes inwards


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
def weno5z_back(n: Numbers) -> tuple[Any, Any]:
    """(wp.func (a, b, c, d, e, scale) -> vec and what the other one needs, namely uneven / rough and 1 / rough of the
    three parabolas and 1 / (sum of their weights); wp.func (a, b, c, d, e, scale, those, vec, bar) -> cotangents of a,
    b, c, d, e and scale). Divisions are the dear part, and made once."""
    real, vec = n.real, n.vec
    small, tiny = real(SMALL * SMALL), real(1e-30)
    third, quarter, half, two = real(13.0 / 12.0), real(0.25), real(0.5), real(2.0)
    sixth, eighth = real(13.0 / 6.0), real(0.125)

    @wp.func
    def ahead(a: vec, b: vec, c: vec, d: vec, e: vec, scale: vec):
        v, share = vec(), vec()
        ratio_0, ratio_1, ratio_2 = vec(), vec(), vec()
        inverse_0, inverse_1, inverse_2 = vec(), vec(), vec()
        for f in range(wp.static(n.fields)):
            least = small * scale[f] * scale[f] + tiny
            bend_0, slope_0 = a[f] - two * b[f] + c[f], a[f] - real(4.0) * b[f] + real(3.0) * c[f]
            bend_1, slope_1 = b[f] - two * c[f] + d[f], b[f] - d[f]
            bend_2, slope_2 = c[f] - two * d[f] + e[f], real(3.0) * c[f] - real(4.0) * d[f] + e[f]
            rough_0 = third * bend_0 * bend_0 + quarter * slope_0 * slope_0 + least
            rough_1 = third * bend_1 * bend_1 + quarter * slope_1 * slope_1 + least
            rough_2 = third * bend_2 * bend_2 + quarter * slope_2 * slope_2 + least
            uneven = rough_0 - rough_2
            over_0, over_1, over_2 = real(1.0) / rough_0, real(1.0) / rough_1, real(1.0) / rough_2
            r_0, r_1, r_2 = uneven * over_0, uneven * over_1, uneven * over_2
            weight_0 = real(1.0) + r_0 * r_0
            weight_1 = real(10.0) + real(10.0) * r_1 * r_1
            weight_2 = real(5.0) + real(5.0) * r_2 * r_2
            v_0 = real(3.0) * a[f] - real(10.0) * b[f] + real(15.0) * c[f]
            v_1 = real(6.0) * c[f] + real(3.0) * d[f] - b[f]
            v_2 = real(3.0) * c[f] + real(6.0) * d[f] - e[f]
            part = eighth / (weight_0 + weight_1 + weight_2)
            v[f] = (weight_0 * v_0 + weight_1 * v_1 + weight_2 * v_2) * part
            share[f] = part
            ratio_0[f] = r_0
            ratio_1[f] = r_1
            ratio_2[f] = r_2
            inverse_0[f] = over_0
            inverse_1[f] = over_1
            inverse_2[f] = over_2
        return v, ratio_0, ratio_1, ratio_2, inverse_0, inverse_1, inverse_2, share

    @wp.func
    def back(
        a: vec, b: vec, c: vec, d: vec, e: vec, scale: vec, ratio_0: vec, ratio_1: vec, ratio_2: vec,
        inverse_0: vec, inverse_1: vec, inverse_2: vec, share: vec, v: vec, bar: vec,
    ):  # fmt: skip
        a_bar, b_bar, c_bar, d_bar, e_bar, scale_bar = vec(), vec(), vec(), vec(), vec(), vec()
        for f in range(wp.static(n.fields)):
            bend_0, slope_0 = a[f] - two * b[f] + c[f], a[f] - real(4.0) * b[f] + real(3.0) * c[f]
            bend_1, slope_1 = b[f] - two * c[f] + d[f], b[f] - d[f]
            bend_2, slope_2 = c[f] - two * d[f] + e[f], real(3.0) * c[f] - real(4.0) * d[f] + e[f]
            r_0, r_1, r_2 = ratio_0[f], ratio_1[f], ratio_2[f]
            part = share[f] * bar[f]
            part_0 = part * (real(1.0) + r_0 * r_0)
            part_1 = part * (real(10.0) + real(10.0) * r_1 * r_1)
            part_2 = part * (real(5.0) + real(5.0) * r_2 * r_2)
            over = real(8.0) * v[f]
            v_0 = real(3.0) * a[f] - real(10.0) * b[f] + real(15.0) * c[f] - over
            v_1 = real(6.0) * c[f] + real(3.0) * d[f] - b[f] - over
            v_2 = real(3.0) * c[f] + real(6.0) * d[f] - e[f] - over
            # Of each weight 1 + ratio^2, ratio = uneven / rough, by what it is made of.
            felt_0 = two * part * v_0 * r_0 * inverse_0[f]
            felt_1 = real(20.0) * part * v_1 * r_1 * inverse_1[f]
            felt_2 = real(10.0) * part * v_2 * r_2 * inverse_2[f]
            felt = felt_0 + felt_1 + felt_2
            rough_0_bar, rough_1_bar, rough_2_bar = felt - felt_0 * r_0, -felt_1 * r_1, -felt - felt_2 * r_2
            bent_0, inclined_0 = sixth * bend_0 * rough_0_bar, half * slope_0 * rough_0_bar
            bent_1, inclined_1 = sixth * bend_1 * rough_1_bar, half * slope_1 * rough_1_bar
            bent_2, inclined_2 = sixth * bend_2 * rough_2_bar, half * slope_2 * rough_2_bar
            a_bar[f] = real(3.0) * part_0 + bent_0 + inclined_0
            b_bar[f] = bent_1 + inclined_1 - real(10.0) * part_0 - part_1 - two * bent_0 - real(4.0) * inclined_0
            c_bar[f] = (
                real(15.0) * part_0 + real(6.0) * part_1 + real(3.0) * part_2
                + bent_0 - two * bent_1 + bent_2 + real(3.0) * (inclined_0 + inclined_2)
            )  # fmt: skip
            d_bar[f] = (
                real(3.0) * part_1 + real(6.0) * part_2 + bent_1 - inclined_1 - two * bent_2 - real(4.0) * inclined_2
            )
            e_bar[f] = bent_2 + inclined_2 - part_2
            scale_bar[f] = two * small * scale[f] * (rough_0_bar + rough_1_bar + rough_2_bar)
        return a_bar, b_bar, c_bar, d_bar, e_bar, scale_bar

    return ahead, back


@cache
def correction(n: Numbers) -> Any:
    """wp.func (f_-2, ..., f_3) -> vec: -h^2 f''/24 + 7 h^4 f''''/5760 at the face between f_0 and f_1.

    It turns a flux between interpolated point values into one whose difference is the derivative to order 5
    [Shu & Osher 1988, J. Comput. Phys. 77, 439-471; Jiang, Shu, Zhang 2013, SIAM J. Sci. Comput. 35, A1137-A1160].
    """
    vec = n.vec
    outer, middle, inner = (n.real(weight) for weight in WEIGHTS)

    @wp.func
    def correct(a: vec, b: vec, c: vec, d: vec, e: vec, f: vec):
        return outer * (a + f) + middle * (b + e) + inner * (c + d)

    return correct
