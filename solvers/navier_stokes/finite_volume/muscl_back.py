"""The transposed derivative of linear reconstruction and what follows at a face."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.muscl import LIMITERS, SLOPES_BACK
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers
from scenegrad.solvers.navier_stokes.finite_volume.positivity import LEAST, mixed_back
from scenegrad.solvers.navier_stokes.finite_volume.turning import turning, turning_back

__all__ = ["muscl_back"]


@cache
def muscl_back(n: Numbers, law: Law, slopes: str, immersed: bool) -> Any:
    """Adds to w_bar, constant_bar and open_bar what flux_bar says; reads what the faces read."""
    real, vec, triple, dim, half = n.real, n.vec, n.triple, n.dim, n.real(0.5)
    load, _ = turning(n)
    load_flux, add = turning_back(n)
    limited, limited_back = LIMITERS[slopes](n), SLOPES_BACK[slopes](n)
    functions, backs = law.kernels(n), law.back(n)
    possible, scale_of = functions.possible, functions.scale
    riemann_back, scale_back, short = backs.riemann, backs.scale, backs.short
    mixing = mixed_back(n, law)
    least = real(LEAST)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        margin: wp.vec3i,
        stride: wp.vec3i,
        first: int,
        axis: int,
        inv_dx: triple,
        dt: wp.array[real],
        constant: wp.array2d[real],
        open: wp.array3d[real],
        w: wp.array3d[real],
        flux_bar: wp.array4d[real],
        w_bar: wp.array3d[real],
        constant_bar: wp.array2d[real],
        open_bar: wp.array3d[real],
    ):
        b, i, j, k = wp.tid()
        i += first + margin[0]
        at = i * stride[0] + (j + margin[1]) * stride[1] + (k + margin[2]) * stride[2]
        step = stride[axis]
        gamma = constant[b, i]
        ll, lo = load(w, b, at - 2 * step, axis), load(w, b, at - step, axis)
        hi, hh = load(w, b, at, axis), load(w, b, at + step, axis)
        d_1, d_2, d_3 = lo - ll, hi - lo, hh - hi
        below, across, above = d_1, d_2, d_3
        if wp.static(immersed):
            below, across, above = (
                open[b, axis, at - step] * d_1,
                open[b, axis, at] * d_2,
                open[b, axis, at + step] * d_3,
            )
        mean = half * (lo + hi)
        scale = scale_of(mean, gamma)
        left = lo + half * limited(below, across, scale)
        right = hi - half * limited(across, above, scale)
        left_holds, right_holds = possible(left), possible(right)
        if not left_holds:
            left = lo
        if not right_holds:
            right = hi
        bar = load_flux(flux_bar, b, at, axis)
        raw = bar
        if wp.static(immersed):
            bar = open[b, axis, at] * bar
        left_bar, right_bar, gamma_bar, flux = riemann_back(left, right, gamma, bar)
        lo_bar, hi_bar = vec(), vec()
        courant = real(wp.static(2 * dim)) * dt[b] * inv_dx[axis]
        if short(flux, lo, courant, least, gamma) or short(flux, hi, -courant, least, gamma):
            bar, lo_bar, hi_bar, gamma_bar, flux = mixing(flux, lo, hi, courant, gamma, bar)
            left_bar, right_bar, more, _ = riemann_back(left, right, gamma, bar)
            gamma_bar += more
        below_bar, across_bar, above_bar, scale_bar = vec(), vec(), vec(), vec()
        lo_bar += left_bar
        hi_bar += right_bar
        if left_holds:
            a_bar, b_bar, e_bar = limited_back(below, across, scale, half * left_bar)
            below_bar += a_bar
            across_bar += b_bar
            scale_bar += e_bar
        if right_holds:
            a_bar, b_bar, e_bar = limited_back(across, above, scale, -half * right_bar)
            across_bar += a_bar
            above_bar += b_bar
            scale_bar += e_bar
        mean_bar, more = scale_back(mean, gamma, scale_bar)
        gamma_bar += more
        if wp.static(immersed):
            open_bar[b, axis, at - step] += wp.dot(below_bar, d_1)
            open_bar[b, axis, at] += wp.dot(across_bar, d_2) + wp.dot(raw, flux)
            open_bar[b, axis, at + step] += wp.dot(above_bar, d_3)
            below_bar *= open[b, axis, at - step]
            across_bar *= open[b, axis, at]
            above_bar *= open[b, axis, at + step]
        add(-below_bar, w_bar, b, at - 2 * step, axis)
        add(lo_bar + below_bar - across_bar + half * mean_bar, w_bar, b, at - step, axis)
        add(hi_bar + across_bar - above_bar + half * mean_bar, w_bar, b, at, axis)
        add(above_bar, w_bar, b, at + step, axis)
        constant_bar[b, i] += gamma_bar

    return kernel
