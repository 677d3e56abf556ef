"""Kernels that walk through a tree for the bodies of a leaf together, and put at each body what was found."""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.gravity.lanes import LANES, far, near, near_product
from scenegrad.solvers.md.numbers import numbers

__all__ = ["exact", "felt", "strength", "walk"]

NARROW = 0.85  # of the distance of two centres: expansions of cells that reach farther do not converge


@cache
def strength(dim: int) -> wp.Kernel:
    """About how strong the weakest pull on a body of a leaf is, of every fourth of them: |sum_A M d / s^3|, and no less
    than a part `floor` of the sum of |M d / s^3|: of cells that are seen under less than half, and of near leaves as if
    a radius away. A thread for each leaf."""
    vec = numbers(dim, torch.float64).vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        corner: wp.int32,
        floor: wp.float64,
        soft2: wp.float64,
        group: wp.array[wp.int32],
        first: wp.array[wp.int32],
        last: wp.array[wp.int32],
        down: wp.array[wp.int32],
        past: wp.array[wp.int32],
        x: wp.array[vec],
        mass: wp.array[wp.float64],
        center: wp.array[vec],
        radius: wp.array[wp.float64],
        strength_out: wp.array[wp.float64],
    ):
        g = corner + wp.tid()
        leaf = group[g]
        weakest = wp.float64(1.0e300)
        for i in range(first[leaf], last[leaf], 4):
            total = vec()
            sizes = wp.float64(0.0)
            cell = wp.int32(0)
            while cell >= 0:
                d = x[i] - center[cell]
                square = wp.dot(d, d)
                reach = radius[cell]
                if down[cell] >= 0 and wp.float64(4.0) * reach * reach > square:
                    cell = down[cell]
                else:
                    if cell != leaf:
                        square = wp.max(square, reach * reach) + soft2
                        pull = mass[cell] / (square * wp.sqrt(square))
                        total += pull * d
                        sizes += pull * wp.length(d)
                    cell = past[cell]
            weakest = wp.min(weakest, wp.max(wp.length(total), floor * sizes))
        strength_out[g] = weakest

    return kernel


@cache
def walk(dim: int, count: int, fields: int) -> wp.Kernel:
    """A leaf B takes a cell A as a whole where the first power of the expansion that is cut off is small, p its order:

    (p + 1) M_A / s^2 ((reach_A + radius_B) / s)^p < limit_B  and  (p + 1) (radius_B / s)^p < alike,

    the latter since what the size of B leaves out adds up, from one cell to its neighbours. Leaves that are too near
    are summed body by body. With two fields, products of the second derivatives of the potential with w. A thread for
    each leaf.
    """
    vec, many = numbers(dim, torch.float64).vec, wp.types.vector(LANES, wp.int32)
    expand, sum_pairs, sum_products = far(dim, count, fields), near(dim), near_product(dim)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        corner: wp.int32,
        order: wp.int32,
        alike: wp.float64,
        soft2: wp.float64,
        limit: wp.array[wp.float64],
        bodies: wp.int32,
        body_mass: wp.array[wp.float64],
        x: wp.array2d[wp.float64],
        w: wp.array2d[wp.float64],
        group: wp.array[wp.int32],
        first: wp.array[wp.int32],
        last: wp.array[wp.int32],
        down: wp.array[wp.int32],
        past: wp.array[wp.int32],
        mass: wp.array[wp.float64],
        center: wp.array[vec],
        numbers_of_center: wp.array2d[wp.float64],
        radius: wp.array[wp.float64],
        reach: wp.array[wp.float64],
        moment: wp.array3d[wp.float64],
        before: wp.array2d[wp.int32],
        factor: wp.array2d[wp.float64],
        sums: wp.array2d[wp.int32],
        upto: wp.array[wp.int32],
        local_out: wp.array3d[wp.float64],
        near_out: wp.array2d[wp.float64],
    ):
        g = corner + wp.tid()
        leaf = group[g]
        allowed = wp.vec2d(limit[g], alike) / wp.float64(order + 1)
        found = many()
        number = wp.int32(0)
        cell = wp.int32(0)
        while cell >= 0:
            d = center[leaf] - center[cell]
            square = wp.dot(d, d)
            wide = radius[cell] + radius[leaf]
            taken = wide * wide < wp.static(wp.float64(NARROW * NARROW)) * square
            if taken:
                seen = (reach[cell] + radius[leaf]) / wp.sqrt(square + soft2)
                wide_leaf = radius[leaf] / wp.sqrt(square + soft2)
                left = mass[cell] / (square + soft2)
                shared = wp.float64(1.0)
                for _ in range(order):
                    left = left * seen
                    shared = shared * wide_leaf
                taken = left < allowed[0] and shared < allowed[1]
            if taken:
                found[number] = cell
                number += 1
                if number == wp.static(LANES):
                    expand(
                        found, number, g, leaf, soft2, numbers_of_center, moment, before, factor, sums, upto, local_out
                    )
                    number = wp.int32(0)
                cell = past[cell]
            elif down[cell] >= 0:
                cell = down[cell]
            else:
                if wp.static(fields == 1):
                    sum_pairs(first[leaf], last[leaf], first[cell], last[cell], bodies, soft2, body_mass, x, near_out)
                else:
                    sum_products(
                        first[leaf], last[leaf], first[cell], last[cell], bodies, soft2, body_mass, x, w, near_out
                    )
                cell = past[cell]
        if number > 0:
            expand(found, number, g, leaf, soft2, numbers_of_center, moment, before, factor, sums, upto, local_out)

    return kernel


