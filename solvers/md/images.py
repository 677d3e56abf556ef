# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)
"""Nearest images, inside kernels."""

from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["nearest_image"]


@cache
def nearest_image(dim: int, dtype: torch.dtype, tilted: bool) -> Any:
    """image(d, lengths, inverse, lean): d without the whole turns round the box, edges by edges from the last axis.

    It is the shortest of all images if that is shorter than half of every edge. See `Box` for lengths and lean; inverse
    is 1/lengths.
    """
    n = numbers(dim, dtype)
    vec, real, three = n.vec, n.real, n.three

    @wp.func
    def upright(d: vec, lengths: vec, inverse: vec, lean: three) -> vec:
        r = d
        for a in range(wp.static(dim)):
            r[a] = r[a] - lengths[a] * wp.rint(r[a] * inverse[a])
        return r

    @wp.func
    def slanted(d: vec, lengths: vec, inverse: vec, lean: three) -> vec:
        r = d
        turns = real(0.0)
        if wp.static(dim == 3):
            turns = wp.rint(r[wp.static(dim - 1)] * inverse[wp.static(dim - 1)])
            r[wp.static(dim - 1)] = r[wp.static(dim - 1)] - turns * lengths[wp.static(dim - 1)]
            r[1] = r[1] - turns * lean[2] * lengths[1]
            r[0] = r[0] - turns * lean[1] * lengths[0]
        turns = wp.rint(r[1] * inverse[1])
        r[1] = r[1] - turns * lengths[1]
        r[0] = r[0] - turns * lean[0] * lengths[0]
        r[0] = r[0] - lengths[0] * wp.rint(r[0] * inverse[0])
        return r

    return slanted if tilted else upright
