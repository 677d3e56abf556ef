"""Primitive variables of all cells, and of the ghost cells that stand for what lies beyond the sides."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.numbers import Numbers

__all__ = ["HELD", "MIRROR", "OPEN", "STUCK", "WRAP", "primitive_with_ghosts"]

WRAP, MIRROR, STUCK, HELD, OPEN = range(5)  # periodic, slip, no slip, inflow, outflow


@cache
def primitive_with_ghosts(n: Numbers, law: Law) -> Any:
    """w_out[ghosts and cells] of u[cells].

    kinds: of the sides x_lo, x_hi, y_lo, ... held: primitive variables that a side holds, a copy for each layer of
    cells along x so that its cotangents can be summed there; what is not positive of density and pressure, or of the
    depth, is not held but comes from inside. A wall mirrors density and pressure, so that nothing passes it; what it
    holds of p / rho is for the conduction of heat, see viscosity.py. Beyond a corner, where sides may say different
    things, it is the mean of what they make of it one after the other and the other way round: no axis goes first.
    """
    real, vec, dim = n.real, n.vec, n.dim
    functions = law.kernels(n)
    to_primitive = functions.primitive

    @wp.func
    def place(at: int, cells: int, kind: int):
        """The cell of which a ghost is made."""
        if at >= 0 and at < cells:
            return at
        if kind == WRAP:
            return wp.where(at < 0, at + cells, at - cells)
        if kind >= HELD:
            return wp.where(at < 0, 0, cells - 1)
        return wp.where(at < 0, -1 - at, 2 * cells - 1 - at)

    @wp.func
    def positive(value: real, held: real, kind: int):
        if kind >= HELD and held > real(0.0):
            return held
        return value

    @wp.func
    def motion(value: real, held: real, kind: int, normal: bool):
        if kind == MIRROR and normal:
            return -value
        if kind == STUCK:
            return real(2.0) * held - value
        if kind == HELD:
            return held
        return value

    @wp.func
    def beyond(
        value: real,
        at: wp.vec3i,
        a: int,
        f: int,
        cells: wp.vec3i,
        margin: wp.vec3i,
        kinds: wp.array[int],
        held: wp.array4d[real],
        b: int,
        i: int,
    ):
        """A variable, as the side of an axis changes it where a cell is beyond that."""
        if at[a] >= margin[a] and at[a] < margin[a] + cells[a]:
            return value
        side = wp.where(at[a] < margin[a], 2 * a, 2 * a + 1)
        told = held[b, i, side, f]
        if f == 0 or f > wp.static(dim):
            return positive(value, told, kinds[side])
        return motion(value, told, kinds[side], f == 1 + a)

    @wp.kernel(module="unique")
    def kernel(
        cells: wp.vec3i,
        margin: wp.vec3i,
        stride: wp.vec3i,
        first: int,
        kinds: wp.array[int],
        constant: wp.array2d[real],
        held: wp.array4d[real],
        u: wp.array3d[real],
        w_out: wp.array3d[real],
    ):
        b, i, j, k = wp.tid()
        i += first
        x = place(i - margin[0], cells[0], kinds[wp.where(i < margin[0], 0, 1)])
        y, z = j, k
        if wp.static(dim > 1):
            y = place(j - margin[1], cells[1], kinds[wp.where(j < margin[1], 2, 3)])
        if wp.static(dim > 2):
            z = place(k - margin[2], cells[2], kinds[wp.where(k < margin[2], 4, 5)])
        source = (x * cells[1] + y) * cells[2] + z
        inside = vec()
        for f in range(wp.static(n.fields)):
            inside[f] = u[b, f, source]
        w = to_primitive(inside, constant[b, i])
        at = wp.vec3i(i, j, k)
        for f in range(wp.static(n.fields)):
            value = w[f]
            other = w[f]
            for turn in range(wp.static(dim)):
                value = beyond(value, at, turn, f, cells, margin, kinds, held, b, i)
                other = beyond(other, at, wp.static(dim - 1) - turn, f, cells, margin, kinds, held, b, i)
            w_out[b, f, i * stride[0] + j * stride[1] + k] = real(0.5) * (value + other)

    return kernel
