"""Kernels of sparse matrices by rows: x [batch, n], entries of row i from starts[i] to starts[i + 1].

Nothing is added to by two threads, so that sums have one order everywhere.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

__all__ = ["SparseKernels", "sparse_kernels"]


@dataclass(frozen=True)
class SparseKernels:
    """In one precision."""

    combine: Any
    multiply: Any
    residual: Any
    begin: Any
    relax: Any


@cache
def sparse_kernels(dtype: torch.dtype) -> SparseKernels:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    zero = real(0.0)

    @wp.func
    def product(
        m: int, i: int, starts: wp.array1d[wp.int32], columns: wp.array1d[wp.int32],
        values: wp.array2d[real], x: wp.array2d[real],
    ) -> real:  # fmt: skip
        total = zero
        for k in range(starts[i], starts[i + 1]):
            total += values[m, k] * x[m, columns[k]]
        return total

    @wp.kernel(module="unique", enable_backward=False)
    def combine(
        starts: wp.array1d[wp.int32], columns: wp.array1d[wp.int32], weights: wp.array1d[real],
        x: wp.array2d[real], keep: real, y_out: wp.array2d[real],
    ):  # fmt: skip
        """y = keep y + W x, with one W for all members"""
        m, i = wp.tid()
        total = zero
        for k in range(starts[i], starts[i + 1]):
            total += weights[k] * x[m, columns[k]]
        if keep != zero:
            total += keep * y_out[m, i]
        y_out[m, i] = total

    @wp.kernel(module="unique", enable_backward=False)
    def multiply(
        starts: wp.array1d[wp.int32], columns: wp.array1d[wp.int32], values: wp.array2d[real],
        x: wp.array2d[real], y_out: wp.array2d[real],
    ):  # fmt: skip
        """y = A x"""
        m, i = wp.tid()
        y_out[m, i] = product(m, i, starts, columns, values, x)

    @wp.kernel(module="unique", enable_backward=False)
    def residual(
        starts: wp.array1d[wp.int32], columns: wp.array1d[wp.int32], values: wp.array2d[real],
        b: wp.array2d[real], x: wp.array2d[real], r_out: wp.array2d[real],
    ):  # fmt: skip
        """r = b - A x"""
        m, i = wp.tid()
        r_out[m, i] = b[m, i] - product(m, i, starts, columns, values, x)

    @wp.kernel(module="unique", enable_backward=False)
    def begin(
        b: wp.array2d[real], inverse: wp.array2d[real], share: real,
        d_out: wp.array2d[real], x_out: wp.array2d[real],
    ):  # fmt: skip
        """d = share D^-1 b, x = d: the first relaxation, of x = 0"""
        m, i = wp.tid()
        d = share * inverse[m, i] * b[m, i]
        d_out[m, i] = d
        x_out[m, i] = d

    @wp.kernel(module="unique", enable_backward=False)
    def relax(
        starts: wp.array1d[wp.int32], columns: wp.array1d[wp.int32], values: wp.array2d[real],
        b: wp.array2d[real], inverse: wp.array2d[real], x: wp.array2d[real], going: real, share: real,
        d_out: wp.array2d[real], x_out: wp.array2d[real],
    ):  # fmt: skip
        """d = going d + share D^-1 (b - A x), x' = x + d"""
        m, i = wp.tid()
        r = b[m, i] - product(m, i, starts, columns, values, x)
        d = share * inverse[m, i] * r
        if going != zero:
            d += going * d_out[m, i]
        d_out[m, i] = d
        x_out[m, i] = x[m, i] + d

    return SparseKernels(combine, multiply, residual, begin, relax)
