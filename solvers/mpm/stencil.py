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
    weights: Any  # that distance -> weights of three nodes along each axis [3, dim]
    weight: Any  # (weights, i, j, k) -> weight of one node
    corner: Any  # (i, j, k) -> its distance from the lowest node in units of dx
    node: Any  # (first, i, j, k, count) -> its number in the flat grid
    pack: Any  # (momentum, mass) -> packed
    momentum: Any  # packed -> momentum


@cache
def stencil(n: Numbers) -> Stencil:
    """N(s) = 3/4 - s^2 for |s| < 1/2, (3/2 - |s|)^2 / 2 for |s| < 3/2   [Steffen, Kirby, Berzins 2008].

    Their second moment is dx^2/4 whatever the place, which makes the affine transfers so simple.
    Axes that wrap have `count` nodes; the others have `pad` more beyond each side.
    """
    dim, real, vec, ivec, packed, Weights = n.dim, n.real, n.vec, n.ivec, n.packed, n.weights

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
        return w

    if dim == 2:

        @wp.func
        def weight(w: Weights, i: int, j: int, k: int):
            return w[i, 0] * w[j, 1]

        @wp.func
        def corner(i: int, j: int, k: int):
            return vec(real(i), real(j))

        @wp.func
        def node(first: ivec, i: int, j: int, k: int, count: ivec):
            return around(first[0] + i, count[0]) * count[1] + around(first[1] + j, count[1])

        @wp.func
        def pack(momentum: vec, mass: real):
            return packed(momentum[0], momentum[1], mass)

        @wp.func
        def momentum(value: packed):
            return vec(value[0], value[1])

    else:

        @wp.func
        def weight(w: Weights, i: int, j: int, k: int):
            return w[i, 0] * w[j, 1] * w[k, 2]

        @wp.func
        def corner(i: int, j: int, k: int):
            return vec(real(i), real(j), real(k))

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

    return Stencil(first_node, outside, place, weights, weight, corner, node, pack, momentum)


@wp.func
def around(i: int, count: int):
    """Only nodes of wrapped axes can reach beyond the last one."""
    if i >= count:
        return i - count
    return i
