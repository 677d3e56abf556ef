"""Uniform random numbers that are counted, not carried along: each is a function of a seed, a count and a column.

Philox as in the noise of motions; the fourth word of the counter, which is 0 there, tells the two apart.
"""

from functools import cache

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.md.motions.noise import philox
from scenegrad.solvers.md.numbers import launch, view

__all__ = ["uniforms"]

LOW = wp.uint64(0xFFFFFFFF)
SAMPLING = wp.uint32(0x53414D50)  # the fourth word
HIGH, UNIT = wp.float64(2.0**26), wp.float64(2.0**-53)  # 53 bits of two words, in the open interval (0, 1)


@cache
def kernel() -> wp.Kernel:
    @wp.kernel(module="unique", enable_backward=False)
    def draw(count: wp.int64, seed: wp.array[wp.int64], out: wp.array2d[wp.float64]):
        b, column = wp.tid()
        key = wp.uint64(seed[b])
        n = wp.uint64(count)
        c = wp.vec4ui(wp.uint32(n & LOW), wp.uint32(n >> wp.uint64(32)), wp.uint32(column), SAMPLING)
        w = philox(c, wp.uint32(key & LOW), wp.uint32(key >> wp.uint64(32)))
        high = wp.float64(w[0] >> wp.uint32(5)) * HIGH
        out[b, column] = (high + wp.float64(w[1] >> wp.uint32(6)) + wp.float64(0.5)) * UNIT

    return draw


def uniforms(seed: Tensor, count: int, columns: int) -> Tensor:
    """Numbers in the open interval (0, 1), float64 [batch, columns], of seeds [batch] int64."""
    out = torch.empty(len(seed), columns, dtype=torch.float64, device=seed.device)
    given = [wp.int64(count), view(seed.contiguous(), wp.int64), view(out, wp.float64)]
    launch(kernel(), tuple(out.shape), given, str(seed.device))
    return out
