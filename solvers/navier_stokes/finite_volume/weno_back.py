"""The transposed derivative of interpolation by WENO and what follows at a face."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers
from scenegrad.solvers.navier_stokes.finite_volume.positivity import LEAST, mixed_back
from scenegrad.solvers.navier_stokes.finite_volume.turning import turning, turning_back
from scenegrad.solvers.navier_stokes.finite_volume.weno import WEIGHTS, correction, weno5z_back

__all__ = ["weno_back"]


@cache
def weno_back(n: Numbers, law: Law, immersed: bool) -> Any:
    """Adds to w_bar, constant_bar and open_bar what flux_bar says; reads what the faces read."""
    real, vec, pair, triple, dim, half = n.real, n.vec, n.pair, n.triple, n.dim, n.real(0.5)
    last = n.fields - 1
    load, _ = turning(n)
    load_flux, add = turning_back(n)
    interpolated, interpolated_back = weno5z_back(n)
    corrected = correction(n)
    functions, backs = law.kernels(n), law.back(n)
    possible, flux_of, scale_of = functions.possible, functions.flux, functions.scale
    frame, height, waves, unwaved = functions.frame, functions.height, functions.waves, functions.unwaved
    riemann_back, flux_back, mean_back, short = backs.riemann, backs.flux, backs.of_mean, backs.short
    waves_back, unwaved_back = backs.waves, backs.unwaved
    mixing = mixed_back(n, law)
    least = real(LEAST)
    outer, middle, inner = (real(weight) for weight in WEIGHTS)
    one, two = real(1.0), real(2.0)
    small = real(1e-6)  # its cube is nothing, and not even a number in single precision that is fast to compute with

    @wp.func
    def correction_of(a: vec, b: vec, c: vec, d: vec, e: vec, f: vec, k: real):
        return corrected(flux_of(a, k), flux_of(b, k), flux_of(c, k), flux_of(d, k), flux_of(e, k), flux_of(f, k))

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
        w_0, w_1, lo = load(w, b, at - 3 * step, axis), load(w, b, at - 2 * step, axis), load(w, b, at - step, axis)
        hi, w_4, w_5 = load(w, b, at, axis), load(w, b, at + step, axis), load(w, b, at + 2 * step, axis)
        mean = half * (lo + hi)
        scale = scale_of(mean, gamma)
        turn, tall = frame(mean, gamma), height(mean, gamma)
        v_0, v_1, v_2 = waves(w_0, turn), waves(w_1, turn), waves(lo, turn)
        v_3, v_4, v_5 = waves(hi, turn), waves(w_4, turn), waves(w_5, turn)
        far_l, far_r, far_ll, far_rr = v_3, v_2, v_4, v_1
        smooth = one
        o_1, o_2, o_3, o_4, o_5 = one, one, one, one, one
        e_1, e_2, e_3, e_4, e_5 = vec(), vec(), vec(), vec(), vec()
        if wp.static(immersed):
            o_1 *= open[b, axis, at - 2 * step]
            o_2 *= open[b, axis, at - step]
            o_3 *= open[b, axis, at]
            o_4 *= open[b, axis, at + step]
            o_5 *= open[b, axis, at + 2 * step]
            smooth = o_1 * o_2 * o_3 * o_4 * o_5
            e_1, e_2, e_3, e_4, e_5 = v_1 - v_0, v_2 - v_1, v_3 - v_2, v_4 - v_3, v_5 - v_4
            v_1 = v_2 - o_2 * e_2
            v_0 = v_1 - o_2 * o_1 * e_1
            far_r = v_3 - o_3 * e_3
            far_rr = far_r - o_3 * o_2 * e_2
            far_l = v_2 + o_3 * e_3
            far_ll = far_l + o_3 * o_4 * e_4
            v_4 = v_3 + o_4 * e_4
            v_5 = v_4 + o_4 * o_5 * e_5
        wave_l, a_l, b_l, c_l, d_l, e_l, f_l, g_l = interpolated(v_0, v_1, v_2, far_l, far_ll, tall)
        wave_r, a_r, b_r, c_r, d_r, e_r, f_r, g_r = interpolated(v_5, v_4, v_3, far_r, far_rr, tall)
        left, right = unwaved(wave_l, turn), unwaved(wave_r, turn)
        left_holds, right_holds = possible(left), possible(right)
        if not left_holds:
            left = lo
        if not right_holds:
            right = hi
        rough = real(0.0)
        for f in range(0, wp.static(n.fields), wp.static(last)):
            d_1, d_2, d_3, d_4, d_5 = w_1[f] - w_0[f], lo[f] - w_1[f], hi[f] - lo[f], w_4[f] - hi[f], w_5[f] - w_4[f]
            rough += (d_1 * d_1 + d_2 * d_2 + d_3 * d_3 + d_4 * d_4 + d_5 * d_5) / (scale[f] * scale[f])
        faded, bend = one, vec()
        if rough > small or wp.static(immersed):
            faded = one / (one + rough * rough * rough * rough)
            bend = correction_of(w_0, w_1, lo, hi, w_4, w_5, gamma)

        bar = load_flux(flux_bar, b, at, axis)
        raw = bar
        if wp.static(immersed):
            bar = o_3 * bar
        left_bar, right_bar, gamma_bar, flux = riemann_back(left, right, gamma, bar)
        flux = flux + (smooth * faded) * bend
        lo_bar, hi_bar = vec(), vec()
        courant = real(wp.static(2 * dim)) * dt[b] * inv_dx[axis]
        if short(flux, lo, courant, least, gamma) or short(flux, hi, -courant, least, gamma):
            if rough <= small and not wp.static(immersed):  # too little to make the flux short, but part of it
                flux = flux + correction_of(w_0, w_1, lo, hi, w_4, w_5, gamma)
            bar, lo_bar, hi_bar, gamma_bar, flux = mixing(flux, lo, hi, courant, gamma, bar)
            left_bar, right_bar, more, _ = riemann_back(left, right, gamma, bar)
            gamma_bar += more

        # the correction and how it fades
        bent = (smooth * faded) * bar
        w_0_bar, more_0 = flux_back(w_0, gamma, outer * bent)
        w_1_bar, more_1 = flux_back(w_1, gamma, middle * bent)
        of_lo, more_2 = flux_back(lo, gamma, inner * bent)
        of_hi, more_3 = flux_back(hi, gamma, inner * bent)
        w_4_bar, more_4 = flux_back(w_4, gamma, middle * bent)
        w_5_bar, more_5 = flux_back(w_5, gamma, outer * bent)
        gamma_bar += more_0 + more_1 + more_2 + more_3 + more_4 + more_5
        lo_bar += of_lo
        hi_bar += of_hi
        felt = wp.dot(bend, bar) * faded
        scale_bar, tall_bar, turn_bar = vec(), vec(), pair()
        if rough > small:
            square = rough * rough
            rough_bar = -real(4.0) * square * rough * faded * smooth * felt
            for f in range(0, wp.static(n.fields), wp.static(last)):
                d_1, d_2, d_3 = w_1[f] - w_0[f], lo[f] - w_1[f], hi[f] - lo[f]
                d_4, d_5 = w_4[f] - hi[f], w_5[f] - w_4[f]
                each = two * rough_bar / (scale[f] * scale[f])
                scale_bar[f] = -each * (d_1 * d_1 + d_2 * d_2 + d_3 * d_3 + d_4 * d_4 + d_5 * d_5) / scale[f]
                w_0_bar[f] -= each * d_1
                w_1_bar[f] += each * (d_1 - d_2)
                lo_bar[f] += each * (d_2 - d_3)
                hi_bar[f] += each * (d_3 - d_4)
                w_4_bar[f] += each * (d_4 - d_5)
                w_5_bar[f] += each * d_5

        # the interpolation
        v_0_bar, v_1_bar, v_2_bar = vec(), vec(), vec()
        v_3_bar, v_4_bar, v_5_bar = vec(), vec(), vec()
        far_l_bar, far_ll_bar, far_r_bar, far_rr_bar = vec(), vec(), vec(), vec()
        if left_holds:
            wave_bar, at_bar = unwaved_back(wave_l, turn, left_bar)
            turn_bar += at_bar
            v_0_bar, v_1_bar, v_2_bar, far_l_bar, far_ll_bar, tall_bar = interpolated_back(
                v_0, v_1, v_2, far_l, far_ll, tall, a_l, b_l, c_l, d_l, e_l, f_l, g_l, wave_l, wave_bar
            )
        else:
            lo_bar += left_bar
        if right_holds:
            wave_bar, at_bar = unwaved_back(wave_r, turn, right_bar)
            turn_bar += at_bar
            v_5_bar, v_4_bar, v_3_bar, far_r_bar, far_rr_bar, more_tall = interpolated_back(
                v_5, v_4, v_3, far_r, far_rr, tall, a_r, b_r, c_r, d_r, e_r, f_r, g_r, wave_r, wave_bar
            )
            tall_bar += more_tall
        else:
            hi_bar += right_bar
        if wp.static(immersed):
            v_4_bar += v_5_bar
            far_l_bar += far_ll_bar
            far_r_bar += far_rr_bar
            v_1_bar += v_0_bar
            whole = felt
            e_1_bar, e_2_bar = -o_2 * o_1 * v_0_bar, -o_2 * v_1_bar - o_3 * o_2 * far_rr_bar
            e_3_bar = o_3 * (far_l_bar - far_r_bar)
            e_4_bar, e_5_bar = o_4 * v_4_bar + o_3 * o_4 * far_ll_bar, o_4 * o_5 * v_5_bar
            from_1, from_5 = wp.dot(e_1, v_0_bar), wp.dot(e_5, v_5_bar)
            from_2, from_4 = wp.dot(e_2, far_rr_bar), wp.dot(e_4, far_ll_bar)
            across = wp.dot(e_3, far_l_bar - far_r_bar)
            open_bar[b, axis, at - 2 * step] += whole * o_2 * o_3 * o_4 * o_5 - o_2 * from_1
            open_bar[b, axis, at - step] += (
                whole * o_1 * o_3 * o_4 * o_5 - wp.dot(e_2, v_1_bar) - o_1 * from_1 - o_3 * from_2
            )
            open_bar[b, axis, at] += (
                whole * o_1 * o_2 * o_4 * o_5 + across - o_2 * from_2 + o_4 * from_4 + wp.dot(raw, flux)
            )
            open_bar[b, axis, at + step] += (
                whole * o_1 * o_2 * o_3 * o_5 + wp.dot(e_4, v_4_bar) + o_3 * from_4 + o_5 * from_5
            )
            open_bar[b, axis, at + 2 * step] += whole * o_1 * o_2 * o_3 * o_4 + o_4 * from_5
            v_2_bar += v_1_bar + far_l_bar + e_2_bar - e_3_bar
            v_3_bar += v_4_bar + far_r_bar + e_3_bar - e_4_bar
            v_0_bar, v_1_bar = -e_1_bar, e_1_bar - e_2_bar
            v_4_bar, v_5_bar = e_4_bar - e_5_bar, e_5_bar
        else:
            v_3_bar += far_l_bar
            v_4_bar += far_ll_bar
            v_2_bar += far_r_bar
            v_1_bar += far_rr_bar
        of_0, at_0 = waves_back(w_0, turn, v_0_bar)
        of_1, at_1 = waves_back(w_1, turn, v_1_bar)
        of_2, at_2 = waves_back(lo, turn, v_2_bar)
        of_3, at_3 = waves_back(hi, turn, v_3_bar)
        of_4, at_4 = waves_back(w_4, turn, v_4_bar)
        of_5, at_5 = waves_back(w_5, turn, v_5_bar)
        turn_bar += at_0 + at_1 + at_2 + at_3 + at_4 + at_5
        mean_bar, more = mean_back(mean, gamma, turn_bar, tall_bar, scale_bar)
        add(w_0_bar + of_0, w_bar, b, at - 3 * step, axis)
        add(w_1_bar + of_1, w_bar, b, at - 2 * step, axis)
        add(lo_bar + of_2 + half * mean_bar, w_bar, b, at - step, axis)
        add(hi_bar + of_3 + half * mean_bar, w_bar, b, at, axis)
        add(w_4_bar + of_4, w_bar, b, at + step, axis)
        add(w_5_bar + of_5, w_bar, b, at + 2 * step, axis)
        constant_bar[b, i] += gamma_bar + more

    return kernel
