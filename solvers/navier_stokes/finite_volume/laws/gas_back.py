"""Transposed derivatives of what the faces do with an ideal gas, written by hand: they share what is computed twice."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws.law import LawBack
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["back"]


@cache
def back(n: Numbers) -> LawBack:
    real, vec, pair, dim = n.real, n.vec, n.pair, n.dim
    last = n.fields - 1
    half, one, two, zero = real(0.5), real(1.0), real(2.0), real(0.0)

    @wp.func
    def riemann(lo: vec, hi: vec, k: real, bar: vec):
        """Of HLLC, see gas.py; x_b is the cotangent of x."""
        rho_l, u_l, p_l = lo[0], lo[1], lo[wp.static(last)]
        rho_r, u_r, p_r = hi[0], hi[1], hi[wp.static(last)]
        inv_l, inv_r = one / rho_l, one / rho_r
        cc_l, cc_r = k * p_l * inv_l, k * p_r * inv_r
        h_l, h_r = wp.sqrt(rho_l), wp.sqrt(rho_r)
        share = one / (h_l + h_r)
        moved = h_l * u_l + h_r * u_r
        heat = h_l * cc_l + h_r * cc_r
        mean = moved * share
        jump = u_r - u_l
        mix = h_l * h_r * share * share
        wide = wp.sqrt(heat * share + half * mix * jump * jump)
        c_l, c_r = wp.sqrt(cc_l), wp.sqrt(cc_r)
        slow, fast = u_l - c_l, u_r + c_r
        s_l, s_r = wp.min(slow, mean - wide), wp.max(fast, mean + wide)
        m_l, m_r = rho_l * (s_l - u_l), rho_r * (s_r - u_r)
        d = one / (m_l - m_r)
        m = (p_r - p_l + m_l * u_l - m_r * u_r) * d
        w = lo
        s = s_l
        met = wp.min(s_l, zero)
        if m < zero:
            w = hi
            s = s_r
            met = wp.max(s_r, zero)
        rho, u, p = w[0], w[1], w[wp.static(last)]
        r = one / (s - m)
        t = met * (m - u) * r
        flow = u + t
        through = rho * flow
        square, carried = u * u, bar[0]
        flux = vec()
        flux[0] = through
        flux[1] = rho * (u * u + s * t) + p
        for a in range(1, wp.static(dim)):
            square += w[1 + a] * w[1 + a]
            carried += bar[1 + a] * w[1 + a]
            flux[1 + a] = through * w[1 + a]
        g, e = bar[1], bar[wp.static(last)]
        less = one / (k - one)
        energy = p * less + half * rho * square
        pushed = rho * (s - u)
        flux[wp.static(last)] = flow * energy + u * p + t * (pushed * m + p)

        e_flow = e * flow
        t_b = g * rho * s + e * (energy + pushed * m + p) + carried * rho
        et = e * t
        s_b = (g + e * m) * rho * t - t_b * t * r
        met_r = t_b * met * r
        m_b = et * pushed + met_r + t_b * t * r
        if met != zero:
            s_b += t_b * (m - u) * r
        of = vec()
        of[0] = g * (u * u + s * t) + et * (s - u) * m + carried * flow + half * e_flow * square
        of[1] = two * g * rho * u + e * (energy + p) - et * rho * m + carried * rho + e_flow * rho * u - met_r
        for a in range(1, wp.static(dim)):
            of[1 + a] = bar[1 + a] * through + e_flow * rho * w[1 + a]
        of[wp.static(last)] = g + e_flow * (one + less)
        k_b = -e_flow * p * less * less

        lo_b, hi_b = vec(), vec()
        s_l_b, s_r_b = zero, zero
        if m < zero:
            hi_b = of
            s_r_b = s_b
        else:
            lo_b = of
            s_l_b = s_b
        n_b = m_b * d
        m_l_b, m_r_b = n_b * (u_l - m), n_b * (m - u_r)
        s_l_b += m_l_b * rho_l
        s_r_b += m_r_b * rho_r
        mean_b, wide_b = zero, zero
        c_l_b, c_r_b = zero, zero
        u_l_b, u_r_b = n_b * m_l - m_l_b * rho_l, -n_b * m_r - m_r_b * rho_r
        if slow < mean - wide:
            u_l_b += s_l_b
            c_l_b = -s_l_b
        else:
            mean_b += s_l_b
            wide_b -= s_l_b
        if fast > mean + wide:
            u_r_b += s_r_b
            c_r_b = s_r_b
        else:
            mean_b += s_r_b
            wide_b += s_r_b
        q_b = half * wide_b / wide
        jump_b = q_b * mix * jump
        bend = half * q_b * share * share * jump * jump
        share_b = q_b * (heat + h_l * h_r * share * jump * jump) + mean_b * moved
        lost = share_b * share * share
        h_l_b = q_b * share * cc_l + bend * h_r + mean_b * share * u_l - lost
        h_r_b = q_b * share * cc_r + bend * h_l + mean_b * share * u_r - lost
        cc_l_b = q_b * h_l * share + half * c_l_b / c_l
        cc_r_b = q_b * h_r * share + half * c_r_b / c_r
        lo_b[0] += m_l_b * (s_l - u_l) + half * h_l_b * h_l * inv_l - cc_l_b * cc_l * inv_l
        hi_b[0] += m_r_b * (s_r - u_r) + half * h_r_b * h_r * inv_r - cc_r_b * cc_r * inv_r
        lo_b[1] += u_l_b - jump_b + mean_b * h_l * share
        hi_b[1] += u_r_b + jump_b + mean_b * h_r * share
        lo_b[wp.static(last)] += cc_l_b * k * inv_l - n_b
        hi_b[wp.static(last)] += cc_r_b * k * inv_r + n_b
        k_b += cc_l_b * p_l * inv_l + cc_r_b * p_r * inv_r
        return lo_b, hi_b, k_b, flux

    @wp.func
    def scale(mean: vec, k: real, bar: vec):
        c = wp.sqrt(k * mean[wp.static(last)] / mean[0])
        c_b = zero
        for a in range(wp.static(dim)):
            c_b += bar[1 + a]
        c_b *= half * c
        of = vec()
        of[0] = bar[0] - c_b / mean[0]
        of[wp.static(last)] = c_b / mean[wp.static(last)] + k * bar[wp.static(last)]
        return of, c_b / k + mean[wp.static(last)] * bar[wp.static(last)]

    @wp.func
    def short(flux: vec, w: vec, courant: real, least: real, k: real):
        """rho' < least rho or p' < least p after a loss of courant * flux, without a division."""
        less = one / (k - one)
        rho = w[0] - courant * flux[0]
        energy = w[wp.static(last)] * less - courant * flux[wp.static(last)]
        square = zero
        for a in range(wp.static(dim)):
            energy += half * w[0] * w[1 + a] * w[1 + a]
            momentum = w[0] * w[1 + a] - courant * flux[1 + a]
            square += momentum * momentum
        return rho < least * w[0] or two * rho * (energy - least * w[wp.static(last)] * less) < square

    @wp.func
    def flux(w: vec, k: real, bar: vec):
        less = one / (k - one)
        rho, u, p, e = w[0], w[1], w[wp.static(last)], bar[wp.static(last)]
        through = rho * u
        square, carried = u * u, bar[0] + bar[1] * u
        of = vec()
        for a in range(1, wp.static(dim)):
            square += w[1 + a] * w[1 + a]
            carried += bar[1 + a] * w[1 + a]
            of[1 + a] = (bar[1 + a] + e * w[1 + a]) * through
        energy = half * rho * square + p * (one + less)
        of[0] = carried * u + half * e * u * square
        of[1] = bar[1] * through + carried * rho + e * (energy + through * u)
        of[wp.static(last)] = bar[1] + e * u * (one + less)
        return of, -e * u * p * less * less

    @wp.func
    def of_mean(mean: vec, k: real, turn_bar: pair, tall_bar: vec, scale_bar: vec):
        """rho c and 1 / c^2 of the frame, rho, c and rho c^2 of height and scale."""
        rho, p = mean[0], mean[wp.static(last)]
        cc = k * p / rho
        c = wp.sqrt(cc)
        c_b = scale_bar[1]
        for a in range(1, wp.static(dim)):
            c_b += scale_bar[1 + a] + tall_bar[1 + a]
        push, bend = half * turn_bar[0] * rho * c, turn_bar[1] / cc
        stiff = (tall_bar[1] + tall_bar[wp.static(last)] + scale_bar[wp.static(last)]) * k * p
        grown = push - bend + half * c_b * c + stiff
        of = vec()
        of[0] = tall_bar[0] + scale_bar[0] + (push + bend - half * c_b * c) / rho
        of[wp.static(last)] = grown / p
        return of, grown / k

    @wp.func
    def waves(w: vec, at: pair, bar: vec):
        sum, gap = bar[1] + bar[wp.static(last)], bar[wp.static(last)] - bar[1]
        of = bar
        of[1] = at[0] * gap
        of[wp.static(last)] = sum - at[1] * bar[0]
        return of, pair(w[1] * gap, -w[wp.static(last)] * bar[0])

    @wp.func
    def unwaved(v: vec, at: pair, bar: vec):
        p = half * (v[1] + v[wp.static(last)])
        p_b = half * (bar[wp.static(last)] + bar[0] * at[1])
        u_b = half * bar[1] / at[0]
        of = bar
        of[1] = p_b - u_b
        of[wp.static(last)] = p_b + u_b
        return of, pair(u_b * (v[1] - v[wp.static(last)]) / at[0], bar[0] * p)

    return LawBack(riemann, scale, short, flux, of_mean, waves, unwaved)
