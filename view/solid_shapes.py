"""Regions of space as things to draw: filled outlines in the plane, surfaces in space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.scenes.shapes import Box, Capsule, Cylinder, Mesh, Shape, Sphere
from scenegrad.scenes.values import number, vector
from scenegrad.view.regions import bounds_of, distance_to, placed_mesh
from scenegrad.view.sharpening import sharpened
from scenegrad.view.surfaces import surface

if TYPE_CHECKING:
    import pyvista

__all__ = ["centroid", "filling", "skin_of"]

Array = NDArray[np.float64]

FINE = {2: 400, 3: 80}  # samples of a distance along the longest edge
ROUND = 96  # corners of what is round


def skin_of(shape: Shape, room: Array) -> pyvista.PolyData:
    """The surface of a shape in space. room [2, 3]: where a shape without an end is cut off."""
    import pyvista

    match shape:
        case Box():
            return pyvista.Box(bounds=np.ravel(bounds_of(shape), order="F"), quads=False)
        case Sphere():
            return pyvista.Sphere(
                radius=number(shape.radius), center=vector(shape.center), theta_resolution=ROUND,
                phi_resolution=ROUND // 2,
            )  # fmt: skip
        case Cylinder():
            return pyvista.Cylinder(
                center=vector(shape.center), direction=shape.axis, radius=number(shape.radius),
                height=number(shape.height), resolution=ROUND,
            ).triangulate()  # fmt: skip
        case Capsule():
            return pyvista.Capsule(
                center=vector(shape.center), direction=shape.axis, radius=number(shape.radius),
                cylinder_length=number(shape.height), resolution=ROUND // 2,
            )  # fmt: skip
        case Mesh():
            return surface(placed_mesh(shape))
        case _:
            grid = sampled(shape, room)
            found = grid.contour([0.0], scalars="distance", compute_normals=False)
            return sharpened(found, lambda x: distance_to(shape, x), grid.spacing[0]) if found.n_cells else found


def filling(shape: Shape, room: Array) -> tuple[pyvista.PolyData, pyvista.PolyData]:
    """A region of the plane and its outline, at z = 0."""
    grid = sampled(shape, room[:, :2])
    whole = grid.clip_scalar(scalars="distance", value=0.0, invert=True).extract_surface(algorithm="dataset_surface")
    return whole.triangulate(), grid.contour([0.0], scalars="distance")


def sampled(shape: Shape, room: Array) -> pyvista.ImageData:
    """Signed distance on a grid around a shape, with a sample or two of room beyond it."""
    import pyvista

    bounds = bounds_of(shape)
    low = np.where(np.isfinite(bounds[0]), bounds[0], room[0])
    high = np.maximum(np.where(np.isfinite(bounds[1]), bounds[1], room[1]), low)
    h = max(float((high - low).max()), 1e-12) / FINE[len(low)]
    counts = np.ceil((high - low) / h).astype(int) + 4
    start = 0.5 * (low + high) - 0.5 * h * (counts - 1)
    axes = [first + h * np.arange(n) for first, n in zip(start, counts, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = distance_to(shape, places.reshape(-1, len(low))).reshape(counts)
    pad = 3 - len(low)
    grid = pyvista.ImageData(
        dimensions=(*counts, *(1,) * pad), spacing=(h,) * 3, origin=(*start, *(0.0,) * pad)
    )  # fmt: skip
    grid.point_data["distance"] = values.ravel(order="F")
    return grid


def centroid(drawn: pyvista.PolyData, flat: bool) -> Array:
    """The middle of the area of triangles in the plane, or of the volume inside a closed surface [3]."""
    corners = drawn.points[drawn.triangulate().regular_faces].astype(np.float64)
    if flat:
        a, b, c = (corners[:, k, :2] for k in range(3))
        weight = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
        middle = corners.mean(axis=1)
    else:
        origin = corners.reshape(-1, 3).mean(axis=0)  # of tetrahedra from here to each triangle
        weight = np.linalg.det(corners - origin) / 6
        middle = 0.25 * (corners.sum(axis=1) + origin)
    found: Array = weight @ middle / weight.sum()
    return found
