"""Kernels that find the pairs of atoms within a radius: a counting sort into cells, then atoms report to neighbours.

A cell is half the radius wide, so that a search looks at 5 cells along each axis; an axis with fewer than five cells is
searched whole, which makes all pairs of a small system one and the same code. Cells along the last axis lie one after
another in memory. Each kernel returns at once for a system whose list still holds.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["bin_atoms", "find_pairs", "mark_stale", "place_atoms", "sort_rows"]


@cache
def mark_stale(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """stale = 1 where an atom went further than sqrt(limit) since the list was built; x is unwrapped: none jumps."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(limit: real, x_in: wp.array2d[vec], x_built: wp.array2d[vec], stale_out: wp.array[wp.int32]):
        b, i = wp.tid()
        d = x_in[b, i] - x_built[b, i]
        if not wp.dot(d, d) <= limit:  # true for a position that is not a number, too
            stale_out[b] = 1

    return kernel


@cache
def bin_atoms(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Cell of every atom and atoms in every cell; remembers the positions of which the list is made."""
    n = numbers(dim, dtype)
    vec, real, cells_type = n.vec, n.real, wp.types.vector(dim, wp.int32)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        stale: wp.array[wp.int32],
        box: wp.array[vec],
        cells: wp.array[cells_type],
        x_in: wp.array2d[vec],
        x_built_out: wp.array2d[vec],
        cell_out: wp.array2d[wp.int32],
        count_out: wp.array2d[wp.int32],
    ):
        b, i = wp.tid()
        if stale[b] == 0:
            return
        x = x_in[b, i]
        c = int(0)
        for a in range(wp.static(dim)):
            s = x[a] / box[b][a]
            k = int((s - wp.floor(s)) * real(cells[b][a]))
            c = c * cells[b][a] + wp.clamp(k, 0, cells[b][a] - 1)
        x_built_out[b, i] = x
        cell_out[b, i] = c
        wp.atomic_add(count_out, b, c, 1)

    return kernel


@cache
def place_atoms(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Atoms sorted by cell, with their positions folded into the box; end[b, c] is where cell c ends.

    left: how many atoms of each cell are still to be placed; it ends at zero, ready for the next count.
    """
    n = numbers(dim, dtype)
    vec = n.vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        stale: wp.array[wp.int32],
        box: wp.array[vec],
        x_in: wp.array2d[vec],
        cell: wp.array2d[wp.int32],
        end: wp.array2d[wp.int32],
        left_out: wp.array2d[wp.int32],
        order_out: wp.array2d[wp.int32],
        folded_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        if stale[b] == 0:
            return
        c = cell[b, i]
        slot = end[b, c] - wp.atomic_add(left_out, b, c, -1)
        x = x_in[b, i]
        for a in range(wp.static(dim)):
            x[a] = x[a] - box[b][a] * wp.floor(x[a] / box[b][a])
        order_out[b, slot] = i
        folded_out[b, slot] = x

    return kernel


@cache
def find_pairs(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Atom j enters itself in the row of each atom i within the radius (minimum image).

    Where atoms come one by one, as on a CPU, all rows come out sorted by index. A row that is full keeps counting, so
    that the host learns how long it would have to be.
    """
    n = numbers(dim, dtype)
    vec, real, cells_type = n.vec, n.real, wp.types.vector(dim, wp.int32)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        stale: wp.array[wp.int32],
        box: wp.array[vec],
        radius: wp.array[real],
        cells: wp.array[cells_type],
        x_in: wp.array2d[vec],
        cell: wp.array2d[wp.int32],
        end: wp.array2d[wp.int32],
        order: wp.array2d[wp.int32],
        folded: wp.array2d[vec],
        count_out: wp.array2d[wp.int32],
        rows_out: wp.array3d[wp.int32],
    ):
        b, j = wp.tid()
        if stale[b] == 0:
            return
        lengths = box[b]
        half = lengths * real(0.5)
        limit = radius[b] * radius[b]
        grid = cells[b]
        x = x_in[b, j]
        for a in range(wp.static(dim)):
            x[a] = x[a] - lengths[a] * wp.floor(x[a] / lengths[a])
        home = cells_type()
        rest = cell[b, j]
        for a in range(wp.static(dim)):
            home[wp.static(dim) - 1 - a] = rest % grid[wp.static(dim) - 1 - a]
            rest = rest / grid[wp.static(dim) - 1 - a]
        columns = int(1)
        for a in range(wp.static(dim - 1)):
            columns *= wp.min(grid[a], 5)
        last = grid[wp.static(dim - 1)]
        capacity = rows_out.shape[2]
        for column in range(columns):
            rest = column
            first = int(0)
            for a in range(wp.static(dim - 1)):
                span = wp.min(grid[a], 5)
                c = rest % span
                rest = rest / span
                if span == 5:
                    c = (home[a] + c + grid[a] - 2) % grid[a]
                first = first * grid[a] + c
            first *= last
            # The stretch of up to five cells along the last axis, in two parts where it goes round the corner.
            low = home[wp.static(dim - 1)] - 2
            high = home[wp.static(dim - 1)] + 3
            if last <= 5:
                low = 0
                high = last
            for part in range(2):
                start = wp.max(low, 0)
                stop = wp.min(high, last)
                if part == 1:
                    if low < 0:
                        start = low + last
                        stop = last
                    elif high > last:
                        start = 0
                        stop = high - last
                    else:
                        stop = start
                if start < stop:
                    begin = int(0)
                    if first + start > 0:
                        begin = end[b, first + start - 1]
                    for slot in range(begin, end[b, first + stop - 1]):
                        d = folded[b, slot] - x
                        for a in range(wp.static(dim)):
                            if d[a] > half[a]:
                                d[a] -= lengths[a]
                            if d[a] < -half[a]:
                                d[a] += lengths[a]
                        if wp.dot(d, d) < limit:
                            i = order[b, slot]
                            if i != j:
                                place = wp.atomic_add(count_out, b, i, 1)
                                if place < capacity:
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
