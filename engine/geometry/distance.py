"""Signed distance to a mesh, on Warp."""

from __future__ import annotations

import numpy as np
import warp as wp
from numpy.typing import ArrayLike, NDArray

from scenegrad.engine.geometry.distance_kernels import distance_to_segments, distance_to_triangles
from scenegrad.engine.geometry.mesh import Mesh, check_watertight

__all__ = ["signed_distance"]


def signed_distance(mesh: Mesh, points: ArrayLike, device: str = "cpu") -> NDArray[np.float64]:
    """phi(x) = +-min over the boundary of |x - y| at points [N, dim]: negative inside, in the unit of the mesh.

    In 3D the nearest triangle comes from a tree of boxes in single precision, with the mesh scaled to unit size, and
    the distance to that triangle is computed in double precision; the sign is that of the generalised winding number
    [Jacobson et al. 2013; Barill et al. 2018], so parts that overlap count as one body. Measured errors are 1e-8 of the
    size of the mesh, 2e-6 where triangles are 250 times as long as wide. In 2D every segment is asked, exactly, and the
    sign follows the even-odd rule, so that loops within loops are holes. The mesh must be watertight."""
    check_watertight(mesh)
    at = np.ascontiguousarray(points, dtype=np.float64)
    if at.ndim != 2 or at.shape[1] != mesh.dim:
        raise ValueError(f"points must be [N, {mesh.dim}] for a mesh in {mesh.dim}D; got the shape {list(at.shape)}")
    if not np.isfinite(at).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(at).all(axis=1))} of {len(at)} points are not finite")
    low, high = mesh.bounds
    middle, size = 0.5 * (low + high), float((high - low).max())
    at = (at - middle) / size
    corners = ((mesh.vertices - middle) / size)[mesh.boundary]
    with wp.ScopedDevice(device):
        distance = wp.empty(len(at), dtype=wp.float64)
        if mesh.dim == 2:
            ends = wp.array(corners, dtype=wp.vec2d)
            wp.launch(distance_to_segments, len(at), inputs=[ends, wp.array(at, dtype=wp.vec2d)], outputs=[distance])
        else:
            if mesh.volume < 0.0:
                corners = corners[:, ::-1]
            soup = wp.array(corners, dtype=wp.vec3d)
            flat = wp.array(corners.reshape(-1, 3), dtype=wp.vec3)
            tree = wp.Mesh(flat, wp.array(np.arange(len(flat)), dtype=wp.int32), support_winding_number=True)
            reach = 4.0 + float(np.abs(at).max(initial=0.0)) * 2.0  # no point is farther from the unit mesh
            inputs = [tree.id, reach, soup, wp.array(at, dtype=wp.vec3d)]
            wp.launch(distance_to_triangles, len(at), inputs=inputs, outputs=[distance])
        values: NDArray[np.float64] = distance.numpy() * size
    return values
