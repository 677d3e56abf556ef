"""Divergence of a velocity and gradient of a pressure on the staggered grid, a row at a time, and their transposes.

Each is minus the other's transpose but for what the faces on the sides weigh: 1 where a velocity passes, 0 where a
pressure has no slope (walls, inflows), 2 where it is zero half a cell away (outflows). So two kernels do all four.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.staggered.contiguous import contiguous

__all__ = ["gain", "slope"]


@cache
def gain(dim: int, real: Any, adds: bool) -> Any:
    """sum over axes of (upper face - lower face) scale, those on the sides times low and high; adds: onto something."""
    get, put = contiguous(real)
    triple = wp.types.vector(3, real)

    @wp.func
    def row_of(a: int, b: int, z: int, y: int, counts: wp.vec3i, more: wp.vec3i):
        """Where the row begins among the faces across an axis (0, 1, 2)."""
        return (
            (b * (counts[0] + wp.where(a == 0, more[0], 0)) + z) * (counts[1] + wp.where(a == 1, more[1], 0)) + y
        ) * (counts[2] + wp.where(a == 2, more[2], 0))

    @wp.func
    def after(i: int, n: int, more: int):
        """The upper face of a cell."""
        return wp.where(i + 1 < n + more, i + 1, 0)

    @wp.func
    def before(onto: wp.array[real], i: int):
        if wp.static(adds):
            return get(onto, i)
        return real(0.0)

    @wp.func
    def weigh(at_side: bool, weight: real, scale: real):
        return wp.where(at_side, weight * scale, scale)

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        more: wp.vec3i,
        scale: triple,
        low: triple,
        high: triple,
        u: wp.array[real],
        v: wp.array[real],
        w: wp.array[real],
        onto: wp.array[real],
        gain_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        b = row // (counts[0] * counts[1])
        z = (row - b * counts[0] * counts[1]) // counts[1]
        y = row - (b * counts[0] + z) * counts[1]
        n = counts[2]
        out = row * n
        # z, y, x: the axes of a tensor in their order, the first left out in two dimensions; u, v, w: faces across them
        y0 = row_of(1, b, z, y, counts, more)
        y1 = row_of(1, b, z, after(y, counts[1], more[1]), counts, more)
        sy0 = weigh(y == 0, low[1], scale[1])
        sy1 = weigh(y == counts[1] - 1, high[1], scale[1])
        z0 = row_of(0, b, z, y, counts, more)
        z1 = row_of(0, b, after(z, counts[0], more[0]), y, counts, more)
        sz0 = weigh(z == 0, low[0], scale[0])
        sz1 = weigh(z == counts[0] - 1, high[0], scale[0])
        x0 = row_of(2, b, z, y, counts, more)
        sx = scale[2]
        j = lane * width
        end = wp.min(j + width, n - 1)
        while j < end:
            here = before(onto, out + j) + sx * (get(w, x0 + j + 1) - get(w, x0 + j))
            here += sy1 * get(v, y1 + j) - sy0 * get(v, y0 + j)
            if wp.static(dim == 3):
                here += sz1 * get(u, z1 + j) - sz0 * get(u, z0 + j)
            put(gain_out, out + j, here)
            j += 1
        if lane * width + width == n:  # whose upper face is on the side, or the first one
            j = n - 1
            here = before(onto, out + j) + high[2] * sx * get(w, x0 + after(j, n, more[2])) - sx * get(w, x0 + j)
            here += sy1 * get(v, y1 + j) - sy0 * get(v, y0 + j)
            if wp.static(dim == 3):
                here += sz1 * get(u, z1 + j) - sz0 * get(u, z0 + j)
            put(gain_out, out + j, here)
        if lane == 0:
            put(gain_out, out, get(gain_out, out) + (real(1.0) - low[2]) * sx * get(w, x0))

    return kernel


@cache
def slope(real: Any, axis: int, adds: bool) -> Any:
    """scale (f_i - f_i-1) on the faces across an axis (0, 1, 2), those on the sides times low and high; adds: onto
    something."""
    get, put = contiguous(real)

    @wp.func
    def before(onto: wp.array[real], i: int):
        if wp.static(adds):
            return get(onto, i)
        return real(0.0)

    @wp.func
    def weights(i: int, n: int, wraps: int, low: real, high: real):
        """(cell below, its weight, cell above, its weight)"""
        below, above = i - 1, i
        less, more = real(1.0), real(1.0)
        if i == 0:
            below = n - 1
            if wraps == 0:
                below = 0
                less = real(0.0)
                more = low
        if i == n:
            above = n - 1
            more = real(0.0)
            less = high
        return below, less, above, more

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        wraps: int,
        scale: real,
        low: real,
        high: real,
        f: wp.array[real],
        onto: wp.array[real],
        slope_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        more = 1 - wraps  # counts are those of cells
        planes = counts[0] + wp.where(wp.static(axis == 0), more, 0)
        lines = counts[1] + wp.where(wp.static(axis == 1), more, 0)
        n = counts[2] + wp.where(wp.static(axis == 2), more, 0)
        b = row // (planes * lines)
        z = (row - b * planes * lines) // lines
        y = row - (b * planes + z) * lines
        out = row * n
        j = lane * width
        end = j + width
        if wp.static(axis == 2):
            cells = ((b * counts[0] + z) * counts[1] + y) * counts[2]
            if j == 0:
                below, less, above, most = weights(0, counts[2], wraps, low, high)
                put(
                    slope_out,
                    out,
                    before(onto, out) + scale * (most * get(f, cells + above) - less * get(f, cells + below)),
                )
                j = 1
            last = wp.min(end, counts[2])
            while j < last:
                put(slope_out, out + j, before(onto, out + j) + scale * (get(f, cells + j) - get(f, cells + j - 1)))
                j += 1
            if j < end:
                below, less, above, most = weights(counts[2], counts[2], wraps, low, high)
                put(
                    slope_out,
                    out + j,
                    before(onto, out + j) + scale * (most * get(f, cells + above) - less * get(f, cells + below)),
                )
        else:
            i = wp.where(wp.static(axis == 1), y, z)
            below, less, above, most = weights(i, counts[wp.static(axis)], wraps, low, high)
            under = ((b * counts[0] + z) * counts[1] + below) * counts[2]
            over = ((b * counts[0] + z) * counts[1] + above) * counts[2]
            if wp.static(axis == 0):
                under = ((b * counts[0] + below) * counts[1] + y) * counts[2]
                over = ((b * counts[0] + above) * counts[1] + y) * counts[2]
            under_share, over_share = scale * less, scale * most
            while j < end:
                found = over_share * get(f, over + j) - under_share * get(f, under + j)
                put(slope_out, out + j, before(onto, out + j) + found)
                j += 1

    return kernel
