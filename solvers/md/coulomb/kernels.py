"""Kernels over pairs of charges: force, its adjoint, energy, virial. All gather: an atom sums its own row.

d = x_i - x_j is the nearest image, u = q_i q_j g(r), s = -g'/r; p = (r_c^2, alpha, c, shift), see `screening`. Where
`all_pairs` holds, every atom is a neighbour of every other, whatever the list says.
"""

from dataclasses import dataclass
from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.coulomb.screening import screening
from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.numbers import FUSED, numbers

__all__ = ["ChargeLaw", "force", "force_adjoint", "stiffest", "sums", "sums_adjoint"]


@dataclass(frozen=True)
class ChargeLaw:
    """What the kernels are specialised for."""

    kind: str
    dim: int
    dtype: torch.dtype
    all_pairs: bool = False
    tilted: bool = False


@cache
def force(law: ChargeLaw) -> wp.Kernel:
    """F_i += q_i sum_j q_j s(r^2) d"""
    n, all_pairs = numbers(law.dim, law.dtype), law.all_pairs
    vec, real, edge = n.vec, n.real, n.edge
    ones, three, image = vec(1.0), n.three, nearest_image(law.dim, law.dtype, law.tilted)
    radial = screening(law.kind, law.dtype).radial

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array[edge],
        q: wp.array2d[real],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        force_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        lengths = box[b]
        inverse = wp.cw_div(ones, lengths)
        xi = x[b, i]
        pb = p[b]
        many = x.shape[1]
        if wp.static(not all_pairs):
            many = count[b, i]
        total = vec()
        for m in range(many):
            j = m
            if wp.static(not all_pairs):
                j = rows[b, i, m]
            d = image(xi - x[b, j], lengths, inverse, lean[b])
            r2 = wp.dot(d, d)
            if r2 < pb[0] and j != i:
                total += (q[b, j] * radial(r2, pb)) * d
        force_out[b, i] = force_out[b, i] + q[b, i] * total

    return kernel


@cache
def force_adjoint(law: ChargeLaw) -> wp.Kernel:
    """Transposed derivative of L = sum_i w_i . F_i, with dw = w_i - w_j and s' = ds/d(r^2):

    dL/dx_i = q_i sum_j q_j [s dw + 2 s' (d.dw) d], which is added,    dL/dq_i = sum_j q_j s (d.dw).
    """
    n, all_pairs = numbers(law.dim, law.dtype), law.all_pairs
    vec, real, edge = n.vec, n.real, n.edge
    ones, three, image = vec(1.0), n.three, nearest_image(law.dim, law.dtype, law.tilted)
    bend = screening(law.kind, law.dtype).bend

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array[edge],
        q: wp.array2d[real],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        q_bar_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        lengths = box[b]
        inverse = wp.cw_div(ones, lengths)
        xi = x[b, i]
        wi = w[b, i]
        pb = p[b]
        many = x.shape[1]
        if wp.static(not all_pairs):
            many = count[b, i]
        total = vec()
        q_bar = real(0.0)
        for m in range(many):
            j = m
            if wp.static(not all_pairs):
                j = rows[b, i, m]
            d = image(xi - x[b, j], lengths, inverse, lean[b])
            r2 = wp.dot(d, d)
            if r2 < pb[0] and j != i:
                dw = wi - w[b, j]
                along = wp.dot(d, dw)
                g = bend(r2, pb)
                total += q[b, j] * (g[1] * dw + (real(2.0) * g[2] * along) * d)
                q_bar += q[b, j] * g[1] * along
        x_bar_out[b, i] = x_bar_out[b, i] + q[b, i] * total
        q_bar_out[b, i] = q_bar

    return kernel


