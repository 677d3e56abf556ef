"""Kernels of velocity Verlet in whole numbers of quanta: what a step adds, another takes away again.

Arguments of every kernel: sign, 1 or -1, for forward or back; dt [batch]; quanta [batch], of position, velocity.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["drift_whole", "kick_whole", "whole_vector"]


@cache
def whole_vector(dim: int) -> type:
    return wp.types.vector(dim, wp.int64)


@cache
def kick_whole(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """V += sign round(dt/2 F/(m q_v)), v = q_v V"""
    n, whole = numbers(dim, dtype), whole_vector(dim)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        sign: wp.int64,
        dt: wp.array[wp.float64],
        quanta: wp.array[wp.vec2d],
        mass: wp.array2d[real],
        force: wp.array2d[vec],
        whole_out: wp.array3d[whole],
        v_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        scale = wp.float64(0.5) * dt[b] / (wp.float64(mass[b, i]) * quanta[b][1])
        f = force[b, i]
        count = whole_out[b, 1, i]
        v = vec()
        for a in range(wp.static(dim)):
            count[a] = count[a] + sign * wp.int64(wp.round(scale * wp.float64(f[a])))
            v[a] = real(quanta[b][1] * wp.float64(count[a]))
        whole_out[b, 1, i] = count
        v_out[b, i] = v

    return kernel


@cache
def drift_whole(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """X += sign round(dt q_v V/q_x), x = q_x X"""
    n, whole = numbers(dim, dtype), whole_vector(dim)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        sign: wp.int64,
        dt: wp.array[wp.float64],
        quanta: wp.array[wp.vec2d],
        whole_out: wp.array3d[whole],
        x_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        scale = dt[b] * quanta[b][1] / quanta[b][0]
        fast = whole_out[b, 1, i]
        count = whole_out[b, 0, i]
        x = vec()
        for a in range(wp.static(dim)):
            count[a] = count[a] + sign * wp.int64(wp.round(scale * wp.float64(fast[a])))
            x[a] = real(quanta[b][0] * wp.float64(count[a]))
        whole_out[b, 0, i] = count
        x_out[b, i] = x

    return kernel
