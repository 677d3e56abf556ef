"""Kernels that find the pairs of atoms within a radius: a counting sort into cells, a search, a sort.

A cell is half the radius wide or a little more, so that a search looks at 5 cells along each axis. A box too small for
that, or with few atoms, is one cell and searched whole. Cells along the last axis lie one after another in memory. Each
kernel returns at once for a system whose list still holds.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import FUSED, numbers

__all__ = ["bin_atoms", "gather_pairs", "mark_stale", "place_atoms", "sort_rows", "transpose_pairs"]


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
def gather_pairs(dim: int, dtype: torch.dtype, excluding: bool = False) -> wp.Kernel:
    """Neighbours of each atom within the radius (minimum image), cell by cell; excluding: but for those in its row of
    the table of exclusions.

    Of the 5^(dim - 1) columns of cells around an atom, those beyond the radius are left out, and of the others the
    cells beyond its sphere. Every candidate is written and the next one overwrites those that are too far: no branch to
    predict. A row that is full keeps counting, so that the host learns how long it would have to be.
    """
    n = numbers(dim, dtype)
    vec, real, cells_type = n.vec, n.real, wp.types.vector(dim, wp.int32)

    @wp.func
    def excluded_here(excluded: wp.array2d[wp.int32], i: int, j: int) -> bool:
        found = bool(False)
        if wp.static(excluding):
            for k in range(excluded.shape[1]):
                if excluded[i, k] == j:
                    found = True
        return found

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
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
        excluded: wp.array2d[wp.int32],
        count_out: wp.array2d[wp.int32],
        rows_out: wp.array3d[wp.int32],
    ):
        b, i = wp.tid()
        if stale[b] == 0:
            return
        lengths = box[b]
        limit = radius[b] * radius[b]
        grid = cells[b]
        ends = end[b]
        names = order[b]
        points = folded[b]
        row = rows_out[b, i]
        most = rows_out.shape[2] - 1
        x = x_in[b, i]
        for a in range(wp.static(dim)):
            x[a] = x[a] - lengths[a] * wp.floor(x[a] / lengths[a])
        found = int(0)
        if grid[0] < 5:  # then all axes have one cell
            for slot in range(x_in.shape[1]):
                d = points[slot] - x
                for a in range(wp.static(dim)):
                    d[a] = d[a] - lengths[a] * wp.rint(d[a] / lengths[a])
                j = names[slot]
                row[wp.min(found, most)] = j
                near = wp.dot(d, d) < limit and j != i
                if wp.static(excluding):
                    if near:
                        near = not excluded_here(excluded, i, j)
                found += wp.where(near, 1, 0)
        else:
            home = cells_type()
            width = vec()
            inside = vec()  # from the lower side of the atom's cell
            rest = cell[b, i]
            for k in range(wp.static(dim)):
                a = wp.static(dim - 1) - k
                home[a] = rest % grid[a]
                rest = rest / grid[a]
                width[a] = lengths[a] / real(grid[a])
                inside[a] = x[a] - real(home[a]) * width[a]
            last = grid[wp.static(dim - 1)]
            for column in range(wp.static(5 ** (dim - 1))):
                rest = column
                first = int(0)
                image = x  # the atom as seen from the cells of this column
                room = limit * real(1.001)  # square of the sphere's half width here; a little more for rounding
                for a in range(wp.static(dim - 1)):
                    c = rest % 5 - 2
                    rest = rest / 5
                    gap = real(0.0)
                    if c > 0:
                        gap = real(c) * width[a] - inside[a]
                    if c < 0:
                        gap = inside[a] - real(c + 1) * width[a]
                    room -= gap * gap
                    c += home[a]
                    if c < 0:
                        c += grid[a]
                        image[a] += lengths[a]
                    elif c >= grid[a]:
                        c -= grid[a]
                        image[a] -= lengths[a]
                    first = first * grid[a] + c
                if room > real(0.0):
                    first *= last
                    reach = wp.sqrt(room)
                    z = x[wp.static(dim - 1)]
                    w = width[wp.static(dim - 1)]
                    low = wp.max(int(wp.floor((z - reach) / w)), home[wp.static(dim - 1)] - 2)
                    high = wp.min(int(wp.floor((z + reach) / w)), home[wp.static(dim - 1)] + 2) + 1
                    # The stretch along the last axis, in two parts where it goes round the corner.
                    for part in range(2):
                        start = wp.max(low, 0)
                        stop = wp.min(high, last)
                        if part == 1:
                            start = last
                            stop = last
                            if low < 0:
                                start = low + last
                                image[wp.static(dim - 1)] += lengths[wp.static(dim - 1)]
                            elif high > last:
                                start = 0
                                stop = high - last
                                image[wp.static(dim - 1)] -= lengths[wp.static(dim - 1)]
                        if start < stop:
                            begin = int(0)
                            if first + start > 0:
                                begin = ends[first + start - 1]
                            for slot in range(begin, ends[first + stop - 1]):
                                d = points[slot] - image
                                j = names[slot]
                                row[wp.min(found, most)] = j
                                near = wp.dot(d, d) < limit and j != i
                                if wp.static(excluding):
                                    if near:
                                        near = not excluded_here(excluded, i, j)
                                found += wp.where(near, 1, 0)
        count_out[b, i] = found

    return kernel


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
