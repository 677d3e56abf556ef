"""Kernels that walk through a tree: each body sums over the cells that it may take as a whole, and bodies of others."""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["walk"]


@cache
def walk(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """a = -G sum over cells of grad phi and the potential G phi, with phi = -[M/s + (3 d.S d / s^5 - tr S / s^3) / 2]:

    the cell's 1/s about its centre up to second order, d = x - centre, s^2 = d^2 + e^2, S its second moment. A cell is
    taken as a whole where radius < angle d. Bodies are launched in Morton's order, so that neighbours walk alike.
    """
    n = numbers(dim, dtype)
    vec, real, mat = n.vec, n.real, n.mat

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        constant: wp.array[real],
        softening: wp.array[real],
        angle: real,
        member: wp.int32,
        mass: wp.array[real],
        x: wp.array[vec],
        order: wp.array[wp.int32],
        first: wp.array[wp.int32],
        last: wp.array[wp.int32],
        down: wp.array[wp.int32],
        past: wp.array[wp.int32],
        cell_mass: wp.array[real],
        center: wp.array[vec],
        moment: wp.array[mat],
        radius: wp.array[real],
        a_out: wp.array[vec],
        phi_out: wp.array[real],
    ):
        at = wp.tid()
        x_i = x[at]
        soft = softening[member] * softening[member]
        a = vec()
        phi = real(0.0)
        cell = wp.int32(0)
        while cell >= 0:
            d = x_i - center[cell]
            square = wp.dot(d, d)
            if radius[cell] * radius[cell] < angle * angle * square:  # type: ignore[operator]  # a type of Warp
                inv = real(1.0) / wp.sqrt(square + soft)
                i2 = inv * inv
                bent = moment[cell] * d
                along = wp.dot(d, bent) * i2
                spread = wp.trace(moment[cell])
                near = real(0.5) * i2 * (real(3.0) * along - spread)
                phi -= inv * (cell_mass[cell] + near)
                pull = cell_mass[cell] + i2 * (real(7.5) * along - real(1.5) * spread)
                a -= (inv * i2) * (pull * d - (real(3.0) * i2) * bent)
                cell = past[cell]
            elif down[cell] >= 0:
                cell = down[cell]
            else:
                for j in range(first[cell], last[cell]):
                    if j != at:
                        r = x_i - x[j]
                        inv = real(1.0) / wp.sqrt(wp.dot(r, r) + soft)
                        phi -= mass[j] * inv
                        a -= (mass[j] * inv * inv * inv) * r
                cell = past[cell]
        body = order[at]
        a_out[body] = constant[member] * a
        phi_out[body] = constant[member] * phi

    return kernel
