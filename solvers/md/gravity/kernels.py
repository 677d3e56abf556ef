"""Kernels of gravity between every two bodies: each body gathers what all others do to it.

U = -G m_i m_j / s, s^2 = |d|^2 + e^2, d = x_i - x_j; arguments G and e have one entry a system. Derivatives by m, G and
e leave as two numbers of each body: c = (dL/dm_i) / G, of which dL/dG = sum_i m_i c_i / 2; and its share of dL/de.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = [
    "closest",
    "energy_and_virial",
    "energy_and_virial_adjoint",
    "pull",
    "pull_adjoint",
    "rates",
    "rates_adjoint",
]


@cache
def pull(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """F_i = -G m_i sum_j m_j d / s^3, added to force_out."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        force_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        soft = softening[b] * softening[b]
        total = vec()
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + soft)
                total += (mass[b, j] * inv * inv * inv) * d
        force_out[b, i] = force_out[b, i] - (constant[b] * mass[b, i]) * total

    return kernel


@cache
def rates(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """a_i = -G sum_j m_j d / s^3 and its rate of change, -G sum_j m_j [v / s^3 - 3 (d.v) d / s^5], v = v_i - v_j."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        v: wp.array2d[vec],
        a_out: wp.array2d[vec],
        jerk_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        v_i = v[b, i]
        soft = softening[b] * softening[b]
        a = vec()
        jerk = vec()
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                dv = v_i - v[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + soft)
                square = inv * inv
                weight = mass[b, j] * inv * square
                a += weight * d
                jerk += weight * (dv - (real(3.0) * wp.dot(d, dv) * square) * d)
        a_out[b, i] = -constant[b] * a
        jerk_out[b, i] = -constant[b] * jerk

    return kernel


@cache
def pull_adjoint(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Of L = sum_i w_i.F_i = -G sum_{i<j} m_i m_j (d.dw) / s^3, dw = w_i - w_j."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real
    pair = wp.types.vector(2, real)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        p_bar_out: wp.array2d[pair],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        w_i = w[b, i]
        e = softening[b]
        total = vec()
        c = real(0.0)
        by_e = real(0.0)
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                dw = w_i - w[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + e * e)
                square = inv * inv
                weight = mass[b, j] * inv * square
                along = wp.dot(d, dw)
                total += weight * (dw - (real(3.0) * along * square) * d)
                c -= weight * along
                by_e += weight * along * square
        scale = constant[b] * mass[b, i]
        x_bar_out[b, i] = x_bar_out[b, i] - scale * total
        p_bar_out[b, i] = pair(c, real(1.5) * scale * e * by_e)

    return kernel


@cache
def rates_adjoint(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Of L = sum_i (p_i.a_i + q_i.jerk_i), given as P = p / m and Q = q / m, so that it is a sum over pairs:

    L = -G sum_{i<j} m_i m_j [dP.d + dQ.v - 3 (d.v)(d.dQ) / s^2] / s^3, with dP = P_i - P_j and so on.
    """
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real
    pair = wp.types.vector(2, real)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        v: wp.array2d[vec],
        p: wp.array2d[vec],
        q: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        v_bar_out: wp.array2d[vec],
        p_bar_out: wp.array2d[pair],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        v_i = v[b, i]
        p_i = p[b, i]
        q_i = q[b, i]
        e = softening[b]
        by_x = vec()
        by_v = vec()
        c = real(0.0)
        by_e = real(0.0)
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                dv = v_i - v[b, j]
                dp = p_i - p[b, j]
                dq = q_i - q[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + e * e)
                square = inv * inv
                weight = mass[b, j] * inv * square
                swing = wp.dot(d, dv)
                along = wp.dot(d, dq)
                first = wp.dot(d, dp) + wp.dot(dv, dq)
                second = real(3.0) * square * swing * along
                by_x += weight * (dp - (real(3.0) * square) * (along * dv + swing * dq))
                by_x -= (weight * square * (real(3.0) * first - real(5.0) * second)) * d
                by_v += weight * (dq - (real(3.0) * square * along) * d)
                c -= weight * (first - second)
                by_e += weight * square * (real(3.0) * first - real(5.0) * second)
        scale = constant[b] * mass[b, i]
        x_bar_out[b, i] = -scale * by_x
        v_bar_out[b, i] = -scale * by_v
        p_bar_out[b, i] = pair(c, real(0.5) * scale * e * by_e)

    return kernel


@cache
def energy_and_virial(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Of each body its half of U, and of W_ab = -G m_i m_j d_a d_b / s^3."""
    n = numbers(dim, dtype)
    vec, real, sums = n.vec, n.real, n.sums

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        part_out: wp.array2d[sums],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        soft = softening[b] * softening[b]
        total = sums()
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + soft)
                u = mass[b, j] * inv
                weight = u * inv * inv
                total[0] = total[0] + wp.float64(u)
                for k in range(wp.static(dim)):
                    for m in range(wp.static(dim)):
                        at = 1 + k * wp.static(dim) + m
                        total[at] = total[at] + wp.float64(weight * d[k] * d[m])
        part_out[b, i] = wp.float64(real(-0.5) * constant[b] * mass[b, i]) * total

    return kernel


@cache
def energy_and_virial_adjoint(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Of L = u_bar U + w_bar:W = -G sum_{i<j} m_i m_j (u_bar / s + d.w_bar d / s^3)."""
    n = numbers(dim, dtype)
    vec, real, mat = n.vec, n.real, n.mat
    pair = wp.types.vector(2, real)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        u_bar: wp.array[real],
        w_bar: wp.array[mat],
        x_bar_out: wp.array2d[vec],
        p_bar_out: wp.array2d[pair],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        e = softening[b]
        total = vec()
        c = real(0.0)
        by_e = real(0.0)
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + e * e)
                square = inv * inv
                u = mass[b, j] * inv
                bent = w_bar[b] * d
                both = wp.dot(d, bent) * square
                radial = u * square * (u_bar[b] + real(3.0) * both)
                total += (u * square) * (bent + wp.transpose(w_bar[b]) * d) - radial * d
                c -= u * (u_bar[b] + both)
                by_e += radial
        scale = constant[b] * mass[b, i]
        x_bar_out[b, i] = x_bar_out[b, i] - scale * total
        p_bar_out[b, i] = pair(c, real(0.5) * scale * e * by_e)

    return kernel


@cache
def closest(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Of each body the largest 2 G (m_i + m_j) / s^3: the square of the highest frequency in its encounters."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        mass: wp.array2d[real],
        x: wp.array2d[vec],
        square_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        x_i = x[b, i]
        soft = softening[b] * softening[b]
        most = real(0.0)
        for j in range(x.shape[1]):
            if j != i:
                d = x_i - x[b, j]
                inv = real(1.0) / wp.sqrt(wp.dot(d, d) + soft)
                most = wp.max(most, (mass[b, i] + mass[b, j]) * inv * inv * inv)
        square_out[b, i] = real(2.0) * constant[b] * most

    return kernel
