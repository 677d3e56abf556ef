"""Kernels over all pairs of small systems in open space: no lists, no cutoff, no images. All gather.

d = x_i - x_j, r^2 = d.d, s = -u'(r)/r, s' = ds/d(r^2). p [batch]: the parameters of the potential in every system.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import FUSED, numbers
from scenegrad.solvers.md.targets.kinds import KINDS

__all__ = ["Law", "force", "force_adjoint", "stiffest", "sums", "sums_adjoint"]


@dataclass(frozen=True)
class Law:
    """What the kernels are specialised for."""

    kind: str
    dim: int
    dtype: torch.dtype

    @property
    def theta(self) -> Any:
        return numbers(self.dim, self.dtype).theta(len(KINDS[self.kind].parameters))

    @property
    def functions(self) -> Any:
        return KINDS[self.kind].functions(numbers(self.dim, self.dtype).real, self.theta)


@cache
def force(law: Law) -> wp.Kernel:
    """F_i += sum_j s d"""
    n, theta = numbers(law.dim, law.dtype), law.theta
    vec, radial = n.vec, law.functions.radial

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(p: wp.array[theta], x: wp.array2d[vec], force_out: wp.array2d[vec]):
        b, i = wp.tid()
        xb = x[b]
        xi = xb[i]
        pb = p[b]
        total = vec()
        for j in range(i):
            d = xi - xb[j]
            total += radial(wp.dot(d, d), pb) * d
        for j in range(i + 1, x.shape[1]):
            d = xi - xb[j]
            total += radial(wp.dot(d, d), pb) * d
        force_out[b, i] = force_out[b, i] + total

    return kernel


@cache
def force_adjoint(law: Law) -> wp.Kernel:
    """Transposed derivative of L = sum_i w_i . F_i, with dw = w_i - w_j:

    dL/dx_i = sum_j [s dw + 2 s' (d.dw) d], which is added,    dL/dp = 1/2 sum_ij (d.dw) ds/dp, by atom.
    """
    n, theta, f = numbers(law.dim, law.dtype), law.theta, law.functions
    vec, real, radial, slope, radial_by = n.vec, n.real, f.radial, f.slope, f.radial_by

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        p: wp.array[theta],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        p_bar_out: wp.array2d[theta],
    ):
        b, i = wp.tid()
        pb = p[b]
        total = vec()
        p_bar = theta()
        for j in range(x.shape[1]):
            if j != i:
                d = x[b, i] - x[b, j]
                dw = w[b, i] - w[b, j]
                r2 = wp.dot(d, d)
                along = wp.dot(d, dw)
                total += radial(r2, pb) * dw + (real(2.0) * slope(r2, pb) * along) * d
                p_bar += (real(0.5) * along) * radial_by(r2, pb)
        x_bar_out[b, i] = x_bar_out[b, i] + total
        p_bar_out[b, i] = p_bar

    return kernel


@cache
def sums(law: Law) -> wp.Kernel:
    """Energy and virial by atom, in float64: 1/2 sum_j u, then 1/2 sum_j s d_a d_b row by row."""
    n, theta, f, dim = numbers(law.dim, law.dtype), law.theta, law.functions, law.dim
    vec, row_type, energy, radial = n.vec, n.sums, f.energy, f.radial

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(p: wp.array[theta], x: wp.array2d[vec], sums_out: wp.array2d[row_type]):
        b, i = wp.tid()
        pb = p[b]
        total = row_type()
        for j in range(x.shape[1]):
            if j != i:
                d = x[b, i] - x[b, j]
                r2 = wp.dot(d, d)
                s = wp.float64(radial(r2, pb))
                total[0] += wp.float64(0.5) * wp.float64(energy(r2, pb))
                for a in range(wp.static(dim)):
                    for c in range(wp.static(dim)):
                        total[1 + a * wp.static(dim) + c] += wp.float64(0.5) * s * wp.float64(d[a]) * wp.float64(d[c])
        sums_out[b, i] = total

    return kernel


@cache
def sums_adjoint(law: Law) -> wp.Kernel:
    """Transposed derivative of the sums, for cotangents u_bar of the energy and w_bar of the virial; with q = d.w_bar d

    dL/dx_i = sum_j [-u_bar s + s' q] d + s/2 (w_bar + w_bar^T) d, which is added; dL/dp by atom.
    """
    n, theta, f = numbers(law.dim, law.dtype), law.theta, law.functions
    vec, mat, real = n.vec, n.mat, n.real
    radial, slope, energy_by, radial_by = f.radial, f.slope, f.energy_by, f.radial_by

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        p: wp.array[theta],
        x: wp.array2d[vec],
        u_bar: wp.array[real],
        w_bar: wp.array[mat],
        x_bar_out: wp.array2d[vec],
        p_bar_out: wp.array2d[theta],
    ):
        b, i = wp.tid()
        pb = p[b]
        even = real(0.5) * (w_bar[b] + wp.transpose(w_bar[b]))
        total = vec()
        p_bar = theta()
        for j in range(x.shape[1]):
            if j != i:
                d = x[b, i] - x[b, j]
                r2 = wp.dot(d, d)
                turned = even * d
                q = wp.dot(d, turned)
                s = radial(r2, pb)
                total += (real(2.0) * slope(r2, pb) * q - u_bar[b] * s) * d + (real(2.0) * s) * turned
                p_bar += real(0.5) * (u_bar[b] * energy_by(r2, pb) + q * radial_by(r2, pb))
        x_bar_out[b, i] = x_bar_out[b, i] + total
        p_bar_out[b, i] = p_bar

    return kernel


@cache
def stiffest(law: Law) -> wp.Kernel:
    """max_j |u''| (1/m_i + 1/m_j) of each atom, u'' = -s - 2 r^2 s'."""
    n, theta, f = numbers(law.dim, law.dtype), law.theta, law.functions
    vec, real, radial, slope = n.vec, n.real, f.radial, f.slope

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(p: wp.array[theta], x: wp.array2d[vec], mass: wp.array2d[real], square_out: wp.array2d[real]):
        b, i = wp.tid()
        pb = p[b]
        most = real(0.0)
        for j in range(x.shape[1]):
            if j != i:
                d = x[b, i] - x[b, j]
                r2 = wp.dot(d, d)
                bend = wp.abs(radial(r2, pb) + real(2.0) * r2 * slope(r2, pb))
                most = wp.max(most, bend * (real(1.0) / mass[b, i] + real(1.0) / mass[b, j]))
        square_out[b, i] = most

    return kernel
