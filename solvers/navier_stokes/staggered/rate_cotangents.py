"""Cotangents of rates of change in their box, and those of a diffusivity, a row of samples at a time."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.staggered.contiguous import contiguous
from scenegrad.solvers.navier_stokes.staggered.fluxes import place

__all__ = ["diffusivity_bar", "rate_bar"]


@cache
def rate_bar(real: Any, direct: bool, later: bool) -> Any:
    """bar of a rate = direct + newer * later, later being that of the field after the step; of the one before, older *
    later."""
    get, put = contiguous(real)

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        steps: wp.vec3i,
        plane: int,
        line: int,
        origin: int,
        member: int,
        newer: wp.array[real],
        older: wp.array[real],
        rate: wp.array[real],
        after: wp.array[real],
        before_out: wp.array[real],
        box_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        b = row // (counts[0] * counts[1])
        at = origin + place(row, counts, plane, line, member) + lane * width
        out = row * counts[2] + lane * width
        new = real(0.0)
        old = real(0.0)
        if wp.static(later):
            new += newer[b]
            old += older[b]
        n = int(0)
        while n < width:
            total = real(0.0)
            if wp.static(direct):
                total += get(rate, out + n)
            if wp.static(later):
                bar = get(after, out + n)
                total += new * bar
                put(before_out, out + n, old * bar)
            put(box_out, at + n, total)
            n += 1

    return kernel


@cache
def diffusivity_bar(dim: int, real: Any, fields: int, alone: bool) -> Any:
    """Sums of rate_bar laplace q over the fields of a box, and where one thread does row after row (alone) over the
    rows of a member that it does; of these the sum is the cotangent of a diffusivity."""
    get, put = contiguous(real)
    triple = wp.types.vector(3, real)

    @wp.kernel(enable_backward=False, module="unique")
    def kernel(
        first: int,
        width: int,
        counts: wp.vec3i,
        steps: wp.vec3i,
        plane: int,
        line: int,
        origin: int,
        member: int,
        size: int,
        inv_h: triple,
        q: wp.array[real],
        rate_bar: wp.array[real],
        sum_out: wp.array[real],
    ):
        row, lane = wp.tid()
        row += first
        rows = counts[0] * counts[1]
        at = origin + place(row, counts, plane, line, member) + lane * width
        out = row * counts[2] + lane * width
        if wp.static(alone):
            out = wp.max(first, row - row % rows) * counts[2]
        n = int(0)
        while n < width:
            total = get(sum_out, out + n)
            for c in range(wp.static(fields)):
                i = at + n + c * size
                twice = real(2.0) * get(q, i)
                spread = real(0.0)
                for a in range(wp.static(dim)):
                    spread += (get(q, i - steps[a]) + get(q, i + steps[a]) - twice) * (inv_h[a] * inv_h[a])
                total += spread * get(rate_bar, i)
            put(sum_out, out + n, total)
            n += 1

    return kernel
