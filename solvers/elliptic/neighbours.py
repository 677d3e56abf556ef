"""Where the neighbours of a cell stand in its stencil, and its parents on the coarser grid.

Every grid is three-dimensional here, with axes of one cell in front where it is not. A stencil of 3^dim entries couples
a cell with all that touch it; 2^dim weights of interpolation say what it takes from coarse cells.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.elliptic.multigrid_kernels import beyond

__all__ = ["Neighbours", "bit", "neighbours"]


@dataclass(frozen=True)
class Neighbours:
    """Functions for kernels, in one precision and for as many axes."""

    offset: Any  # of an entry of a stencil
    entry: Any  # at an offset
    beside: Any
    there: Any
    oddness: Any
    parent: Any
    as_parent: Any
    is_near: Any


@wp.func
def bit(number: int, axis: int) -> int:
    return (number >> axis) & 1


@cache
def neighbours(dtype: torch.dtype, dim: int) -> Neighbours:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    zero = real(0.0)
    parents, missing = 2**dim, 3 - dim

    @wp.func
    def offset(s: int) -> wp.vec3i:
        if wp.static(dim == 1):
            return wp.vec3i(0, 0, s - 1)
        if wp.static(dim == 2):
            return wp.vec3i(0, s // 3 - 1, s % 3 - 1)
        return wp.vec3i(s // 9 - 1, (s // 3) % 3 - 1, s % 3 - 1)

    @wp.func
    def entry(d: wp.vec3i) -> int:
        if wp.static(dim == 1):
            return d[2] + 1
        if wp.static(dim == 2):
            return 3 * d[1] + d[2] + 4
        return 9 * d[0] + 3 * d[1] + d[2] + 13

    @wp.func
    def beside(place: wp.vec3i, step: wp.vec3i, cells: wp.vec3i, wraps: wp.vec3i) -> wp.vec3i:
        """The cell a step away; -1 where there is none."""
        return wp.vec3i(
            beyond(place[0] + step[0], cells[0], wraps[0]),
            beyond(place[1] + step[1], cells[1], wraps[1]),
            beyond(place[2] + step[2], cells[2], wraps[2]),
        )

    @wp.func
    def there(place: wp.vec3i) -> bool:
        return place[0] >= 0 and place[1] >= 0 and place[2] >= 0

    @wp.func
    def oddness(place: wp.vec3i, merged: wp.vec3i) -> int:
        """Bits of the axes along which a cell stands between two that are cells of the coarse grid too."""
        return (place[0] & merged[0]) + wp.static(2) * (place[1] & merged[1]) + wp.static(4) * (place[2] & merged[2])

    @wp.func
    def parent(d: wp.vec3i, kind: int, merged: wp.vec3i) -> wp.vec3i:
        """Offset of a coarse cell from another one, of a fine cell `d` away from that one and which of its parents."""
        found = d
        for axis in range(missing, 3):
            if merged[axis] == 1:
                found[axis] = (d[axis] - (d[axis] & 1)) // 2 + bit(kind, axis - missing)
        return found

    @wp.func
    def as_parent(m: int, d: wp.vec3i, place: wp.vec3i, merged: wp.vec3i, p: wp.array4d[real]) -> real:
        """Share of a coarse cell in the fine cell `d` away from it."""
        kind = int(0)
        for axis in range(missing, 3):
            if merged[axis] == 1:
                if d[axis] < -1 or d[axis] > 1:
                    return zero
                if d[axis] == -1:
                    kind += 1 << (axis - missing)
            elif d[axis] != 0:
                return zero
        return p[m * parents + kind, place[0], place[1], place[2]]

    @wp.func
    def is_near(d: wp.vec3i, merged: wp.vec3i) -> bool:
        """Whether a fine cell can take part in a coarse one."""
        found = bool(True)
        for axis in range(missing, 3):
            if d[axis] < -merged[axis] or d[axis] > merged[axis]:
                found = False
        return found

    return Neighbours(offset, entry, beside, there, oddness, parent, as_parent, is_near)
