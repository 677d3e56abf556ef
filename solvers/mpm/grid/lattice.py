"""Where the nodes of a grid are kept: one argument that every kernel over particles or nodes hands to the stencil.

A kernel takes `lattice: n.lattice` and asks stencil(n) for the rest:

    at = lattice.inv_dx * x_in[b, p]
    anchor = s.anchor(lattice, at, b, p)                      # of the particle's nodes
    number = s.node(lattice, anchor, i, j, k)                 # in the flat array of all nodes
    x = s.position(lattice, number)                           # of a node [m]

How nodes are numbered is known to those functions alone. `offset` is the number of the grid's first node, so that
several grids (of several threads) may share one flat array: each comes with a lattice of its own. Where bodies have
grids of their own (fields, see meeting.py), one lattice serves them all: the grids follow each other in the array.
In a transposed launch a blank n.lattice() stands for its cotangent: none of its numbers is differentiated.
"""

from functools import cache
from typing import Any

import warp as wp

__all__ = ["lattice_type"]


@cache
def lattice_type(dim: int, real: Any, sparse: bool) -> Any:
    """Warp's struct of a lattice in dim dimensions and the precision `real`; sparse: see grid/sparse.py."""
    ivec = wp.types.vector(dim, wp.int32)

    if sparse:

        @wp.struct
        class SparseLattice:
            inv_dx: real  # [1/m]
            pad: ivec  # nodes below the origin along each axis, of a box
            wrap: ivec  # 1 along axes without an end, periodic ones too
            count: ivec  # nodes along each axis, of a box
            offset: int  # number of the first node
            nodes: int  # of one grid, where bodies have grids of their own
            field: wp.array[int]  # grid of each particle there
            blocks: wp.array[ivec]  # places of the blocks
            near: wp.array2d[int]  # numbers of the blocks around each
            home: wp.array2d[int]  # block of each particle

        return SparseLattice

    @wp.struct
    class Lattice:
        inv_dx: real  # [1/m]
        pad: ivec  # nodes below the origin along each axis
        wrap: ivec  # 1 along periodic axes
        count: ivec  # nodes along each axis
        offset: int  # number of the first node
        nodes: int  # of one grid, where bodies have grids of their own
        field: wp.array[int]  # grid of each particle there

    return Lattice