@cache
def felt(dim: int, count: int, fields: int) -> wp.Kernel:
    """From expansions about the centres of leaves to their bodies, added to near_out [dim + 1, body]: gradient and
    value of P = sum_n L_n z^n / n!; with two fields, grad grad P w + grad P' and w . grad P + P'."""
    vec = numbers(dim, torch.float64).vec
    terms = wp.types.vector(count, wp.float64)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        corner: wp.int32,
        x: wp.array2d[wp.float64],
        w: wp.array2d[wp.float64],
        group: wp.array[wp.int32],
        first: wp.array[wp.int32],
        last: wp.array[wp.int32],
        center: wp.array[vec],
        step: wp.array2d[wp.int32],
        share: wp.array[wp.float64],
        more: wp.array2d[wp.int32],
        local: wp.array3d[wp.float64],
        near_out: wp.array2d[wp.float64],
    ):
        g = corner + wp.tid()
        leaf = group[g]
        term = terms()
        for i in range(first[leaf], last[leaf]):
            z = vec()
            for a in range(wp.static(dim)):
                z[a] = x[a, i] - center[leaf][a]
            term[0] = wp.float64(1.0)
            for n in range(1, wp.static(count)):
                term[n] = term[step[n, 1]] * z[step[n, 0]] * share[n]
            value = wp.float64(0.0)
            slope = vec()
            for n in range(wp.static(count)):
                if wp.static(fields == 1):
                    value += local[g, 0, n] * term[n]
                    for a in range(wp.static(dim)):
                        if more[n, a] >= 0:
                            slope[a] += local[g, 0, more[n, a]] * term[n]
                else:
                    value += local[g, 1, n] * term[n]
                    for a in range(wp.static(dim)):
                        up = more[n, a]
                        if up >= 0:
                            value += local[g, 0, up] * term[n] * w[a, i]
                            slope[a] += local[g, 1, up] * term[n]
                            for b in range(wp.static(dim)):
                                if more[up, b] >= 0:
                                    slope[b] += local[g, 0, more[up, b]] * term[n] * w[a, i]
            for a in range(wp.static(dim)):
                near_out[a, i] += slope[a]
            near_out[wp.static(dim), i] += value

    return kernel


@cache
def exact(dim: int) -> wp.Kernel:
    """Gradient of sum_j m_j / s at some bodies, from every other one."""
    vec = numbers(dim, torch.float64).vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        soft2: wp.float64,
        mass: wp.array[wp.float64],
        x: wp.array[vec],
        chosen: wp.array[wp.int32],
        slope_out: wp.array[vec],
    ):
        at = wp.tid()
        i = chosen[at]
        total = vec()
        for j in range(x.shape[0]):
            if j != i:
                d = x[i] - x[j]
                inv = wp.float64(1.0) / wp.sqrt(wp.dot(d, d) + soft2)
                total -= (mass[j] * inv * inv * inv) * d
        slope_out[at] = total

    return kernel
