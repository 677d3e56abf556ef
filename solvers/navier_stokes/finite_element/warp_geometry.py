"""A mesh as warp.fem knows it, for forms of one's own on the fields of a solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import warp as wp

from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.shared.hush import hush_warp

if TYPE_CHECKING:
    from warp.fem import Geometry

__all__ = ["geometry"]


def geometry(space: Space) -> Geometry:
    """Triangles or tetrahedra of the same vertices and in the same order as those of the space, on its device and in
    double precision."""
    import warp.fem as fem

    hush_warp()
    with wp.ScopedDevice(space.device):
        cells = wp.from_torch(space.cells.int().contiguous())
        places = wp.from_torch(space.vertices.contiguous(), dtype=wp.vec2d if space.dim == 2 else wp.vec3d)
        if space.dim == 2:
            return fem.Trimesh2D(tri_vertex_indices=cells, positions=places)
        return fem.Tetmesh(tet_vertex_indices=cells, positions=places)
