"""Filling the ghosts of boxes, and the way back; a thread for each ghost, or for each sample that has some."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

__all__ = ["fill", "fold"]


@cache
def fill(real: Any) -> Any:
    """ghost = weight_0 q_0 + weight_1 q_1 + share value"""

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        lead: int,
        member: int,
        ghosts: wp.array[int],
        sources: wp.array2d[int],
        weights: wp.array2d[real],
        entries: wp.array[int],
        shares: wp.array[real],
        values: wp.array2d[real],
        box_out: wp.array[real],
    ):
        b, n = wp.tid()
        first = lead + b * member
        found = weights[n, 0] * box_out[first + sources[n, 0]]
        if weights[n, 1] != real(0.0):
            found += weights[n, 1] * box_out[first + sources[n, 1]]
        if shares[n] != real(0.0):
            found += shares[n] * values[b, entries[n]]
        box_out[first + ghosts[n]] = found

    return kernel


@cache
def fold(real: Any) -> Any:
    """bar of a sample += weight * bar of each ghost that it has"""

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        lead: int,
        member: int,
        ends: wp.array[int],
        starts: wp.array[int],
        mine: wp.array[int],
        back: wp.array[real],
        bar_out: wp.array[real],
    ):
        b, n = wp.tid()
        first = lead + b * member
        total = bar_out[first + ends[n]]
        for g in range(starts[n], starts[n + 1]):
            total += back[g] * bar_out[first + mine[g]]
        bar_out[first + ends[n]] = total

    return kernel
