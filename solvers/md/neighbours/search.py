"""Kernels that find all pairs of atoms within a radius, each of both atoms, cell by cell.

Every candidate is written and the next one overwrites those that are too far: no branch to predict. A row that is full
keeps counting, so that the host learns how long it would have to be. `corner` is where a share of a launch begins.
"""

from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.numbers import FUSED, numbers
from scenegrad.solvers.md.wide import WIDE, readers, store, stretch

__all__ = ["gather_pairs", "gather_slanted"]


@cache
def is_excluded(excluding: bool) -> Any:
    """Whether j stands in row i of the table of exclusions."""

    @wp.func
    def excluded_here(excluded: wp.array2d[wp.int32], i: int, j: int) -> bool:
        found = bool(False)
        if wp.static(excluding):
            for k in range(excluded.shape[1]):
                if excluded[i, k] == j:
                    found = True
        return found

    return excluded_here


@cache
def gather_pairs(dim: int, dtype: torch.dtype, excluding: bool, once: bool, wide: bool) -> wp.Kernel:
    """Neighbours of each atom within the radius (minimum image), cell by cell; excluding: but for those in its row of
    the table of exclusions. once: each pair is found by one of its atoms only, in turns the first and the second, so
    that all find about equally many. wide: many candidates at a time, for which `folded` has room at its end.

    Of the 5^(dim - 1) columns of cells around an atom, those beyond the radius are left out, and of the others the
    cells beyond its sphere.
    """
    n = numbers(dim, dtype)
    vec, real, cells_type = n.vec, n.real, wp.types.vector(dim, wp.int32)
    entry, part_of, *_ = readers(dim, dtype)
    by = stretch(dtype, wide)
    at_once, step, flags_type = by.most, by.step, by.type(wp.int32, 1)

    excluded_here = is_excluded(excluding)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
    def kernel(
        corner: wp.vec2i,
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
        b += corner[0]
        i += corner[1]
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
                near = wp.where(wp.dot(d, d) < limit and j != i, 1, 0)
                if wp.static(once):
                    near = near & (i + j + wp.where(j > i, 1, 0))
                if wp.static(excluding):
                    if near == 1:
                        near = wp.where(excluded_here(excluded, i, j), 0, 1)
                found += near
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
            flags = flags_type()
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
                            finish = ends[first + stop - 1]
                            while begin < finish:
                                here = wp.min(finish - begin, at_once)
                                padded = (here + (step - 1)) & (-step)
                                m = int(0)
                                while m < padded:
                                    r2 = real(0.0)
                                    for a in range(wp.static(dim)):
                                        apart = part_of(points, begin + m, a) - image[a]
                                        r2 += apart * apart
                                    other = entry(names, begin + m)
                                    close = wp.where(r2 < limit and other != i, 1, 0)
                                    if wp.static(once):
                                        close = close & (i + other + wp.where(other > i, 1, 0))
                                    flags[m] = close
                                    m += 1
                                g = int(0)
                                while g < here:
                                    j = entry(names, begin + g)
                                    store(row, wp.min(found, most), j)
                                    near = flags[g]
                                    if wp.static(excluding):
                                        if near == 1:
                                            near = wp.where(excluded_here(excluded, i, j), 0, 1)
                                    found += near
                                    g += 1
                                begin += here
        count_out[b, i] = found

    return kernel


@cache
def gather_slanted(dim: int, dtype: torch.dtype, excluding: bool, once: bool) -> wp.Kernel:
    """The same in a triclinic box: all 5^dim cells around an atom, which are cells in fractions of the edges."""
    n = numbers(dim, dtype)
    vec, real, three, cells_type = n.vec, n.real, n.three, wp.types.vector(dim, wp.int32)
    excluded_here, image = is_excluded(excluding), nearest_image(dim, dtype, True)

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        corner: wp.vec2i,
        stale: wp.array[wp.int32],
        box: wp.array[vec],
        lean: wp.array[three],
        radius: wp.array[real],
        cells: wp.array[cells_type],
        x_in: wp.array2d[vec],
        cell: wp.array2d[wp.int32],
        end: wp.array2d[wp.int32],
        order: wp.array2d[wp.int32],
        excluded: wp.array2d[wp.int32],
        count_out: wp.array2d[wp.int32],
        rows_out: wp.array3d[wp.int32],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        if stale[b] == 0:
            return
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(dim)):
            inverse[a] = real(1.0) / lengths[a]
        limit = radius[b] * radius[b]
        grid = cells[b]
        most = rows_out.shape[2] - 1
        home = cells_type()
        rest = cell[b, i]
        columns = int(1)
        for k in range(wp.static(dim)):
            a = wp.static(dim - 1) - k
            home[a] = rest % grid[a]
            rest = rest / grid[a]
            columns *= wp.min(grid[a], 5)  # one cell along each axis, or at least five
        found = int(0)
        for column in range(columns):
            rest = column
            c = int(0)
            for a in range(wp.static(dim)):
                step = wp.min(grid[a], 5)
                c = c * grid[a] + (home[a] + rest % step + wp.max(grid[a] - 2, 0)) % grid[a]
                rest = rest / step
            begin = int(0)
            if c > 0:
                begin = end[b, c - 1]
            for slot in range(begin, end[b, c]):
                j = order[b, slot]
                d = image(x_in[b, j] - x_in[b, i], lengths, inverse, lean[b])
                rows_out[b, i, wp.min(found, most)] = j
                near = wp.where(wp.dot(d, d) < limit and j != i, 1, 0)
                if wp.static(once):
                    near = near & (i + j + wp.where(j > i, 1, 0))
                if wp.static(excluding):
                    if near == 1:
                        near = wp.where(excluded_here(excluded, i, j), 0, 1)
                found += near
        count_out[b, i] = found

    return kernel
