"""Shapes of a scene as regions of space, meshes and combinations with meshes among them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import Mesh as Surface
from scenegrad.engine.geometry import read_mesh, signed_distance
from scenegrad.scenes.combination import Combination
from scenegrad.scenes.shapes import Mesh, Shape
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.scenes.values import vector
from scenegrad.solvers.shared.sources import distance_to_cloud, placed_picture, placed_points, placed_splats

__all__ = ["bounds_of", "distance_to", "middle_of", "outside", "placed_mesh"]

Array = NDArray[np.float64]


def distance_to(shape: Shape, points: Array) -> Array:
    """Signed distance of points [n, dim] to a shape, negative inside [n]; after | & - a bound with the right sign."""
    match shape:
        case Mesh():
            return signed_distance(placed_mesh(shape, points.shape[1]), points)
        case Points() | Splats():
            return distance_to_cloud(points, *balls(shape, points.shape[1]))
        case Image():
            return placed_picture(shape).signed_distance(points)
        case Combination():
            return shape.merged(lambda part: distance_to(part, points))
        case _:
            return shape.signed_distance(points)


def bounds_of(shape: Shape, dim: int) -> tuple[Array, Array]:
    """Lowest and highest corner of a box around a shape; infinite where it has no end."""
    match shape:
        case Mesh():
            low, high = placed_mesh(shape, dim).bounds
            return low, high
        case Points() | Splats():
            position, radius = balls(shape, dim)
            return (position - radius[:, None]).min(axis=0), (position + radius[:, None]).max(axis=0)
        case Image():
            return placed_picture(shape).bounds
        case Combination():
            return shape.enclosed(lambda part: bounds_of(part, dim))
        case _:
            return shape.bounds()


def middle_of(shape: Shape, dim: int) -> Array:
    """The middle of the box around a shape, 0 along axes without end [dim]."""
    low, high = bounds_of(shape, dim)
    ends = np.isfinite(low) & np.isfinite(high)
    return np.where(ends, 0.5 * (np.where(ends, low, 0.0) + np.where(ends, high, 0.0)), 0.0)


def outside(corners: tuple[Array, Array], size: Sequence[float], moves: bool = False) -> str:
    """What is wrong with a region between these corners, of which nothing is in the box."""
    low, high, far = (f"({', '.join(f'{x:.4g}' for x in corner)})" for corner in (*corners, size))
    never = "lies outside the box and never comes in" if moves else "lies outside the box"
    return f"{never}: it reaches from {low} to {high}, the box from 0 to {far}. Move it in, or leave it out"


def balls(shape: Points | Splats, dim: int) -> tuple[Array, Array]:
    """A cloud as the region that balls around its places [n, dim] cover, by their radii [n]: those around the cubes
    that points stand for, so that no gap is between them, or the mean standard deviation of a Gaussian."""
    if isinstance(shape, Splats):
        splats = placed_splats(shape)
        return splats.mean, np.cbrt(np.linalg.det(splats.axes))
    cloud = placed_points(shape, dim)
    assert cloud.volume is not None
    return cloud.position, 0.5 * dim**0.5 * cloud.volume ** (1 / dim)


def placed_mesh(shape: Mesh, dim: int) -> Surface:
    """The mesh of a file, scaled, turned about x, then y, then z, and moved so that the middle of its box is at the
    center that the shape names."""
    mesh = loaded(shape.path, shape.sha256, shape.group)
    if mesh.dim != dim:
        raise MeshError(f"{mesh.name} has {mesh.dim} dimensions, the scene has {dim}.")
    if dim == 2 and (any(shape.rotation[:2]) or shape.up not in (None, "z")):
        raise MeshError(
            f"{mesh.name} is flat: it can be turned about z only; got rotation={shape.rotation}, up={shape.up}."
        )
    center = None if shape.center is None else vector(shape.center)
    return mesh.placed(shape.stretch, shape.rotation, shape.axes, center)


@lru_cache(maxsize=8)
def loaded(path: str, sha256: str, group: str | None) -> Surface:
    """sha256 keeps a mesh that was changed on disk apart from the one that was read before."""
    return read_mesh(path, group)
