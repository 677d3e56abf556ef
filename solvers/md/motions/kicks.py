"""Kernels that move atoms: the parts of velocity Verlet and of BAOAB between two evaluations of the force.

Arguments of one entry a system: dt; keep = exp(-friction dt), noise = sqrt(T (1 - keep^2)) in float64. span: atoms of a
thread, see `spans`.
"""

from functools import cache

import torch
import warp as wp

from scenegrad.solvers.md.motions.noise import gaussian
from scenegrad.solvers.md.numbers import numbers
from scenegrad.solvers.md.wide import WIDE, readers

__all__ = ["kick", "kick_drift", "kick_drift_shake_drift"]


@cache
def kick_drift(dim: int, dtype: torch.dtype, span: int) -> wp.Kernel:
    """v += dt/2 F/m, x += dt v   [Verlet 1967; Swope et al. 1982]"""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real
    _, part, _, put = readers(dim, dtype)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
    def kernel(
        dt: wp.array[real],
        mass: wp.array2d[real],
        force: wp.array2d[vec],
        x: wp.array2d[vec],
        v: wp.array2d[vec],
        x_out: wp.array2d[vec],
        v_out: wp.array2d[vec],
    ):
        b, block = wp.tid()
        h = dt[b]
        masses = mass[b]
        fb = force[b]
        xb = x[b]
        vb = v[b]
        x_out_b = x_out[b]
        v_out_b = v_out[b]
        i = block * span
        end = wp.min(i + span, x.shape[1])
        while i < end:
            push = real(0.5) * h / masses[i]
            for a in range(wp.static(dim)):
                half = part(vb, i, a) + push * part(fb, i, a)
                put(x_out_b, i, a, part(xb, i, a) + h * half)
                put(v_out_b, i, a, half)
            i += 1

    return kernel


@cache
def kick_drift_shake_drift(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """v += dt/2 F/m, x += dt/2 v, v = keep v + noise xi/sqrt(m), x += dt/2 v   [BAOAB: Leimkuhler & Matthews 2013]"""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        dt: wp.array[real],
        keep: wp.array[real],
        noise: wp.array[real],
        seed: wp.array[wp.int64],
        step: wp.array[wp.int64],
        mass: wp.array2d[real],
        force: wp.array2d[vec],
        x: wp.array2d[vec],
        v: wp.array2d[vec],
        x_out: wp.array2d[vec],
        v_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        m = mass[b, i]
        half = real(0.5) * dt[b]
        before = v[b, i] + (half / m) * force[b, i]
        g = gaussian(seed[b], step[b], i)
        xi = vec()
        for a in range(wp.static(dim)):
            xi[a] = real(g[a])
        after = keep[b] * before + (noise[b] / wp.sqrt(m)) * xi
        x_out[b, i] = x[b, i] + half * before + half * after
        v_out[b, i] = after

    return kernel


@cache
def kick(dim: int, dtype: torch.dtype, span: int) -> wp.Kernel:
    """v += dt/2 F/m, in place: v is of the state in the making."""
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real
    _, part, _, put = readers(dim, dtype)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
    def kernel(
        dt: wp.array[real],
        mass: wp.array2d[real],
        force: wp.array2d[vec],
        v_out: wp.array2d[vec],
    ):
        b, block = wp.tid()
        h = dt[b]
        masses = mass[b]
        fb = force[b]
        vb = v_out[b]
        i = block * span
        end = wp.min(i + span, v_out.shape[1])
        while i < end:
            push = real(0.5) * h / masses[i]
            for a in range(wp.static(dim)):
                put(vb, i, a, part(vb, i, a) + push * part(fb, i, a))
            i += 1

    return kernel
