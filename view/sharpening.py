"""Sharp edges for surfaces that were found on a grid, where cubes have cut them off.

The surface near a vertex is that of the planes through its neighbours p_i, along their gradients n_i of the distance.
The vertex goes where it is nearest to all of them, to the edge or the corner where they differ [dual contouring: Ju et
al. 2002, ACM Trans. Graph. 21, 339]:

    min_x sum_i (n_i . (x - p_i))^2,   along the directions alone that the n_i tell of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyvista

__all__ = ["sharpened"]

Array = NDArray[np.float64]
Distance = Callable[[Array], Array]  # of places [n, 3], negative inside [n]

TOLD = 0.06  # of the largest eigenvalue of sum_i n_i n_i': those below come of curvature, or are noise
FARTHEST = 1.5  # samples; a vertex moves no farther
MISSED = 0.05  # samples; an edge farther from the surface is none
WITHIN = 0.1  # how far from its corner towards its middle a triangle is asked for the normal there
AGREES = 0.7  # cosine of the angle to the plane of a triangle from which on a normal is that of another face
SLIVER = 1e-3  # area of triangles that have no more meaning, in squares of a sample


def sharpened(found: pyvista.PolyData, distance: Distance, h: float) -> pyvista.PolyData:
    """The same triangles with vertices on the surface, its edges and its corners. h: distance of the samples.

    Each triangle has corners of its own, with the normals of its side of the edge."""
    import pyvista

    corners = found.regular_faces
    places = np.asarray(found.points, dtype=np.float64)
    for _ in range(2):
        normals = gradient(distance, places, 1e-3 * h)
        places = places - np.clip(distance(places), -h, h)[:, None] * normals
    moved = np.where((np.abs(distance(places)) < h)[:, None], places, found.points)
    target = moved + to_edges(moved, gradient(distance, moved, 1e-3 * h), corners)
    fits = (np.linalg.norm(target - moved, axis=1) < FARTHEST * h) & (np.abs(distance(target)) < MISSED * h)
    moved[fits] = target[fits]
    triangles = moved[corners]
    triangles = triangles[np.linalg.norm(facing(triangles), axis=1) > SLIVER * h**2]
    inside = triangles + WITHIN * (triangles.mean(axis=1, keepdims=True) - triangles)
    outward = gradient(distance, inside.reshape(-1, 3), 1e-3 * h).reshape(triangles.shape)
    turned = np.einsum("na,na->n", facing(triangles), outward.sum(axis=1)) < 0
    triangles[turned], outward[turned] = triangles[turned, ::-1], outward[turned, ::-1]
    plane = facing(triangles)[:, None]
    plane /= np.linalg.norm(plane, axis=2, keepdims=True)
    outward = np.where((outward * plane).sum(axis=2, keepdims=True) < AGREES, plane, outward)
    own = np.arange(3 * len(triangles)).reshape(-1, 3)
    surface = pyvista.PolyData.from_regular_faces(triangles.reshape(-1, 3), own)
    surface.point_data.active_normals = outward.reshape(-1, 3).astype(np.float32)
    return surface


def facing(triangles: Array) -> Array:
    """The normals of triangles [n, 3, 3], as long as their areas are large [n, 3]."""
    a, b, c = (triangles[:, k] for k in range(3))
    return 0.5 * np.cross(b - a, c - a)


def gradient(distance: Distance, places: Array, step: float) -> Array:
    """Of length 1 [n, 3]; on an edge that of one of its sides."""
    sides = [distance(places + step * e) - distance(places - step * e) for e in np.eye(3)]
    slope = np.stack(sides, axis=1)
    size = np.linalg.norm(slope, axis=1, keepdims=True)
    unit: Array = slope / np.where(size > 0, size, 1.0)
    return unit


def to_edges(places: Array, normals: Array, corners: NDArray[np.integer]) -> Array:
    """How far each vertex is from the place that is nearest to the planes of itself and its neighbours [n, 3]."""
    edges = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    here, there = np.concatenate([edges, edges[:, ::-1]]).T
    height = np.einsum("na,na->n", normals[there], places[there] - places[here])
    matrix = np.zeros((len(places), 3, 3))
    right = np.zeros((len(places), 3))
    outer = normals[:, :, None] * normals[:, None, :]
    np.add.at(matrix, here, outer[there])
    np.add.at(right, here, normals[there] * height[:, None])
    values, axes = np.linalg.eigh(matrix + outer)
    told = values > TOLD * values[:, -1:]
    pull = np.einsum("nab,na->nb", axes, right) / np.where(told, values, np.inf)
    found: Array = np.einsum("nab,nb->na", axes, pull)
    return found