@cache
def sums(law: ChargeLaw) -> wp.Kernel:
    """Energy and virial by atom, in float64: 1/2 sum_j u, then 1/2 sum_j q_i q_j s d_a d_b row by row."""
    n, all_pairs = numbers(law.dim, law.dtype), law.all_pairs
    vec, real, edge, row_type = n.vec, n.real, n.edge, n.sums
    ones, three, image = vec(1.0), n.three, nearest_image(law.dim, law.dtype, law.tilted)
    bend = screening(law.kind, law.dtype).bend

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array[edge],
        q: wp.array2d[real],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        sums_out: wp.array2d[row_type],
    ):
        b, i = wp.tid()
        lengths = box[b]
        inverse = wp.cw_div(ones, lengths)
        pb = p[b]
        many = x.shape[1]
        if wp.static(not all_pairs):
            many = count[b, i]
        total = row_type()
        for m in range(many):
            j = m
            if wp.static(not all_pairs):
                j = rows[b, i, m]
            d = image(x[b, i] - x[b, j], lengths, inverse, lean[b])
            r2 = wp.dot(d, d)
            if r2 < pb[0] and j != i:
                g = (real(0.5) * q[b, i] * q[b, j]) * bend(r2, pb)
                total[0] = total[0] + wp.float64(g[0])
                for a in range(wp.static(n.dim)):
                    for c in range(wp.static(n.dim)):
                        at = 1 + wp.static(n.dim) * a + c
                        total[at] = total[at] + wp.float64(g[1] * d[a] * d[c])
        sums_out[b, i] = total

    return kernel


@cache
def sums_adjoint(law: ChargeLaw) -> wp.Kernel:
    """Transposed derivative of L = g U + sum_ab G_ab W_ab, of the energy and the virial of `sums`:

    dL/dx_i = q_i sum_j q_j [2 s' (d.Gd) d + s (G + G^T) d - g s d], which is added,
    dL/dq_i = sum_j q_j [g u + s (d.Gd)], with u of unit charges.
    """
    n, all_pairs = numbers(law.dim, law.dtype), law.all_pairs
    vec, real, edge, mat = n.vec, n.real, n.edge, n.mat
    ones, three, image = vec(1.0), n.three, nearest_image(law.dim, law.dtype, law.tilted)
    bend = screening(law.kind, law.dtype).bend

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array[edge],
        q: wp.array2d[real],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        u_bar: wp.array[real],
        w_bar: wp.array[mat],
        x_bar_out: wp.array2d[vec],
        q_bar_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        lengths = box[b]
        inverse = wp.cw_div(ones, lengths)
        pb = p[b]
        gu = u_bar[b]
        both = w_bar[b] + wp.transpose(w_bar[b])
        many = x.shape[1]
        if wp.static(not all_pairs):
            many = count[b, i]
        total = vec()
        q_bar = real(0.0)
        for m in range(many):
            j = m
            if wp.static(not all_pairs):
                j = rows[b, i, m]
            d = image(x[b, i] - x[b, j], lengths, inverse, lean[b])
            r2 = wp.dot(d, d)
            if r2 < pb[0] and j != i:
                g = bend(r2, pb)
                along = both * d
                twice = wp.dot(d, along)
                total += q[b, j] * ((g[2] * twice - gu * g[1]) * d + g[1] * along)
                q_bar += q[b, j] * (gu * g[0] + real(0.5) * g[1] * twice)
        x_bar_out[b, i] = x_bar_out[b, i] + q[b, i] * total
        q_bar_out[b, i] = q_bar

    return kernel


@cache
def stiffest(law: ChargeLaw) -> wp.Kernel:
    """max_j |u''| (1/m_i + 1/m_j): the square of the highest frequency of a pair with atom i, u'' = -s - 2 r^2 s'."""
    n, all_pairs = numbers(law.dim, law.dtype), law.all_pairs
    vec, real, edge = n.vec, n.real, n.edge
    ones, three, image = vec(1.0), n.three, nearest_image(law.dim, law.dtype, law.tilted)
    bend = screening(law.kind, law.dtype).bend

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array[edge],
        q: wp.array2d[real],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        mass: wp.array2d[real],
        square_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        lengths = box[b]
        inverse = wp.cw_div(ones, lengths)
        pb = p[b]
        many = x.shape[1]
        if wp.static(not all_pairs):
            many = count[b, i]
        most = real(0.0)
        for m in range(many):
            j = m
            if wp.static(not all_pairs):
                j = rows[b, i, m]
            d = image(x[b, i] - x[b, j], lengths, inverse, lean[b])
            r2 = wp.dot(d, d)
            if r2 < pb[0] and j != i:
                g = bend(r2, pb)
                u = wp.abs(q[b, i] * q[b, j] * (g[1] + real(2.0) * r2 * g[2]))
                most = wp.max(most, u * (real(1.0) / mass[b, i] + real(1.0) / mass[b, j]))
        square_out[b, i] = most

    return kernel
