"""Kernels that bring rows of neighbours into order and pick those that are close now."""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.numbers import FUSED, numbers

__all__ = ["pick_pairs", "sort_rows", "transpose_pairs"]


@cache
def transpose_pairs() -> wp.Kernel:
    """Atom j enters itself in the row of each of its neighbours.

    Where atoms come one by one, as on a CPU, rows come out sorted by index.
    """

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        stale: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        filled_out: wp.array2d[wp.int32],
        rows_out: wp.array3d[wp.int32],
    ):
        b, j = wp.tid()
        if stale[b] == 0:
            return
        most = rows_out.shape[2]
        for n in range(wp.min(count[b, j], most)):
            i = rows[b, j, n]
            place = wp.atomic_add(filled_out, b, i, 1)
            if place < most:
                rows_out[b, i, place] = j

    return kernel


@cache
def sort_rows() -> wp.Kernel:
    """Each row in the order of the indices (insertion sort: nothing to do where they came in order).

    A force summed in this order does not depend on when the list was built, nor on a box of companions.
    """

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(stale: wp.array[wp.int32], count: wp.array2d[wp.int32], rows_out: wp.array3d[wp.int32]):
        b, i = wp.tid()
        if stale[b] == 0:
            return
        for n in range(1, wp.min(count[b, i], rows_out.shape[2])):
            j = rows_out[b, i, n]
            m = n - 1
            while m >= 0 and rows_out[b, i, m] > j:
                rows_out[b, i, m + 1] = rows_out[b, i, m]
                m -= 1
            rows_out[b, i, m + 1] = j

    return kernel


@cache
def pick_pairs(dim: int, dtype: torch.dtype, tilted: bool, halving: bool) -> wp.Kernel:
    """Of every row those within the radius, in their order. halving: a pair stays in one of its two rows only, in turns
    that of the first atom and of the second, so that all rows are about equally long."""
    n = numbers(dim, dtype)
    vec, real, three, image = n.vec, n.real, n.three, nearest_image(dim, dtype, tilted)

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        corner: wp.vec2i,
        stale: wp.array[wp.int32],
        box: wp.array[vec],
        lean: wp.array[three],
        radius: wp.array[real],
        x_in: wp.array2d[vec],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        count_out: wp.array2d[wp.int32],
        rows_out: wp.array3d[wp.int32],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        if stale[b] == 0:
            return
        lengths = box[b]
        slant = lean[b]
        inverse = vec()
        for a in range(wp.static(dim)):
            inverse[a] = real(1.0) / lengths[a]
        limit = radius[b] * radius[b]
        xb = x_in[b]
        x = xb[i]
        row = rows[b, i]
        row_out = rows_out[b, i]
        found = int(0)
        for m in range(count[b, i]):
            j = row[m]
            d = image(x - xb[j], lengths, inverse, slant)
            row_out[found] = j
            near = wp.where(wp.dot(d, d) < limit, 1, 0)
            if wp.static(halving):
                near = near & ((i + j + wp.where(i > j, 1, 0)) & 1)
            found += near
        count_out[b, i] = found

    return kernel
