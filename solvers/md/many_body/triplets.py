# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)
"""Kernels of Stillinger & Weber's potential: atoms gather twice, what they see, then what that does to them.

With e the unit vector to a neighbour at a = r e, h = exp(gamma sigma/(r - end)), phi the energy of a pair over epsilon,
and T = sum h e e^T, P = sum h e, H = sum h of every atom (see stillinger_weber.py), the force on atom i is the sum of

    G = epsilon/2 {[2 phi' + lambda R] e + lambda h/r V},    q = e.T e,  p = P.e,
    R = h' [2 q + 4/3 p + 2/9 H - 64/9 h],    V = 4 (T e - q e) + 4/3 (P - p e),

with T and H those of both atoms together and P that of i less that of j. Its derivative along w, a dot over everything,
is the transposed derivative of the force, since second derivatives are symmetric.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.many_body.falls import falls
from scenegrad.solvers.md.numbers import FUSED, numbers

__all__ = ["moments", "moments_along", "product", "pull"]

END = 0.002  # sigma before the end, where exp(-1/END) is nothing


@cache
def moments(dtype: torch.dtype, tilted: bool) -> wp.Kernel:
    """T, (P, H) and the energy of each atom, over which pairs are shared."""
    n = numbers(3, dtype)
    vec, real, mat, three, theta, four = n.vec, n.real, n.mat, n.three, n.theta(7), n.theta(4)
    image, (pair, fall) = nearest_image(3, dtype, tilted), falls(dtype)
    end = real(END)

    @wp.kernel(module="unique", module_options=FUSED, enable_backward=False)
    def kernel(
        lengths: wp.array[vec],
        lean: wp.array[three],
        numbers_of: wp.array[theta],
        among: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        tensor_out: wp.array2d[mat],
        vector_out: wp.array2d[four],
        energy_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        t = numbers_of[b]
        edge = lengths[b]
        inverse = vec(real(1.0) / edge[0], real(1.0) / edge[1], real(1.0) / edge[2])
        last = t[6] - end * t[1]
        tensor = mat()
        whole = vec()
        sum_h = real(0.0)
        own = real(0.0)
        pairs = real(0.0)
        if among[i] != 0:
            for k in range(count[b, i]):
                j = rows[b, i, k]
                a = image(x[b, j] - x[b, i], edge, inverse, lean[b])
                r = wp.length(a)
                if r < last and among[j] != 0:
                    e = a / r
                    h = fall(r, t)[0]
                    tensor += h * wp.outer(e, e)
                    whole += h * e
                    sum_h += h
                    own += h * h
                    pairs += pair(r, t)[0]
        angles = wp.ddot(tensor, tensor) + real(2.0) * wp.dot(whole, whole) / real(3.0)
        angles += sum_h * sum_h / real(9.0) - real(16.0) * own / real(9.0)
        tensor_out[b, i] = tensor
        vector_out[b, i] = four(whole[0], whole[1], whole[2], sum_h)
        energy_out[b, i] = real(0.5) * t[0] * (t[2] * pairs + t[4] * angles)

    return kernel


@cache
def pull(dtype: torch.dtype, tilted: bool, summing: bool) -> wp.Kernel:
    """Adds sum_j G to each force; or, summing, writes half of -sum_j G a^T, its share of the virial."""
    n = numbers(3, dtype)
    vec, real, mat, three, theta, four = n.vec, n.real, n.mat, n.three, n.theta(7), n.theta(4)
    image, (pair, fall) = nearest_image(3, dtype, tilted), falls(dtype)
    end = real(END)

    @wp.kernel(module="unique", module_options=FUSED, enable_backward=False)
    def kernel(
        lengths: wp.array[vec],
        lean: wp.array[three],
        numbers_of: wp.array[theta],
        among: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        tensor: wp.array2d[mat],
        vector: wp.array2d[four],
        force_out: wp.array2d[vec],
        virial_out: wp.array2d[mat],
    ):
        b, i = wp.tid()
        t = numbers_of[b]
        edge = lengths[b]
        inverse = vec(real(1.0) / edge[0], real(1.0) / edge[1], real(1.0) / edge[2])
        last = t[6] - end * t[1]
        total = vec()
        virial = mat()
        if among[i] != 0:
            for k in range(count[b, i]):
                j = rows[b, i, k]
                a = image(x[b, j] - x[b, i], edge, inverse, lean[b])
                r = wp.length(a)
                if r < last and among[j] != 0:
                    e = a / r
                    f = fall(r, t)
                    apart = vector[b, i] - vector[b, j]
                    both = vector[b, i][3] + vector[b, j][3]
                    whole = vec(apart[0], apart[1], apart[2])
                    te = (tensor[b, i] + tensor[b, j]) * e
                    q = wp.dot(e, te)
                    p = wp.dot(whole, e)
                    radial = (
                        real(2.0) * q + real(4.0) * p / real(3.0) + (real(2.0) * both - real(64.0) * f[0]) / real(9.0)
                    )
                    across = real(4.0) * (te - q * e) + real(4.0) * (whole - p * e) / real(3.0)
                    along = real(2.0) * t[2] * pair(r, t)[1] + t[4] * f[1] * radial
                    g = real(0.5) * t[0] * (along * e + (t[4] * f[0] / r) * across)
                    if wp.static(summing):
                        virial -= real(0.5) * wp.outer(g, a)
                    else:
                        total += g
        if wp.static(summing):
            virial_out[b, i] = virial
        else:
            force_out[b, i] = force_out[b, i] + total

    return kernel


@cache
def moments_along(dtype: torch.dtype, tilted: bool) -> wp.Kernel:
    """What T, P and H change by where atoms move by w."""
    n = numbers(3, dtype)
    vec, real, mat, three, theta, four = n.vec, n.real, n.mat, n.three, n.theta(7), n.theta(4)
    image, (_, fall) = nearest_image(3, dtype, tilted), falls(dtype)
    end = real(END)

    @wp.kernel(module="unique", module_options=FUSED, enable_backward=False)
    def kernel(
        lengths: wp.array[vec],
        lean: wp.array[three],
        numbers_of: wp.array[theta],
        among: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        tensor_out: wp.array2d[mat],
        vector_out: wp.array2d[four],
    ):
        b, i = wp.tid()
        t = numbers_of[b]
        edge = lengths[b]
        inverse = vec(real(1.0) / edge[0], real(1.0) / edge[1], real(1.0) / edge[2])
        last = t[6] - end * t[1]
        tensor = mat()
        whole = vec()
        sum_h = real(0.0)
        if among[i] != 0:
            for k in range(count[b, i]):
                j = rows[b, i, k]
                a = image(x[b, j] - x[b, i], edge, inverse, lean[b])
                r = wp.length(a)
                if r < last and among[j] != 0:
                    e = a / r
                    aw = w[b, j] - w[b, i]
                    rw = wp.dot(e, aw)
                    ew = (aw - rw * e) / r
                    f = fall(r, t)
                    hw = f[1] * rw
                    tensor += hw * wp.outer(e, e) + f[0] * (wp.outer(ew, e) + wp.outer(e, ew))
                    whole += hw * e + f[0] * ew
                    sum_h += hw
        tensor_out[b, i] = tensor
        vector_out[b, i] = four(whole[0], whole[1], whole[2], sum_h)

    return kernel


@cache
def product(dtype: torch.dtype, tilted: bool) -> wp.Kernel:
    """Adds sum_j of the derivative of G along w, of L = w.F = -dU/dw. Shares of each atom in L of pairs over A epsilon,
    of angles over lambda epsilon, in dL/dB over A epsilon, dL/dgamma over lambda epsilon, and in sum_pairs a.dL/da.
    """
    n = numbers(3, dtype)
    vec, real, mat, three, theta, four = n.vec, n.real, n.mat, n.three, n.theta(7), n.theta(4)
    shares = wp.types.vector(5, real)
    image, (pair, fall) = nearest_image(3, dtype, tilted), falls(dtype)
    end = real(END)

    @wp.kernel(module="unique", module_options=FUSED, enable_backward=False)
    def kernel(
        lengths: wp.array[vec],
        lean: wp.array[three],
        numbers_of: wp.array[theta],
        among: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        tensor: wp.array2d[mat],
        vector: wp.array2d[four],
        tensor_along: wp.array2d[mat],
        vector_along: wp.array2d[four],
        x_bar_out: wp.array2d[vec],
        shares_out: wp.array2d[shares],
    ):
        b, i = wp.tid()
        t = numbers_of[b]
        edge = lengths[b]
        inverse = vec(real(1.0) / edge[0], real(1.0) / edge[1], real(1.0) / edge[2])
        last = t[6] - end * t[1]
        third = real(4.0) / real(3.0)
        ninth = real(1.0) / real(9.0)
        total = vec()
        pairs = real(0.0)
        angles = real(0.0)
        by_b = real(0.0)
        by_gamma = real(0.0)
        stretch = real(0.0)
        if among[i] != 0:
            for k in range(count[b, i]):
                j = rows[b, i, k]
                a = image(x[b, j] - x[b, i], edge, inverse, lean[b])
                r = wp.length(a)
                if r < last and among[j] != 0:
                    e = a / r
                    aw = w[b, j] - w[b, i]
                    rw = wp.dot(e, aw)
                    ew = (aw - rw * e) / r
                    u = pair(r, t)
                    f = fall(r, t)
                    hw = f[1] * rw
                    # Of both atoms together.
                    m = tensor[b, i] + tensor[b, j]
                    mw = tensor_along[b, i] + tensor_along[b, j]
                    v = vector[b, i] - vector[b, j]
                    vw = vector_along[b, i] - vector_along[b, j]
                    whole = vec(v[0], v[1], v[2])
                    whole_w = vec(vw[0], vw[1], vw[2])
                    both = vector[b, i][3] + vector[b, j][3]
                    both_w = vector_along[b, i][3] + vector_along[b, j][3]
                    te = m * e
                    q = wp.dot(e, te)
                    p = wp.dot(whole, e)
                    qw = wp.dot(e, mw * e) + real(2.0) * wp.dot(ew, te)
                    pw = wp.dot(whole_w, e) + wp.dot(whole, ew)
                    sees = real(2.0) * q + third * p + ninth * (real(2.0) * both - real(64.0) * f[0])
                    sees_w = real(2.0) * qw + third * pw + ninth * (real(2.0) * both_w - real(64.0) * hw)
                    across = real(4.0) * (te - q * e) + third * (whole - p * e)
                    across_w = real(4.0) * (mw * e + m * ew - qw * e - q * ew) + third * (whole_w - pw * e - p * ew)
                    along = real(2.0) * t[2] * u[1] + t[4] * f[1] * sees
                    along_w = real(2.0) * t[2] * u[2] * rw + t[4] * (f[2] * rw * sees + f[1] * sees_w)
                    ratio_w = (f[1] - f[0] / r) * rw / r
                    g = along_w * e + along * ew + t[4] * (ratio_w * across + (f[0] / r) * across_w)
                    g = real(0.5) * t[0] * g
                    total += g
                    stretch -= real(0.5) * wp.dot(a, g)
                    # Of what this atom sees alone: the change of its energy with h and with the change of h.
                    pairs -= real(0.5) * u[1] * rw
                    by_b -= real(0.5) * u[3] * rw
                    own = vector[b, i]
                    own_w = vector_along[b, i]
                    p_own = vec(own[0], own[1], own[2])
                    p_own_w = vec(own_w[0], own_w[1], own_w[2])
                    te = tensor[b, i] * e
                    by_hw = real(2.0) * wp.dot(e, te) + third * wp.dot(p_own, e)
                    by_hw += ninth * (real(2.0) * own[3] - real(32.0) * f[0])
                    by_h = real(4.0) * wp.dot(ew, te) + real(2.0) * wp.dot(e, tensor_along[b, i] * e)
                    by_h += third * (wp.dot(p_own, ew) + wp.dot(p_own_w, e))
                    by_h += ninth * (real(2.0) * own_w[3] - real(32.0) * hw)
                    angles -= real(0.5) * (by_hw * hw + f[0] * wp.dot(ew, real(4.0) * te + third * p_own))
                    by_gamma -= real(0.5) * (by_h * f[3] + by_hw * f[4] * rw)
        x_bar_out[b, i] = x_bar_out[b, i] + total
        shares_out[b, i] = shares(pairs, angles, by_b, by_gamma, stretch)

    return kernel
