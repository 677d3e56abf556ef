"""Kernels of coarse conductances: every grid is three-dimensional here, with axes of one cell in front where it is not.
Faces are those of `multigrid_kernels`."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.elliptic.multigrid_kernels import beyond

__all__ = ["HalvingKernels", "halving_kernels"]


@dataclass(frozen=True)
class HalvingKernels:
    """In one precision."""

    coarse_faces: Any
    coarse_shift: Any


@cache
def halving_kernels(dtype: torch.dtype) -> HalvingKernels:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    half, zero, one = real(0.5), real(0.0), real(1.0)

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

    return HalvingKernels(coarse_faces, coarse_shift)
