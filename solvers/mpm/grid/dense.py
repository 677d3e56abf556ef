"""Nodes of a box, all of them kept: node (i, j, k) has the number (i * count_y + j) * count_z + k."""

# mypy: disable-error-code="attr-defined, index, name-defined, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["dense"]


@cache
def dense(n: Numbers) -> tuple[Any, Any, Any, Any]:
    """anchor, node, outside, position: see Stencil.

    Axes that wrap have `count` nodes; the others have `pad` of them beyond each side. An anchor is the number of the
    particle's lowest node along each axis, and then where the grid begins; where nothing wraps, all is known from the
    number of the lowest node in the grid, the last entry.
    """
    dim, real, vec, Anchor, Lattice = n.dim, n.real, n.vec, n.anchor, n.lattice
    below = real(0.5 * (n.support - 2))  # at least so far below a particle is its lowest node

    @wp.func
    def first(lattice: Lattice, at: vec, a: int):
        i = int(wp.floor(at[a] - below))
        if wp.static(n.wraps):
            if lattice.wrap[a] != 0:
                return ((i % lattice.count[a]) + lattice.count[a]) % lattice.count[a]
        return wp.clamp(i + lattice.pad[a], 0, lattice.count[a] - wp.static(n.support))

    @wp.func
    def outside(lattice: Lattice, at: vec, b: int, p: int):
        found = int(0)
        for a in range(wp.static(dim)):
            low = below - real(lattice.pad[a])
            high = real(lattice.count[a] - lattice.pad[a] - wp.static(n.support - 1)) + below
            if lattice.wrap[a] == 0 and not (at[a] >= low and at[a] < high):
                found = int(1)
        return found

    @wp.func
    def begin(lattice: Lattice, p: int):
        """Number of the first node of the particle's grid."""
        if wp.static(n.fields > 1):
            return lattice.offset + lattice.field[p] * lattice.nodes
        return lattice.offset

    if dim == 2:

        @wp.func
        def number(count: n.ivec, i: int, j: int, k: int):
            return i * count[1] + j

        @wp.func
        def anchor(lattice: Lattice, at: vec, b: int, p: int):
            i, j = first(lattice, at, 0), first(lattice, at, 1)
            if wp.static(n.wraps):
                return Anchor(i, j, begin(lattice, p))
            return Anchor(i, j, begin(lattice, p) + number(lattice.count, i, j, 0))

        @wp.func
        def node(lattice: Lattice, anchor: Anchor, i: int, j: int, k: int):
            count = lattice.count
            if wp.static(n.wraps):
                return anchor[2] + number(count, around(anchor[0] + i, count[0]), around(anchor[1] + j, count[1]), 0)
            return anchor[2] + number(count, i, j, 0)

        @wp.func
        def position(lattice: Lattice, node: int):
            i = (node - lattice.offset) % (lattice.count[0] * lattice.count[1])
            place = vec(real(i // lattice.count[1] - lattice.pad[0]), real(i % lattice.count[1] - lattice.pad[1]))
            return place / lattice.inv_dx

    else:

        @wp.func
        def number(count: n.ivec, i: int, j: int, k: int):
            return (i * count[1] + j) * count[2] + k

        @wp.func
        def anchor(lattice: Lattice, at: vec, b: int, p: int):
            i, j, k = first(lattice, at, 0), first(lattice, at, 1), first(lattice, at, 2)
            if wp.static(n.wraps):
                return Anchor(i, j, k, begin(lattice, p))
            return Anchor(i, j, k, begin(lattice, p) + number(lattice.count, i, j, k))

        @wp.func
        def node(lattice: Lattice, anchor: Anchor, i: int, j: int, k: int):
            count = lattice.count
            if wp.static(n.wraps):
                x, y, z = (
                    around(anchor[0] + i, count[0]),
                    around(anchor[1] + j, count[1]),
                    around(anchor[2] + k, count[2]),
                )
                return anchor[3] + number(count, x, y, z)
            return anchor[3] + number(count, i, j, k)

        @wp.func
        def position(lattice: Lattice, node: int):
            count = lattice.count
            i = (node - lattice.offset) % (count[0] * count[1] * count[2])
            plane = i // count[2]
            place = vec(
                real(plane // count[1] - lattice.pad[0]), real(plane % count[1] - lattice.pad[1]),
                real(i % count[2] - lattice.pad[2]),
            )  # fmt: skip
            return place / lattice.inv_dx

    return anchor, node, outside, position


@wp.func
def around(i: int, count: int):
    """Only nodes of wrapped axes can reach beyond the last one."""
    if i >= count:
        return i - count
    return i
