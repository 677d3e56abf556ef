"""Kernels of multigrid on cells: every grid is three-dimensional here, with axes of one cell in front where it is not.

Faces: w[axis][.., i, ..] is the lower face of cell i and w[.., n, ..] the upper wall, which a periodic axis has too, as
a copy of the first. Beyond a wall x = 0, and a weight of zero lets nothing pass.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

__all__ = ["MultigridKernels", "multigrid_kernels"]


@dataclass(frozen=True)
class MultigridKernels:
    """In one precision."""

    relax: Any
    residual: Any
    coarse_faces: Any
    coarse_shift: Any
    shares: Any
    restrict: Any
    prolong: Any


@wp.func
def beyond(i: int, n: int, wraps: int) -> int:
    """Number of a cell, -1 where there is none."""
    if i >= 0 and i < n:
        return i
    if wraps == 0:
        return -1
    if i < 0:
        return i + n
    return i - n


@cache
def multigrid_kernels(dtype: torch.dtype) -> MultigridKernels:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    half, zero, one = real(0.5), real(0.0), real(1.0)

    @wp.func
    def value(x: wp.array4d[real], m: int, i: int, j: int, k: int) -> real:
        if i < 0 or j < 0 or k < 0:
            return zero
        return x[m, i, j, k]

    @wp.func
    def flow_in(
        m: int, i: int, j: int, k: int, wraps: wp.vec3i,
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real], x: wp.array4d[real],
    ) -> real:  # fmt: skip
        """sum of weight * x over the neighbours"""
        n0, n1, n2 = x.shape[1], x.shape[2], x.shape[3]
        total = wz[m, i, j, k] * value(x, m, i, j, beyond(k - 1, n2, wraps[2]))
        total += wz[m, i, j, k + 1] * value(x, m, i, j, beyond(k + 1, n2, wraps[2]))
        if n1 > 1:
            total += wy[m, i, j, k] * value(x, m, i, beyond(j - 1, n1, wraps[1]), k)
            total += wy[m, i, j + 1, k] * value(x, m, i, beyond(j + 1, n1, wraps[1]), k)
        if n0 > 1:
            total += wx[m, i, j, k] * value(x, m, beyond(i - 1, n0, wraps[0]), j, k)
            total += wx[m, i + 1, j, k] * value(x, m, beyond(i + 1, n0, wraps[0]), j, k)
        return total

    @wp.kernel(module="unique", enable_backward=False)
    def relax(
        run: int, colour: int, wraps: wp.vec3i, diagonal: wp.array4d[real],
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real], b: wp.array4d[real], x_out: wp.array4d[real],
    ):  # fmt: skip
        """x_i = (b_i + sum_j w_ij x_j) / (shift + sum_j w_ij) in the cells of one colour of a chessboard, `run` of them
        in a row."""
        m, i, j, part = wp.tid()
        first = 2 * run * part + ((i + j + colour) & 1)
        for step in range(run):
            k = first + 2 * step
            if k < x_out.shape[3]:
                d = diagonal[m, i, j, k]
                if d > zero:
                    x_out[m, i, j, k] = (b[m, i, j, k] + flow_in(m, i, j, k, wraps, wx, wy, wz, x_out)) / d

    @wp.kernel(module="unique", enable_backward=False)
    def residual(
        run: int, wraps: wp.vec3i, diagonal: wp.array4d[real],
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real],
        b: wp.array4d[real], x: wp.array4d[real], r_out: wp.array4d[real],
    ):  # fmt: skip
        """r = b - A x"""
        m, i, j, part = wp.tid()
        for step in range(run):
            k = run * part + step
            if k < x.shape[3]:
                d = diagonal[m, i, j, k]
                found = zero
                if d > zero:
                    found = b[m, i, j, k] + flow_in(m, i, j, k, wraps, wx, wy, wz, x) - d * x[m, i, j, k]
                r_out[m, i, j, k] = found

    @wp.func
    def at(axis: int, n: int, p: int, q: int) -> wp.vec3i:
        """(n, p, q) along `axis` and the two others in their order."""
        if axis == 0:
            return wp.vec3i(n, p, q)
        if axis == 1:
            return wp.vec3i(p, n, q)
        return wp.vec3i(p, q, n)

    @wp.func
    def resistance(w: wp.array4d[real], m: int, axis: int, cell: int, p: int, q: int, merged: int, n: int) -> real:
        """From a cell to the middle of the coarse cell that it is part of: half of that to its sibling. -1: no way."""
        if merged == 0:
            return zero
        inner = cell + 1 - (cell & 1)  # the face between the two siblings
        if (cell & 1) == 0 and cell + 1 >= n:
            return zero  # the last one of an odd number stands in the middle itself
        face = at(axis, inner, p, q)
        weight = w[m, face[0], face[1], face[2]]
        if weight <= zero:
            return -one
        return half / weight

    @wp.func
    def conductance(
        m: int, place: wp.vec3i, axis: int, merged: wp.vec3i, cells: wp.vec3i, wraps: wp.vec3i, w: wp.array4d[real]
    ) -> real:
        """Conductance between the middles of coarse cells: of the ways through the fine faces, side by side, each of
        them three resistances in series."""
        one_side, other_side = wp.where(axis == 0, 1, 0), wp.where(axis == 2, 1, 2)
        n = cells[axis]
        face = place[axis]
        if merged[axis] == 1:
            face = wp.min(2 * face, n)
        low, high = beyond(face - 1, n, wraps[axis]), beyond(face, n, wraps[axis])
        total = zero
        for dp in range(1 + merged[one_side]):
            for dq in range(1 + merged[other_side]):
                p = place[one_side] * (1 + merged[one_side]) + dp
                q = place[other_side] * (1 + merged[other_side]) + dq
                if p < cells[one_side] and q < cells[other_side]:
                    spot = at(axis, face, p, q)
                    weight = w[m, spot[0], spot[1], spot[2]]
                    before, after = zero, zero
                    if low >= 0:
                        before = resistance(w, m, axis, low, p, q, merged[axis], n)
                    if high >= 0:
                        after = resistance(w, m, axis, high, p, q, merged[axis], n)
                    if weight > zero:
                        total += one / (wp.max(before, zero) + one / weight + wp.max(after, zero))
        parts = (1 + merged[0]) * (1 + merged[1]) * (1 + merged[2])
        return total / real(parts)

    @wp.kernel(module="unique", enable_backward=False)
    def coarse_faces(
        run: int, axis: int, merged: wp.vec3i, cells: wp.vec3i, wraps: wp.vec3i, w: wp.array4d[real],
        coarse_out: wp.array4d[real],
    ):  # fmt: skip
        """Weights of the coarse faces across an axis."""
        m, i, j, part = wp.tid()
        for step in range(run):
            k = run * part + step
            if k < coarse_out.shape[3]:
                coarse_out[m, i, j, k] = conductance(m, wp.vec3i(i, j, k), axis, merged, cells, wraps, w)

    @wp.kernel(module="unique", enable_backward=False)
    def coarse_shift(merged: wp.vec3i, fine: wp.array4d[real], coarse_out: wp.array4d[real]):
        """Mean over the children."""
        m, i, j, k = wp.tid()
        total = zero
        for a in range(1 + merged[0]):
            for b in range(1 + merged[1]):
                for c in range(1 + merged[2]):
                    p, q, s = i * (1 + merged[0]) + a, j * (1 + merged[1]) + b, k * (1 + merged[2]) + c
                    if p < fine.shape[1] and q < fine.shape[2] and s < fine.shape[3]:
                        total += fine[m, p, q, s]
        coarse_out[m, i, j, k] = total / real((1 + merged[0]) * (1 + merged[1]) * (1 + merged[2]))

    @wp.func
    def share(
        m: int, place: wp.vec3i, axis: int, n: int, merged: wp.vec3i, wraps: wp.vec3i, w: wp.array4d[real]
    ) -> real:
        """Share of the coarse neighbour along `axis` in the value of a fine cell: x is linear in the resistance along
        the way from one coarse middle to the other."""
        one_side, other_side = wp.where(axis == 0, 1, 0), wp.where(axis == 2, 1, 2)
        cell, p, q = place[axis], place[one_side], place[other_side]
        found = zero
        if merged[axis] == 1 and (cell | 1) < n:
            outward = cell + (cell & 1)  # its face towards the neighbour
            spot = at(axis, outward, p, q)
            weight = w[m, spot[0], spot[1], spot[2]]
            if weight > zero:
                own = resistance(w, m, axis, cell, p, q, 1, n)
                if own < zero:
                    found = one
                else:
                    other = beyond(cell - 1 + 2 * (cell & 1), n, wraps[axis])
                    rest = zero
                    if other >= 0:
                        rest = resistance(w, m, axis, other, p, q, 1, n)
                    if rest >= zero:
                        found = own / (own + one / weight + rest)
        return found

    @wp.kernel(module="unique", enable_backward=False)
    def shares(run: int, axis: int, merged: wp.vec3i, wraps: wp.vec3i, w: wp.array4d[real], t_out: wp.array4d[real]):
        """Of every cell."""
        m, i, j, part = wp.tid()
        n = t_out.shape[axis + 1]
        for step in range(run):
            k = run * part + step
            if k < t_out.shape[3]:
                t_out[m, i, j, k] = share(m, wp.vec3i(i, j, k), axis, n, merged, wraps, w)

    @wp.func
    def collected(
        m: int, middle: wp.vec3i, merged: wp.vec3i, wraps: wp.vec3i, nc: wp.vec3i,
        tx: wp.array4d[real], ty: wp.array4d[real], tz: wp.array4d[real], r: wp.array4d[real],
    ) -> real:  # fmt: skip
        """What the fine cells in a coarse cell and beside it add to it."""
        total = zero
        for step in range(7):  # the coarse cell itself, and its neighbours
            coarse = middle
            axis = (step - 1) // 2
            inside = int(1)
            if step > 0:
                there = beyond(middle[axis] - 1 + 2 * ((step - 1) & 1), nc[axis], wraps[axis])
                coarse[axis] = there
                inside = merged[axis]
                if there < 0:
                    inside = 0
            if inside == 1:
                for a in range(1 + merged[0]):
                    for b in range(1 + merged[1]):
                        for c in range(1 + merged[2]):
                            p = coarse[0] * (1 + merged[0]) + a
                            q = coarse[1] * (1 + merged[1]) + b
                            s = coarse[2] * (1 + merged[2]) + c
                            if p < r.shape[1] and q < r.shape[2] and s < r.shape[3]:
                                if step == 0:
                                    stays = one - tx[m, p, q, s] - ty[m, p, q, s] - tz[m, p, q, s]
                                    total += stays * r[m, p, q, s]
                                elif step == 1 and a == 1:
                                    total += tx[m, p, q, s] * r[m, p, q, s]
                                elif step == 2 and a == 0:
                                    total += tx[m, p, q, s] * r[m, p, q, s]
                                elif step == 3 and b == 1:
                                    total += ty[m, p, q, s] * r[m, p, q, s]
                                elif step == 4 and b == 0:
                                    total += ty[m, p, q, s] * r[m, p, q, s]
                                elif step == 5 and c == 1:
                                    total += tz[m, p, q, s] * r[m, p, q, s]
                                elif step == 6 and c == 0:
                                    total += tz[m, p, q, s] * r[m, p, q, s]
        return total / real((1 + merged[0]) * (1 + merged[1]) * (1 + merged[2]))

    @wp.kernel(module="unique", enable_backward=False)
    def restrict(
        run: int, merged: wp.vec3i, wraps: wp.vec3i, tx: wp.array4d[real], ty: wp.array4d[real], tz: wp.array4d[real],
        r: wp.array4d[real], b_out: wp.array4d[real],
    ):  # fmt: skip
        """The transpose of `prolong`, over the number of children."""
        m, i, j, part = wp.tid()
        nc = wp.vec3i(b_out.shape[1], b_out.shape[2], b_out.shape[3])
        for step in range(run):
            k = run * part + step
            if k < nc[2]:
                b_out[m, i, j, k] = collected(m, wp.vec3i(i, j, k), merged, wraps, nc, tx, ty, tz, r)

    @wp.kernel(module="unique", enable_backward=False)
    def prolong(
        run: int, merged: wp.vec3i, wraps: wp.vec3i, tx: wp.array4d[real], ty: wp.array4d[real], tz: wp.array4d[real],
        coarse: wp.array4d[real], x_out: wp.array4d[real],
    ):  # fmt: skip
        """x += (1 - sum t) x_coarse + sum_axis t x_coarse, neighbour"""
        m, i, j, part = wp.tid()
        p, q = i // (1 + merged[0]), j // (1 + merged[1])
        low = beyond(p - 1 + 2 * (i & 1), coarse.shape[1], wraps[0])
        side = beyond(q - 1 + 2 * (j & 1), coarse.shape[2], wraps[1])
        for step in range(run):
            k = run * part + step
            if k < x_out.shape[3]:
                s = k // (1 + merged[2])
                a, b, c = tx[m, i, j, k], ty[m, i, j, k], tz[m, i, j, k]
                found = (one - a - b - c) * coarse[m, p, q, s]
                found += a * value(coarse, m, low, q, s)
                found += b * value(coarse, m, p, side, s)
                found += c * value(coarse, m, p, q, beyond(s - 1 + 2 * (k & 1), coarse.shape[3], wraps[2]))
                x_out[m, i, j, k] = x_out[m, i, j, k] + found

    return MultigridKernels(relax, residual, coarse_faces, coarse_shift, shares, restrict, prolong)
