"""What a cell of a tree does from afar: the moments of its bodies."""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["gather"]


@cache
def gather(dim: int, count: int, fields: int) -> wp.Kernel:
    """Of each cell its mass M, centre of mass, radius to the farthest body, reach (sum m |y|^p / M)^(1/p) with p the
    order, and moments M_k = sum m (-y)^k / k!, see expansion.py; with two fields also those of dipoles m w,

    M'_k = sum m w . grad (-y)^k / k! = -sum m sum_i w_i (-y)^(k - e_i) / (k - e_i)!.

    Bodies are in Morton's order; a thread for each cell.
    """
    vec = numbers(dim, torch.float64).vec
    terms = wp.types.vector(count, wp.float64)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        order: wp.int32,
        mass: wp.array[wp.float64],
        x: wp.array[vec],
        w: wp.array[vec],
        first: wp.array[wp.int32],
        last: wp.array[wp.int32],
        step: wp.array2d[wp.int32],
        share: wp.array[wp.float64],
        less: wp.array2d[wp.int32],
        mass_out: wp.array[wp.float64],
        center_out: wp.array[vec],
        radius_out: wp.array[wp.float64],
        reach_out: wp.array[wp.float64],
        moment_out: wp.array3d[wp.float64],
    ):
        cell = wp.tid()
        total = wp.float64(0.0)
        center = vec()
        for j in range(first[cell], last[cell]):
            total += mass[j]
            center += mass[j] * x[j]
        center = center / total
        farthest = wp.float64(0.0)
        power = wp.float64(0.0)
        raised = wp.float64(order)
        term = terms()
        own = terms()
        other = terms()
        for j in range(first[cell], last[cell]):
            y = center - x[j]
            length = wp.length(y)
            farthest = wp.max(farthest, length)
            power += mass[j] * wp.pow(length, raised)
            term[0] = mass[j]
            own[0] = own[0] + mass[j]
            for k in range(1, wp.static(count)):
                term[k] = term[step[k, 1]] * y[step[k, 0]] * share[k]
                own[k] = own[k] + term[k]
            if wp.static(fields > 1):
                w_j = w[j]
                for k in range(1, wp.static(count)):
                    for a in range(wp.static(dim)):
                        if less[k, a] >= 0:
                            other[k] = other[k] - w_j[a] * term[less[k, a]]
        mass_out[cell] = total
        center_out[cell] = center
        radius_out[cell] = farthest
        reach_out[cell] = wp.pow(power / total, wp.float64(1.0) / raised)
        for k in range(wp.static(count)):
            moment_out[cell, 0, k] = own[k]
            if wp.static(fields > 1):
                moment_out[cell, 1, k] = other[k]

    return kernel
