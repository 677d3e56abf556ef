"""A cell's variables with the velocity component across a face first, whichever axis the face lies across."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["turning", "turning_back"]


@cache
def turning(n: Numbers) -> Any:
    """(wp.func (w, b, cell, axis) -> vec, wp.func (vec, out, b, cell, axis)): load turned, store turned back.

    Axes follow each other in a circle: x y z, y z x, z x y. So every kernel serves all axes.
    """
    real, vec, dim, fields = n.real, n.vec, n.dim, n.fields

    @wp.func
    def load(w: wp.array3d[real], b: int, cell: int, axis: int):
        v = vec()
        v[0] = w[b, 0, cell]
        for a in range(wp.static(dim)):
            v[1 + a] = w[b, 1 + (a + axis) % dim, cell]
        for f in range(wp.static(dim + 1), wp.static(fields)):
            v[f] = w[b, f, cell]
        return v

    @wp.func
    def store(v: vec, out: wp.array4d[real], b: int, cell: int, axis: int):
        out[b, axis, 0, cell] = v[0]
        for a in range(wp.static(dim)):
            out[b, axis, 1 + (a + axis) % dim, cell] = v[1 + a]
        for f in range(wp.static(dim + 1), wp.static(fields)):
            out[b, axis, f, cell] = v[f]

    return load, store


@cache
def turning_back(n: Numbers) -> Any:
    """The transposes of store and load: (wp.func (bars, b, cell, axis) -> vec, wp.func (vec, bars, b, cell, axis))."""
    real, vec, dim, fields = n.real, n.vec, n.dim, n.fields

    @wp.func
    def load(bars: wp.array4d[real], b: int, cell: int, axis: int):
        v = vec()
        v[0] = bars[b, axis, 0, cell]
        for a in range(wp.static(dim)):
            v[1 + a] = bars[b, axis, 1 + (a + axis) % dim, cell]
        for f in range(wp.static(dim + 1), wp.static(fields)):
            v[f] = bars[b, axis, f, cell]
        return v

    @wp.func
    def add(v: vec, bars: wp.array3d[real], b: int, cell: int, axis: int):
        bars[b, 0, cell] += v[0]
        for a in range(wp.static(dim)):
            bars[b, 1 + (a + axis) % dim, cell] += v[1 + a]
        for f in range(wp.static(dim + 1), wp.static(fields)):
            bars[b, f, cell] += v[f]

    return load, add
