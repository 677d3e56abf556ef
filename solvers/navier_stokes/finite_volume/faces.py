"""Fluxes through the faces across one axis: reconstruct both sides, solve Riemann's problem, keep states positive."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.muscl import LIMITERS
from scenegrad.solvers.navier_stokes.finite_volume.muscl_back import muscl_back
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers
from scenegrad.solvers.navier_stokes.finite_volume.positivity import kept_positive
from scenegrad.solvers.navier_stokes.finite_volume.turning import turning
from scenegrad.solvers.navier_stokes.finite_volume.weno import correction, weno5z
from scenegrad.solvers.navier_stokes.finite_volume.weno_back import weno_back

__all__ = ["GHOSTS", "fluxes", "fluxes_back"]

GHOSTS = {"muscl": 2, "weno5": 3}  # cells that a face sees on either side


def fluxes(n: Numbers, law: Law, reconstruction: str, slopes: str, immersed: bool) -> Any:
    """flux_out[axis] at the low face of every cell, and at the high face of the last one.

    slopes: a limiter of muscl.py. immersed: whether there are obstacles; then differences across a face count by its
    open share, so that nothing is learnt from behind a wall, and the flux comes through that share alone.
    """
    return weno_fluxes(n, law, immersed) if reconstruction == "weno5" else muscl_fluxes(n, law, slopes, immersed)


def fluxes_back(n: Numbers, law: Law, reconstruction: str, slopes: str, immersed: bool) -> Any:
    """Its transposed derivative."""
    return weno_back(n, law, immersed) if reconstruction == "weno5" else muscl_back(n, law, slopes, immersed)


@cache
def muscl_fluxes(n: Numbers, law: Law, slopes: str, immersed: bool) -> Any:
    real, triple, dim, half = n.real, n.triple, n.dim, n.real(0.5)
    load, store = turning(n)
    limited = LIMITERS[slopes](n)
    functions = law.kernels(n)
    riemann, possible, scale_of = functions.riemann, functions.possible, functions.scale
    left_over, mixed, least = kept_positive(n, law)

    @wp.kernel(module="unique")
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
        flux_out: wp.array4d[real],
    ):
        b, i, j, k = wp.tid()
        i += first + margin[0]
        at = i * stride[0] + (j + margin[1]) * stride[1] + (k + margin[2]) * stride[2]
        step = stride[axis]
        gamma = constant[b, i]
        lo, hi = load(w, b, at - step, axis), load(w, b, at, axis)
        below, across, above = lo - load(w, b, at - 2 * step, axis), hi - lo, load(w, b, at + step, axis) - hi
        if wp.static(immersed):
            below, across, above = (
                open[b, axis, at - step] * below,
                open[b, axis, at] * across,
                open[b, axis, at + step] * above,
            )
        scale = scale_of(half * (lo + hi), gamma)
        left = lo + half * limited(below, across, scale)
        right = hi - half * limited(across, above, scale)
        if not possible(left):
            left = lo
        if not possible(right):
            right = hi
        flux = riemann(left, right, gamma)
        courant = real(wp.static(2 * dim)) * dt[b] * inv_dx[axis]
        if left_over(flux, lo, hi, courant, gamma) < least:
            flux = mixed(flux, lo, hi, courant, gamma)
        if wp.static(immersed):
            flux = open[b, axis, at] * flux
        store(flux, flux_out, b, at, axis)

    return kernel


@cache
def weno_fluxes(n: Numbers, law: Law, immersed: bool) -> Any:
    """Characteristic variables are interpolated, at the mean of the two cells beside the face.

    What turns point fluxes into those of a difference of order 5 fades out where neighbours differ by as much as their
    size: it is linear, and would ring at strong shocks. As it fades with the eighth power, the order stays.
    """
    real, triple, dim, half = n.real, n.triple, n.dim, n.real(0.5)
    load, store = turning(n)
    interpolated, corrected = weno5z(n), correction(n)
    functions = law.kernels(n)
    riemann, possible, flux_of, scale_of = functions.riemann, functions.possible, functions.flux, functions.scale
    frame, height, waves, unwaved = functions.frame, functions.height, functions.waves, functions.unwaved
    left_over, mixed, least = kept_positive(n, law)

    @wp.kernel(module="unique")
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
        flux_out: wp.array4d[real],
    ):
        b, i, j, k = wp.tid()
        i += first + margin[0]
        at = i * stride[0] + (j + margin[1]) * stride[1] + (k + margin[2]) * stride[2]
        step = stride[axis]
        gamma = constant[b, i]
        w_0, w_1, lo = load(w, b, at - 3 * step, axis), load(w, b, at - 2 * step, axis), load(w, b, at - step, axis)
        hi, w_4, w_5 = load(w, b, at, axis), load(w, b, at + step, axis), load(w, b, at + 2 * step, axis)
        mean = half * (lo + hi)
        scale = scale_of(mean, gamma)
        turn, tall = frame(mean, gamma), height(mean, gamma)
        v_0, v_1, v_2 = waves(w_0, turn), waves(w_1, turn), waves(lo, turn)
        v_3, v_4, v_5 = waves(hi, turn), waves(w_4, turn), waves(w_5, turn)
        smooth, rough = real(1.0), real(0.0)
        if wp.static(immersed):
            # Each cell beyond a wall is replaced by the last one before it, seen from either side of the face.
            o_1, o_2, o_3 = open[b, axis, at - 2 * step], open[b, axis, at - step], open[b, axis, at]
            o_4, o_5 = open[b, axis, at + step], open[b, axis, at + 2 * step]
            smooth = o_1 * o_2 * o_3 * o_4 * o_5
            e_1, e_2, e_3, e_4, e_5 = v_1 - v_0, v_2 - v_1, v_3 - v_2, v_4 - v_3, v_5 - v_4
            v_1 = v_2 - o_2 * e_2
            v_0 = v_1 - o_2 * o_1 * e_1
            from_r = v_3 - o_3 * e_3
            v_4 = v_3 + o_4 * e_4
            v_5 = v_4 + o_4 * o_5 * e_5
            far_l, far_ll = v_2 + o_3 * e_3, v_2 + o_3 * e_3 + o_3 * o_4 * e_4
            left = unwaved(interpolated(v_0, v_1, v_2, far_l, far_ll, tall), turn)
            right = unwaved(interpolated(v_5, v_4, v_3, from_r, from_r - o_3 * o_2 * e_2, tall), turn)
        else:
            left = unwaved(interpolated(v_0, v_1, v_2, v_3, v_4, tall), turn)
            right = unwaved(interpolated(v_5, v_4, v_3, v_2, v_1, tall), turn)
        if not possible(left):
            left = lo
        if not possible(right):
            right = hi
        flux = riemann(left, right, gamma)
        bend = corrected(
            flux_of(w_0, gamma), flux_of(w_1, gamma), flux_of(lo, gamma),
            flux_of(hi, gamma), flux_of(w_4, gamma), flux_of(w_5, gamma),
        )  # fmt: skip
        for f in range(0, wp.static(n.fields), wp.static(n.fields - 1)):
            d_1, d_2, d_3, d_4, d_5 = w_1[f] - w_0[f], lo[f] - w_1[f], hi[f] - lo[f], w_4[f] - hi[f], w_5[f] - w_4[f]
            rough += (d_1 * d_1 + d_2 * d_2 + d_3 * d_3 + d_4 * d_4 + d_5 * d_5) / (scale[f] * scale[f])
        rough *= rough
        flux = flux + (smooth / (real(1.0) + rough * rough)) * bend
        courant = real(wp.static(2 * dim)) * dt[b] * inv_dx[axis]
        if left_over(flux, lo, hi, courant, gamma) < least:
            flux = mixed(flux, lo, hi, courant, gamma)
        if wp.static(immersed):
            flux = open[b, axis, at] * flux
        store(flux, flux_out, b, at, axis)

    return kernel
