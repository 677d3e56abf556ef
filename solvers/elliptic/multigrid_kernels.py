"""Kernels of multigrid on cells: every grid is three-dimensional here, with axes of one cell in front where it is not.

Faces: w[axis][.., i, ..] is the lower face of cell i and w[.., n, ..] the upper wall, which a periodic axis has too, as
a copy of the first. Beyond a wall x = 0, and a weight of zero lets nothing pass.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

__all__ = ["MultigridKernels", "multigrid_kernels"]


@dataclass(frozen=True)
class MultigridKernels:
    """In one precision."""

    relax: Any
    residual: Any


@wp.func
def beyond(i: int, n: int, wraps: int) -> int:
    """Number of a cell, -1 where there is none."""
    if i >= 0 and i < n:
        return i
    if wraps == 0:
        return -1
    if i < 0:
        return i + n
    return i - n


@cache
def multigrid_kernels(dtype: torch.dtype) -> MultigridKernels:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    zero = real(0.0)

    @wp.func
    def value(x: wp.array4d[real], m: int, i: int, j: int, k: int) -> real:
        if i < 0 or j < 0 or k < 0:
            return zero
        return x[m, i, j, k]

    @wp.func
    def flow_in(
        m: int, i: int, j: int, k: int, wraps: wp.vec3i,
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real], x: wp.array4d[real],
    ) -> real:  # fmt: skip
        """sum of weight * x over the neighbours"""
        n0, n1, n2 = x.shape[1], x.shape[2], x.shape[3]
        total = wz[m, i, j, k] * value(x, m, i, j, beyond(k - 1, n2, wraps[2]))
        total += wz[m, i, j, k + 1] * value(x, m, i, j, beyond(k + 1, n2, wraps[2]))
        if n1 > 1:
            total += wy[m, i, j, k] * value(x, m, i, beyond(j - 1, n1, wraps[1]), k)
            total += wy[m, i, j + 1, k] * value(x, m, i, beyond(j + 1, n1, wraps[1]), k)
        if n0 > 1:
            total += wx[m, i, j, k] * value(x, m, beyond(i - 1, n0, wraps[0]), j, k)
            total += wx[m, i + 1, j, k] * value(x, m, beyond(i + 1, n0, wraps[0]), j, k)
        return total

    @wp.kernel(module="unique", enable_backward=False)
    def relax(
        run: int, colour: int, wraps: wp.vec3i, diagonal: wp.array4d[real],
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real], b: wp.array4d[real], x_out: wp.array4d[real],
    ):  # fmt: skip
        """x_i = (b_i + sum_j w_ij x_j) / (shift + sum_j w_ij) in the cells of one colour of a chessboard, `run` of them
        in a row."""
        m, i, j, part = wp.tid()
        first = 2 * run * part + ((i + j + colour) & 1)
        for step in range(run):
            k = first + 2 * step
            if k < x_out.shape[3]:
                d = diagonal[m, i, j, k]
                if d > zero:
                    x_out[m, i, j, k] = (b[m, i, j, k] + flow_in(m, i, j, k, wraps, wx, wy, wz, x_out)) / d

    @wp.kernel(module="unique", enable_backward=False)
    def residual(
        run: int, wraps: wp.vec3i, diagonal: wp.array4d[real],
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real],
        b: wp.array4d[real], x: wp.array4d[real], r_out: wp.array4d[real],
    ):  # fmt: skip
        """r = b - A x"""
        m, i, j, part = wp.tid()
        for step in range(run):
            k = run * part + step
            if k < x.shape[3]:
                d = diagonal[m, i, j, k]
                found = zero
                if d > zero:
                    found = b[m, i, j, k] + flow_in(m, i, j, k, wraps, wx, wy, wz, x) - d * x[m, i, j, k]
                r_out[m, i, j, k] = found

    return MultigridKernels(relax, residual)
