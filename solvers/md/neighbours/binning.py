"""Kernels that tell which lists are stale and sort atoms into cells, by counting.

A cell is half the radius wide or a little more, so that a search looks at 5 cells along each axis. A box too small for
that, or with few atoms, is one cell and searched whole. Cells along the last axis lie one after another in memory. Each
kernel returns at once for a system whose list still holds.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers
from scenegrad.solvers.md.wide import WIDE, readers

__all__ = ["bin_atoms", "mark_stale", "place_atoms"]


@cache
def mark_stale(dim: int, dtype: torch.dtype, span: int) -> wp.Kernel:
    """stale[k] = 1 where an atom went further than sqrt(limit) since list k was made; span: atoms of a thread.

    x is unwrapped: none jumps. stretch: of the box since then, which is no motion of atoms.
    """
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real
    _, part, *_ = readers(dim, dtype)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
    def kernel(
        limit: wp.array2d[real],
        stretch: wp.array2d[vec],
        x_in: wp.array2d[vec],
        near_from: wp.array2d[vec],
        far_from: wp.array2d[vec],
        stale_out: wp.array2d[wp.int32],
    ):
        b, block = wp.tid()
        x = x_in[b]
        near_at = near_from[b]
        far_at = far_from[b]
        near_stretch = stretch[0, b]
        far_stretch = stretch[1, b]
        near_limit = limit[0, b]
        far_limit = limit[1, b]
        near_gone = int(0)
        far_gone = int(0)
        i = block * span
        end = wp.min(i + span, x_in.shape[1])
        while i < end:
            near = real(0.0)
            far = real(0.0)
            for a in range(wp.static(dim)):
                to = part(x, i, a)
                moved = to - near_stretch[a] * part(near_at, i, a)
                near += moved * moved
                moved_far = to - far_stretch[a] * part(far_at, i, a)
                far += moved_far * moved_far
            near_gone += wp.where(near <= near_limit, 0, 1)  # 1 for a position that is not a number, too
            far_gone += wp.where(far <= far_limit, 0, 1)
            i += 1
        if near_gone > 0:
            stale_out[0, b] = 1
        if far_gone > 0:
            stale_out[1, b] = 1

    return kernel


@cache
def bin_atoms(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Cell of every atom and atoms in every cell; remembers the positions of which the list is made."""
    n = numbers(dim, dtype)
    vec, real, three, cells_type = n.vec, n.real, n.three, wp.types.vector(dim, wp.int32)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        stale: wp.array[wp.int32],
        box: wp.array[vec],
        lean: wp.array[three],
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
        part = vec()  # in edges
        for a in range(wp.static(dim)):
            part[a] = x[a] / box[b][a]
        slant = lean[b]
        if wp.static(dim == 3):
            part[1] = part[1] - slant[2] * part[wp.static(dim - 1)]
            part[0] = part[0] - slant[1] * part[wp.static(dim - 1)]
        part[0] = part[0] - slant[0] * part[1]
        c = int(0)
        for a in range(wp.static(dim)):
            s = part[a]
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
