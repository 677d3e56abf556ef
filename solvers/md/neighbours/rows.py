"""Kernels that bring rows of neighbours into order and pick those that are close now."""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.numbers import numbers
from scenegrad.solvers.md.wide import WIDE, readers, store, stretch

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
def pick_pairs(dim: int, dtype: torch.dtype, tilted: bool, halving: bool, wide: bool) -> wp.Kernel:
    """Of every row those within the radius, in their order. halving: a pair stays in one of its two rows only, in turns
    that of the first atom and of the second, so that all rows are about equally long. wide: many at a time."""
    n = numbers(dim, dtype)
    vec, real, three, image = n.vec, n.real, n.three, nearest_image(dim, dtype, tilted)
    entry, part, *_ = readers(dim, dtype)
    by = stretch(dtype, wide)
    most, step, flags_type = by.most, by.step, by.type(wp.int32, 1)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
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
        d = vec()
        flags = flags_type()
        found = int(0)
        length = count[b, i]
        first = int(0)
        while first < length:
            here = wp.min(length - first, most)
            padded = (here + (step - 1)) & (-step)
            m = int(0)
            while m < padded:
                j = entry(row, first + m)
                for a in range(wp.static(dim)):
                    d[a] = x[a] - part(xb, j, a)
                if wp.static(tilted):
                    d = image(d, lengths, inverse, slant)
                else:
                    for a in range(wp.static(dim)):
                        d[a] = d[a] - lengths[a] * wp.rint(d[a] * inverse[a])
                r2 = real(0.0)
                for a in range(wp.static(dim)):
                    r2 += d[a] * d[a]
                near = wp.where(r2 < limit, 1, 0)
                if wp.static(halving):
                    near = near & (i + j + wp.where(i > j, 1, 0))
                flags[m] = near
                m += 1
            g = int(0)
            while g < here:
                store(row_out, found, entry(row, first + g))
                found += flags[g]
                g += 1
            first += here
        count_out[b, i] = found

    return kernel
