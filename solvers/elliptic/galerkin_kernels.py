"""Kernels of a cycle on coarse grids that are made of the equation itself, and not of its coefficients.

Every grid is three-dimensional here, with axes of one cell in front where it is not. A stencil of 3^dim entries couples
a cell with all that touch it: entry s is the conductance to the cell at offset s, -A_ij, and the one in the middle what
holds the cell itself, the sum of its row; so A_ii is the sum of all entries. Entries of a member lie one after the
other along the first axis, m * 3^dim + s; so do the 2^dim weights of interpolation, one for each coarse cell that a
fine one may take part in.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.elliptic.neighbours import bit, neighbours

__all__ = ["GalerkinKernels", "galerkin_kernels"]


@dataclass(frozen=True)
class GalerkinKernels:
    """In one precision and for as many axes."""

    relax: Any
    residual: Any
    restrict: Any
    prolong: Any


@cache
def galerkin_kernels(dtype: torch.dtype, dim: int) -> GalerkinKernels:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    zero = real(0.0)
    entries, parents, middle, missing = 3**dim, 2**dim, (3**dim - 1) // 2, 3 - dim
    near = neighbours(dtype, dim)
    offset, beside, there = near.offset, near.beside, near.there
    as_parent, is_near = near.as_parent, near.is_near

    @wp.func
    def flow_in(
        m: int, i: int, j: int, k: int, wraps: wp.vec3i, a: wp.array4d[real], x: wp.array4d[real]
    ) -> real:  # fmt: skip
        """Sum of conductance * x over the neighbours."""
        total = zero
        cells = wp.vec3i(x.shape[1], x.shape[2], x.shape[3])
        for s in range(entries):
            c = a[m * entries + s, i, j, k]
            if s != middle and c != zero:
                other = beside(wp.vec3i(i, j, k), offset(s), cells, wraps)
                total += c * x[m, other[0], other[1], other[2]]
        return total

    @wp.kernel(module="unique", enable_backward=False)
    def relax(
        run: int, colour: int, wraps: wp.vec3i, diagonal: wp.array4d[real], a: wp.array4d[real], b: wp.array4d[real],
        x_out: wp.array4d[real],
    ):  # fmt: skip
        """x_i = (b_i + sum_j c_ij x_j) / A_ii in the cells of one of 2^dim colours, `run` of them in a row."""
        m, p, q, part = wp.tid()
        i, j = p, q
        if x_out.shape[1] > 1:
            i = 2 * p + ((colour >> 2) & 1)
        if x_out.shape[2] > 1:
            j = 2 * q + ((colour >> 1) & 1)
        if i < x_out.shape[1] and j < x_out.shape[2]:
            for step in range(run):
                k = 2 * (run * part + step) + (colour & 1)
                if k < x_out.shape[3]:
                    d = diagonal[m, i, j, k]
                    if d > zero:
                        x_out[m, i, j, k] = (b[m, i, j, k] + flow_in(m, i, j, k, wraps, a, x_out)) / d

    @wp.kernel(module="unique", enable_backward=False)
    def residual(
        run: int, wraps: wp.vec3i, diagonal: wp.array4d[real], a: wp.array4d[real], b: wp.array4d[real],
        x: wp.array4d[real], r_out: wp.array4d[real],
    ):  # fmt: skip
        """r = b - A x"""
        m, i, j, part = wp.tid()
        for step in range(run):
            k = run * part + step
            if k < x.shape[3]:
                d = diagonal[m, i, j, k]
                found = zero
                if d > zero:
                    found = b[m, i, j, k] + flow_in(m, i, j, k, wraps, a, x) - d * x[m, i, j, k]
                r_out[m, i, j, k] = found

    @wp.kernel(module="unique", enable_backward=False)
    def restrict(
        run: int, merged: wp.vec3i, wraps: wp.vec3i, p: wp.array4d[real], r: wp.array4d[real], b_out: wp.array4d[real]
    ):
        """b = P' r"""
        m, i, j, part = wp.tid()
        cells = wp.vec3i(r.shape[1], r.shape[2], r.shape[3])
        for step in range(run):
            k = run * part + step
            if k < b_out.shape[3]:
                start = wp.vec3i(i * (1 + merged[0]), j * (1 + merged[1]), k * (1 + merged[2]))
                total = zero
                for e in range(entries):
                    d = offset(e)
                    if is_near(d, merged):
                        fine = beside(start, d, cells, wraps)
                        if there(fine):
                            total += as_parent(m, d, fine, merged, p) * r[m, fine[0], fine[1], fine[2]]
                b_out[m, i, j, k] = total

    @wp.kernel(module="unique", enable_backward=False)
    def prolong(
        run: int, merged: wp.vec3i, wraps: wp.vec3i, p: wp.array4d[real], coarse_x: wp.array4d[real],
        x_out: wp.array4d[real],
    ):  # fmt: skip
        """x += P x_coarse"""
        m, i, j, part = wp.tid()
        cells = wp.vec3i(coarse_x.shape[1], coarse_x.shape[2], coarse_x.shape[3])
        for step in range(run):
            k = run * part + step
            if k < x_out.shape[3]:
                low = wp.vec3i(i // (1 + merged[0]), j // (1 + merged[1]), k // (1 + merged[2]))
                total = zero
                for kind in range(parents):
                    share = p[m * parents + kind, i, j, k]
                    if share != zero:
                        up = wp.vec3i(0, 0, 0)
                        for axis in range(missing, 3):
                            up[axis] = bit(kind, axis - missing)
                        place = beside(low, up, cells, wraps)
                        total += share * coarse_x[m, place[0], place[1], place[2]]
                x_out[m, i, j, k] = x_out[m, i, j, k] + total

    return GalerkinKernels(relax, residual, restrict, prolong)
