"""Kernels that make a coarse grid of the equation itself, and not of its coefficients: see galerkin_kernels.py."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.elliptic.neighbours import bit, neighbours

__all__ = ["SetupKernels", "setup_kernels"]


@dataclass(frozen=True)
class SetupKernels:
    """In one precision and for as many axes."""

    stencil: Any
    interpolation: Any
    dead_ends: Any
    coarse: Any
    diagonal: Any


@cache
def setup_kernels(dtype: torch.dtype, dim: int) -> SetupKernels:
    real: Any = wp.float32 if dtype == torch.float32 else wp.float64
    zero, half, one = real(0.0), real(0.5), real(1.0)
    rounding = real(16.0 * torch.finfo(dtype).eps)
    entries, parents, middle, missing = 3**dim, 2**dim, (3**dim - 1) // 2, 3 - dim
    row = wp.types.vector(entries, real)
    family = wp.types.vector(parents, real)
    near = neighbours(dtype, dim)
    offset, entry, beside, there, oddness = near.offset, near.entry, near.beside, near.there, near.oddness
    parent, as_parent, is_near = near.parent, near.as_parent, near.is_near

    @wp.kernel(module="unique", enable_backward=False)
    def stencil(
        wraps: wp.vec3i, held: wp.array4d[real],
        wx: wp.array4d[real], wy: wp.array4d[real], wz: wp.array4d[real], a_out: wp.array4d[real],
    ):  # fmt: skip
        """Of the finest grid, from the weights of its faces."""
        m, i, j, k = wp.tid()
        base = m * entries
        a_out[base + middle, i, j, k] = held[m, i, j, k]
        cells = wp.vec3i(held.shape[1], held.shape[2], held.shape[3])
        here = wp.vec3i(i, j, k)
        for axis in range(missing, 3):
            for side in range(2):
                step = wp.vec3i(0, 0, 0)
                step[axis] = 2 * side - 1
                if there(beside(here, step, cells, wraps)):
                    weight = zero
                    if axis == 0:
                        weight = wx[m, i + side, j, k]
                    elif axis == 1:
                        weight = wy[m, i, j + side, k]
                    else:
                        weight = wz[m, i, j, k + side]
                    a_out[base + entry(step), i, j, k] = weight

    @wp.kernel(module="unique", enable_backward=False)
    def interpolation(
        order: int, merged: wp.vec3i, wraps: wp.vec3i, a: wp.array4d[real], p_out: wp.array4d[real]
    ):  # fmt: skip
        """Shares of coarse cells in a fine one. order: number of axes along which it stands between coarse cells.

        Entries of its stencil that only differ across these axes are added up, and the value that then makes the
        equation hold is that of the neighbours along them, which come before it in order [Dendy 1982, J. Comp. Phys.
        48, 366-386]. Coarse equations may have conductances below zero, which are left out: shares are from 0 to 1, and
        add up to 1 where nothing holds the cell.
        """
        m, i, j, k = wp.tid()
        here = wp.vec3i(i, j, k)
        odd = oddness(here, merged)
        if bit(odd, 0) + bit(odd, 1) + bit(odd, 2) == order:
            cells = wp.vec3i(p_out.shape[1], p_out.shape[2], p_out.shape[3])
            found = family()
            total = zero
            if order == 0:
                found[0] = one
                total = one
            else:
                total = a[m * entries + middle, i, j, k]
                ways = row()
                for s in range(entries):
                    step = offset(s)
                    along = wp.vec3i(step[0] * bit(odd, 0), step[1] * bit(odd, 1), step[2] * bit(odd, 2))
                    ways[entry(along)] += a[m * entries + s, i, j, k]
                for s in range(entries):
                    if s != middle and ways[s] > zero:
                        along = offset(s)
                        other = beside(here, along, cells, wraps)
                        upward, rest = int(0), int(0)
                        for axis in range(missing, 3):
                            if bit(odd, axis) == 1:
                                if along[axis] == 0:
                                    rest += 1 << (axis - missing)
                                elif along[axis] > 0:
                                    upward += 1 << (axis - missing)
                        for kind in range(parents):
                            if (kind & rest) == kind:
                                share = ways[s] * p_out[m * parents + kind, other[0], other[1], other[2]]
                                found[kind + upward] += share
                                total += share
            for kind in range(parents):
                share = zero
                if total > zero:
                    share = found[kind] / total
                p_out[m * parents + kind, i, j, k] = share

    @wp.kernel(module="unique", enable_backward=False)
    def dead_ends(
        merged: wp.vec3i, wraps: wp.vec3i, a: wp.array4d[real], p: wp.array4d[real], p_out: wp.array4d[real]
    ):  # fmt: skip
        """Cells that no way along their axes connects, as obstacles leave them, follow the neighbours across."""
        m, i, j, k = wp.tid()
        here = wp.vec3i(i, j, k)
        odd = oddness(here, merged)
        mask = odd >> missing
        total = zero
        for kind in range(parents):
            total += p[m * parents + kind, i, j, k]
        if odd > 0 and total == zero:
            cells = wp.vec3i(p.shape[1], p.shape[2], p.shape[3])
            found = family()
            for s in range(entries):
                weight = a[m * entries + s, i, j, k]
                if s != middle and weight > zero:
                    step = offset(s)
                    other = beside(here, step, cells, wraps)
                    for kind in range(parents):
                        share = weight * p[m * parents + kind, other[0], other[1], other[2]]
                        d = parent(step + wp.vec3i(i, j, k), kind, merged) - parent(here, 0, merged)
                        own = int(0)
                        for axis in range(missing, 3):
                            if d[axis] < 0 or d[axis] > 1:
                                share = zero
                            elif d[axis] == 1:
                                own += 1 << (axis - missing)
                        if share > zero and (own & mask) == own:
                            found[own] += share
                            total += share
            total = total + a[m * entries + middle, i, j, k]
            for kind in range(parents):
                share = zero
                if total > zero:
                    share = found[kind] / total
                p_out[m * parents + kind, i, j, k] = share

    @wp.func
    def whole(m: int, place: wp.vec3i, p: wp.array4d[real]) -> real:
        """Sum of the shares in a cell: 1 where nothing holds it, and then exactly."""
        total = zero
        for kind in range(parents):
            total += p[m * parents + kind, place[0], place[1], place[2]]
        return wp.where(wp.abs(total - one) < rounding, one, total)

    @wp.kernel(module="unique", enable_backward=False)
    def coarse(
        merged: wp.vec3i, wraps: wp.vec3i, cells: wp.vec3i, a: wp.array4d[real], p: wp.array4d[real],
        coarse_out: wp.array4d[real],
    ):  # fmt: skip
        """P' A P of a coarse cell I, by the energy of its neighbours: with conductances c and what holds a cell, h,
        sum_ij c_ij (P_iI - P_jI) (P_iJ - P_jJ) + sum_i h_i P_iI P_iJ, which loses no digits to differences."""
        m, i0, j0, k0 = wp.tid()
        found = row()
        held = zero
        for e in range(entries):
            d = offset(e)
            if is_near(d, merged):
                start = wp.vec3i(i0 * (1 + merged[0]), j0 * (1 + merged[1]), k0 * (1 + merged[2]))
                here = beside(start, d, cells, wraps)
                if there(here):
                    mine = as_parent(m, d, here, merged, p)
                    full = whole(m, here, p)
                    h = a[m * entries + middle, here[0], here[1], here[2]]
                    held += h * mine * full
                    for kind in range(parents):
                        share = p[m * parents + kind, here[0], here[1], here[2]]
                        if share != zero:
                            found[entry(parent(d, kind, merged))] -= h * mine * share
                    for s in range(entries):
                        c = a[m * entries + s, here[0], here[1], here[2]]
                        if s != middle and c != zero:
                            step = offset(s)
                            away = d + step
                            other = beside(here, step, cells, wraps)
                            drop = c * (mine - as_parent(m, away, other, merged, p))
                            if is_near(away, merged):
                                drop = half * drop  # met from both its ends
                            held += drop * (full - whole(m, other, p))
                            for kind in range(parents):
                                share = p[m * parents + kind, here[0], here[1], here[2]]
                                if share != zero:
                                    found[entry(parent(d, kind, merged))] -= drop * share
                                share = p[m * parents + kind, other[0], other[1], other[2]]
                                if share != zero:
                                    found[entry(parent(away, kind, merged))] += drop * share
        for s in range(entries):
            coarse_out[m * entries + s, i0, j0, k0] = found[s]
        coarse_out[m * entries + middle, i0, j0, k0] = held

    @wp.kernel(module="unique", enable_backward=False)
    def diagonal(a: wp.array4d[real], d_out: wp.array4d[real]):
        """Sum of all entries; what is only rounding is no cell."""
        m, i, j, k = wp.tid()
        total = zero
        size = zero
        for s in range(entries):
            total += a[m * entries + s, i, j, k]
            size += wp.abs(a[m * entries + s, i, j, k])
        d_out[m, i, j, k] = wp.where(total > rounding * size, total, zero)

    return SetupKernels(stencil, interpolation, dead_ends, coarse, diagonal)
