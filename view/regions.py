"""Shapes of a scene as regions of space, from the tables of a file: how far places are from them, where they end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.shapes import Difference, HalfSpace, Intersection, Mesh, Shape, Union
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.scenes.values import vector

if TYPE_CHECKING:
    from scenegrad.engine.geometry.image import Silhouette
    from scenegrad.engine.geometry.mesh import Mesh as Surface

__all__ = ["bounds_of", "distance_to", "middle_of", "placed_mesh", "region"]

Array = NDArray[np.float64]


def region(table: Mapping[str, Any]) -> Shape | None:
    """The shape that a table tells of; None where it cannot be drawn, for its file is gone, has changed or is damaged,
    for its kind is not known here, or for it is a cloud."""
    try:
        shape = Shape.pick(dict(table))
        assert isinstance(shape, Shape)
        bounds_of(shape)
    except (pydantic.ValidationError, PydanticCustomError, EngineError, NotImplementedError):
        return None
    return shape


def distance_to(shape: Shape, points: Array) -> Array:
    """Signed distance of points [n, dim], negative inside [n]; after | & - a bound with the right sign."""
    match shape:
        case Mesh():
            from scenegrad.engine.geometry import signed_distance

            return signed_distance(placed_mesh(shape), points)
        case Image():
            picture, turn, corner = placed_picture(shape)
            return picture.signed_distance((points - corner) @ turn)
        case Union():
            return np.min([distance_to(part, points) for part in shape.parts], axis=0)
        case Intersection():
            return np.max([distance_to(part, points) for part in shape.parts], axis=0)
        case Difference():
            return np.maximum(distance_to(shape.whole, points), -distance_to(shape.removed, points))
        case _:
            return shape.signed_distance(points)


def bounds_of(shape: Shape) -> Array:
    """Lowest and highest corner of a box around a shape [2, dim]; infinite where it has no end."""
    match shape:
        case Mesh():
            return placed_mesh(shape).bounds
        case Image():
            picture, turn, corner = placed_picture(shape)
            (x0, y0), (x1, y1) = picture.low, picture.high
            corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ turn.T + corner
            return np.stack([corners.min(axis=0), corners.max(axis=0)])
        case Points() | Splats():
            raise NotImplementedError("a cloud has no outline")
        case Union():
            parts = np.stack([bounds_of(part) for part in shape.parts])
            return np.stack([parts[:, 0].min(axis=0), parts[:, 1].max(axis=0)])
        case Intersection():
            parts = np.stack([bounds_of(part) for part in shape.parts])
            return np.stack([parts[:, 0].max(axis=0), parts[:, 1].min(axis=0)])
        case Difference():
            return bounds_of(shape.whole)
        case _:
            return np.stack(shape.bounds())


def middle_of(shape: Shape) -> Array:
    """About which a collider turns [dim]; of a shape without an end, its place nearest to the origin."""
    if isinstance(shape, HalfSpace):
        return np.asarray(shape.normal) / np.linalg.norm(shape.normal) * shape.offset
    if getattr(shape, "center", None) is not None:
        return vector(shape.center)  # type: ignore[attr-defined]
    low, high = bounds_of(shape)
    ends = np.isfinite(low) & np.isfinite(high)
    middle = np.zeros(len(low))
    middle[ends] = 0.5 * (low[ends] + high[ends])
    return middle


@lru_cache(maxsize=4)
def placed_mesh(shape: Mesh) -> Surface:
    """The mesh of a file where the scene puts it."""
    from scenegrad.engine.geometry.reading import read_mesh
    from scenegrad.view.setting import MeshBody
    from scenegrad.view.skin import placed

    center = None if shape.center is None else tuple(vector(shape.center))
    return placed(read_mesh(shape.path), MeshBody("", 0, shape.path, shape.scale, shape.rotation, center))


def placed_picture(shape: Image) -> tuple[Silhouette, Array, Array]:
    """A picture's matter, and x = corner + turn y of places y in it."""
    from scenegrad.engine.geometry.image import silhouette

    width, height = shape.size if isinstance(shape.size, tuple) else (shape.size, None)
    found = silhouette(Path(shape.path), shape.matter, shape.threshold, width, height)
    cos, sin = np.cos(np.radians(shape.rotation)), np.sin(np.radians(shape.rotation))
    turn = np.array([[cos, -sin], [sin, cos]])
    corner = np.zeros(2) if shape.center is None else vector(shape.center) - turn @ (0.5 * found.size)
    return found, turn, corner
