"""B-splines: where a particle's nodes are and how much each of them counts."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.dense import dense
from scenegrad.solvers.mpm.grid.sparse import sparse
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Stencil", "stencil"]


class Stencil(NamedTuple):
    """Functions that kernels of one dimension and precision share."""

    anchor: Any  # (lattice, x / dx, b, p) -> where the nodes of particle p of member b begin
    node: Any  # (lattice, anchor, i, j, k) -> number, in the flat array of all nodes, of node (i, j, k) from the lowest
    outside: Any  # (lattice, x / dx, b, p) -> whether one of the particle's nodes does not exist
    position: Any  # (lattice, number of a node) -> its place [m]
    place: Any  # x / dx -> distance to the lowest node in units of dx along each axis, 1/2..3/2 or 1..2 (cubic)
    weights: Any  # that distance -> weights of the nodes along each axis [node, axis]; 1 along the one that 2D lacks
    moments: Any  # weights -> each of them times its distance from the lowest node in units of dx
    pack: Any  # (momentum, mass) -> packed
    momentum: Any  # packed -> momentum
    column: Any  # (matrix, axis) -> its column, zero for the axis that 2D lacks
    axes: Any  # (x, y, z) -> vector, without the component that 2D lacks
    columns: Any  # three columns -> matrix, without the one that 2D lacks


@cache
def stencil(n: Numbers) -> Stencil:
    """Quadratic: N(s) = 3/4 - s^2 for |s| < 1/2, (3/2 - |s|)^2 / 2 for |s| < 3/2.
    Cubic: N(s) = |s|^3/2 - s^2 + 2/3 for |s| < 1, (2 - |s|)^3 / 6 for |s| < 2   [Steffen, Kirby, Berzins 2008].

    Their second moment is dx^2/4 and dx^2/3 whatever the place, which makes the affine transfers so simple.
    """
    dim, real, vec, mat, packed, Weights = n.dim, n.real, n.vec, n.mat, n.packed, n.weights
    below = real(0.5 * (n.support - 2))  # at least so far below a particle is its lowest node
    sixth, two_thirds = real(1 / 6), real(2 / 3)

    @wp.func
    def place(s: vec):
        f = vec()
        for a in range(wp.static(dim)):
            f[a] = s[a] - wp.floor(s[a] - below)
        return f

    @wp.func
    def weights(f: vec):
        w = Weights()
        for a in range(wp.static(dim)):
            if wp.static(n.support == 3):
                w[0, a] = real(0.5) * (real(1.5) - f[a]) * (real(1.5) - f[a])
                w[1, a] = real(0.75) - (f[a] - real(1.0)) * (f[a] - real(1.0))
                w[2, a] = real(0.5) * (f[a] - real(0.5)) * (f[a] - real(0.5))
            else:
                t = f[a] - real(1.0)  # beyond the node below
                u = real(1.0) - t
                w[0, a] = sixth * u * u * u
                w[1, a] = two_thirds - t * t * (real(1.0) - real(0.5) * t)
                w[2, a] = two_thirds - u * u * (real(1.0) - real(0.5) * u)
                w[3, a] = sixth * t * t * t
        for a in range(wp.static(dim), 3):
            w[0, a] = real(1.0)
        return w

    @wp.func
    def moments(w: Weights):
        m = Weights()
        for a in range(wp.static(dim)):
            m[1, a] = w[1, a]
            m[2, a] = real(2.0) * w[2, a]
            if wp.static(n.support == 4):
                m[3, a] = real(3.0) * w[3, a]
        return m

    if dim == 2:

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
        def axes(x: real, y: real, z: real):
            return vec(x, y)

        @wp.func
        def columns(a: vec, b: vec, c: vec):
            return wp.matrix_from_cols(a, b)

    else:

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
        def axes(x: real, y: real, z: real):
            return vec(x, y, z)

        @wp.func
        def columns(a: vec, b: vec, c: vec):
            return wp.matrix_from_cols(a, b, c)

    anchor, node, outside, position = sparse(n) if n.sparse else dense(n)
    return Stencil(anchor, node, outside, position, place, weights, moments, pack, momentum, column, axes, columns)
