"""Noise that can be drawn again: a replayed step, another batch or a restart sees the same numbers.

Philox4x32-10 [Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"]: ten rounds of
multiplication turn a counter (here: step and atom) under a key (the seed) into four random words.
"""

import math
from functools import cache

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.md.numbers import launch, numbers, view

__all__ = ["gaussian", "philox", "standard_normal"]

# Written inside a kernel, numbers beyond 2^31 would pass through a signed word.
LOW_WORD = wp.uint64(0xFFFFFFFF)
MULTIPLIER_0, MULTIPLIER_1 = wp.uint32(0xD2511F53), wp.uint32(0xCD9E8D57)
WEYL_0, WEYL_1 = wp.uint32(0x9E3779B9), wp.uint32(0xBB67AE85)  # the golden ratio and the root of 3, less one
TWO_PI = wp.float64(2.0 * math.pi)
WORD = wp.float64(2.0**-32)


@wp.func
def multiply(a: wp.uint32, b: wp.uint32):
    """High and low word of a product."""
    product = wp.uint64(a) * wp.uint64(b)
    return wp.uint32(product >> wp.uint64(32)), wp.uint32(product & LOW_WORD)


@wp.func
def philox(c: wp.vec4ui, key_low: wp.uint32, key_high: wp.uint32) -> wp.vec4ui:
    """Philox4x32-10"""
    k0 = key_low
    k1 = key_high
    for _ in range(10):
        high0, low0 = multiply(MULTIPLIER_0, c[0])
        high1, low1 = multiply(MULTIPLIER_1, c[2])
        c = wp.vec4ui(high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0)
        k0 = k0 + WEYL_0
        k1 = k1 + WEYL_1
    return c


@wp.func
def uniform(word: wp.uint32) -> wp.float64:
    """In the open interval (0, 1)."""
    return (wp.float64(word) + wp.float64(0.5)) * WORD


@wp.func
def gaussian(seed: wp.int64, step: wp.int64, atom: wp.int32) -> wp.vec4d:
    """Four independent numbers of the standard normal distribution [Box & Muller 1958]."""
    key = wp.uint64(seed)
    count = wp.uint64(step)
    c = wp.vec4ui(wp.uint32(count & LOW_WORD), wp.uint32(count >> wp.uint64(32)), wp.uint32(atom), wp.uint32(0))
    w = philox(c, wp.uint32(key & LOW_WORD), wp.uint32(key >> wp.uint64(32)))
    r0 = wp.sqrt(wp.float64(-2.0) * wp.log(uniform(w[0])))
    r1 = wp.sqrt(wp.float64(-2.0) * wp.log(uniform(w[2])))
    a0 = TWO_PI * uniform(w[1])
    a1 = TWO_PI * uniform(w[3])
    return wp.vec4d(r0 * wp.cos(a0), r0 * wp.sin(a0), r1 * wp.cos(a1), r1 * wp.sin(a1))


@cache
def draw(dim: int, dtype: torch.dtype) -> wp.Kernel:
    n = numbers(dim, dtype)
    vec, real = n.vec, n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(seed: wp.array[wp.int64], step: wp.array[wp.int64], noise_out: wp.array2d[vec]):
        b, i = wp.tid()
        g = gaussian(seed[b], step[b], i)
        xi = vec()
        for a in range(wp.static(dim)):
            xi[a] = real(g[a])
        noise_out[b, i] = xi

    return kernel


def standard_normal(seed: Tensor, step: Tensor, out: Tensor) -> Tensor:
    """Fills out [batch, atom, dim] with the noise of this step."""
    n = numbers(out.shape[2], out.dtype)
    inputs = [view(seed.contiguous(), wp.int64), view(step.contiguous(), wp.int64), view(out, n.vec)]
    launch(draw(n.dim, n.dtype), tuple(out.shape[:2]), inputs, str(out.device))
    return out
