"""Quadratic B-splines: where a particle's nodes are and how much each of them counts."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Stencil", "stencil"]


class Stencil(NamedTuple):
    """Functions that kernels of one dimension and precision share."""

    first_node: Any  # (x / dx, pad, wrap, count) -> number of the lowest of the 3^dim nodes along each axis
    outside: Any  # (x / dx, pad, wrap, count) -> whether one of those nodes does not exist
    place: Any  # x / dx -> distance to the lowest node in units of dx, 1/2..3/2 along each axis
    weights: Any  # that distance -> weights of three nodes along each axis [node, axis]; 1 along the one that 2D lacks
    moments: Any  # weights -> each of them times its distance from the lowest node in units of dx
    node: Any  # (first, i, j, k, count) -> number in the flat grid of a node (i, j, k) from the lowest
    pack: Any  # (momentum, mass) -> packed
    momentum: Any  # packed -> momentum
    column: Any  # (matrix, axis) -> its column, zero for the axis that 2D lacks
    columns: Any  # three columns -> matrix, without the one that 2D lacks


@cache
def stencil(n: Numbers) -> Stencil:
    """N(s) = 3/4 - s^2 for |s| < 1/2, (3/2 - |s|)^2 / 2 for |s| < 3/2   [Steffen, Kirby, Berzins 2008].

    Their second moment is dx^2/4 whatever the place, which makes the affine transfers so simple.
    Axes that wrap have `count` nodes; the others have `pad` more beyond each side.
    """
    dim, real, vec, mat, ivec, packed, Weights = n.dim, n.real, n.vec, n.mat, n.ivec, n.packed, n.weights

    @wp.func
    def first_node(s: vec, pad: ivec, wrap: ivec, count: ivec):
        first = ivec()
        for a in range(wp.static(dim)):
            i = int(wp.floor(s[a] - real(0.5)))
            if wrap[a] != 0:
                first[a] = ((i % count[a]) + count[a]) % count[a]
            else:
                first[a] = wp.clamp(i + pad[a], 0, count[a] - 3)
        return first

    @wp.func
    def outside(s: vec, pad: ivec, wrap: ivec, count: ivec):
        found = int(0)
        for a in range(wp.static(dim)):
            low, high = real(0.5) - real(pad[a]), real(count[a] - pad[a]) - real(1.5)
            if wrap[a] == 0 and not (s[a] >= low and s[a] < high):
                found = int(1)
        return found

    @wp.func
    def place(s: vec):
        f = vec()
        for a in range(wp.static(dim)):
            f[a] = s[a] - wp.floor(s[a] - real(0.5))
        return f

    @wp.func
    def weights(f: vec):
        w = Weights()
        for a in range(wp.static(dim)):
            w[0, a] = real(0.5) * (real(1.5) - f[a]) * (real(1.5) - f[a])
            w[1, a] = real(0.75) - (f[a] - real(1.0)) * (f[a] - real(1.0))
            w[2, a] = real(0.5) * (f[a] - real(0.5)) * (f[a] - real(0.5))
        for a in range(wp.static(dim), 3):
            w[0, a] = real(1.0)
        return w

    @wp.func
    def moments(w: Weights):
        m = Weights()
        for a in range(wp.static(dim)):
            m[1, a] = w[1, a]
            m[2, a] = real(2.0) * w[2, a]
        return m

    if dim == 2:

        @wp.func
        def node(first: ivec, i: int, j: int, k: int, count: ivec):
            return around(first[0] + i, count[0]) * count[1] + around(first[1] + j, count[1])

        @wp.func
        def pack(momentum: vec, mass: real):
            return packed(momentum[0], momentum[1], mass)

        @wp.func
        def momentum(value: packed):
            return vec(value[0], value[1])

        @wp.func
        def column(m: mat, a: int):
            if a < 2:
                return vec(m[0, a], m[1, a])
            return vec()

        @wp.func
        def columns(a: vec, b: vec, c: vec):
            return wp.matrix_from_cols(a, b)

    else:

        @wp.func
        def node(first: ivec, i: int, j: int, k: int, count: ivec):
            plane = around(first[0] + i, count[0]) * count[1] + around(first[1] + j, count[1])
            return plane * count[2] + around(first[2] + k, count[2])

        @wp.func
        def pack(momentum: vec, mass: real):
            return packed(momentum[0], momentum[1], momentum[2], mass)

        @wp.func
        def momentum(value: packed):
            return vec(value[0], value[1], value[2])

        @wp.func
        def column(m: mat, a: int):
            return vec(m[0, a], m[1, a], m[2, a])

        @wp.func
        def columns(a: vec, b: vec, c: vec):
            return wp.matrix_from_cols(a, b, c)

    return Stencil(first_node, outside, place, weights, moments, node, pack, momentum, column, columns)


@wp.func
def around(i: int, count: int):
    """Only nodes of wrapped axes can reach beyond the last one."""
    if i >= count:
        return i - count
    return i
