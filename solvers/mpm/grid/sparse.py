"""Nodes of those blocks of 4^dim nodes that particles are near, whatever lies between them.

Node (i, j, k) of the block numbered n, counted from the block's lowest, has the number ((4 n + i) 4 + j) 4 + k.
"""

# mypy: disable-error-code="attr-defined, index, name-defined, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["sparse"]


@cache
def sparse(n: Numbers) -> tuple[Any, Any, Any, Any]:
    """anchor, node, outside, position: see Stencil.

    lattice.home: the block in which each particle was when the blocks were chosen; lattice.near: the blocks around each
    one, -1 where there is none; lattice.blocks: their places. An anchor is the particle's lowest node along each axis,
    counted from that of the block below its home, then its home, then where the grid begins. A particle may go on
    until it misses a node. Along periodic axes, whose nodes fill whole blocks, the last block is next to the first.
    """
    dim, real, vec, Anchor, Lattice = n.dim, n.real, n.vec, n.anchor, n.lattice
    below, last = real(0.5 * (n.support - 2)), n.support - 1

    @wp.func
    def from_home(lattice: Lattice, at: vec, home: int, a: int):
        """Number of the lowest node, counted from the lowest of the blocks around the particle's home."""
        i = int(wp.floor(at[a] - below)) - 4 * lattice.blocks[home][a] + 4
        if wp.static(n.wraps):
            if lattice.wrap[a] != 0:
                return ((i % lattice.count[a]) + lattice.count[a]) % lattice.count[a]
        return i

    @wp.func
    def beyond(lattice: Lattice, at: vec, a: int):
        """Whether the particle is outside of a box that ends there."""
        low = below - real(lattice.pad[a])
        high = real(lattice.count[a] - lattice.pad[a] - last) + below
        return lattice.wrap[a] == 0 and not (at[a] >= low and at[a] < high)

    @wp.func
    def begin(lattice: Lattice, p: int):
        """Number of the first node of the particle's grid."""
        if wp.static(n.fields > 1):
            return lattice.offset + lattice.field[p] * lattice.nodes
        return lattice.offset

    @wp.func
    def own(lattice: Lattice, node: int):
        """Number of a node in its own grid."""
        if wp.static(n.fields > 1):
            return (node - lattice.offset) % lattice.nodes
        return node - lattice.offset

    if dim == 2:

        @wp.func
        def block(lattice: Lattice, home: int, x: int, y: int, z: int):
            return lattice.near[home, 3 * (x >> 2) + (y >> 2)]

        @wp.func
        def anchor(lattice: Lattice, at: vec, b: int, p: int):
            home = lattice.home[b, p]
            x, y = from_home(lattice, at, home, 0), from_home(lattice, at, home, 1)
            return Anchor(wp.clamp(x, 0, 11 - last), wp.clamp(y, 0, 11 - last), home, begin(lattice, p))

        @wp.func
        def node(lattice: Lattice, anchor: Anchor, i: int, j: int, k: int):
            x, y = anchor[0] + i, anchor[1] + j
            number = wp.max(block(lattice, anchor[2], x, y, 0), 0)
            return anchor[3] + 16 * number + 4 * (x & 3) + (y & 3)

        @wp.func
        def outside(lattice: Lattice, at: vec, b: int, p: int):
            home = lattice.home[b, p]
            x, y = from_home(lattice, at, home, 0), from_home(lattice, at, home, 1)
            if x < 0 or y < 0 or x > 11 - last or y > 11 - last:
                return 1
            if beyond(lattice, at, 0) or beyond(lattice, at, 1):
                return 1
            for i in range(2):
                for j in range(2):
                    if block(lattice, home, x + i * last, y + j * last, 0) < 0:
                        return 1
            return 0

        @wp.func
        def position(lattice: Lattice, node: int):
            i = own(lattice, node)
            lowest = 4 * lattice.blocks[i >> 4]
            return vec(real(lowest[0] + ((i >> 2) & 3)), real(lowest[1] + (i & 3))) / lattice.inv_dx

    else:

        @wp.func
        def block(lattice: Lattice, home: int, x: int, y: int, z: int):
            return lattice.near[home, 9 * (x >> 2) + 3 * (y >> 2) + (z >> 2)]

        @wp.func
        def anchor(lattice: Lattice, at: vec, b: int, p: int):
            home, high = lattice.home[b, p], 11 - last
            x, y = from_home(lattice, at, home, 0), from_home(lattice, at, home, 1)
            z = from_home(lattice, at, home, 2)
            return Anchor(wp.clamp(x, 0, high), wp.clamp(y, 0, high), wp.clamp(z, 0, high), home, begin(lattice, p))

        @wp.func
        def node(lattice: Lattice, anchor: Anchor, i: int, j: int, k: int):
            x, y, z = anchor[0] + i, anchor[1] + j, anchor[2] + k
            number = wp.max(block(lattice, anchor[3], x, y, z), 0)
            return anchor[4] + 64 * number + 16 * (x & 3) + 4 * (y & 3) + (z & 3)

        @wp.func
        def outside(lattice: Lattice, at: vec, b: int, p: int):
            home, high = lattice.home[b, p], 11 - last
            x, y = from_home(lattice, at, home, 0), from_home(lattice, at, home, 1)
            z = from_home(lattice, at, home, 2)
            if x < 0 or y < 0 or z < 0 or x > high or y > high or z > high:
                return 1
            if beyond(lattice, at, 0) or beyond(lattice, at, 1) or beyond(lattice, at, 2):
                return 1
            for i in range(2):
                for j in range(2):
                    for k in range(2):
                        if block(lattice, home, x + i * last, y + j * last, z + k * last) < 0:
                            return 1
            return 0

        @wp.func
        def position(lattice: Lattice, node: int):
            i = own(lattice, node)
            lowest = 4 * lattice.blocks[i >> 6]
            return (
                vec(real(lowest[0] + ((i >> 4) & 3)), real(lowest[1] + ((i >> 2) & 3)), real(lowest[2] + (i & 3)))
                / lattice.inv_dx
            )

    return anchor, node, outside, position
