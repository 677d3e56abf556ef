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
from scenegrad.scenes.combination import Combination
from scenegrad.scenes.shapes import Mesh, Shape
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.scenes.values import vector

if TYPE_CHECKING:
    from scenegrad.engine.geometry.image import Picture
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
            return placed_picture(shape).signed_distance(points)
        case Combination():
            return shape.merged(lambda part: distance_to(part, points))
        case _:
            return shape.signed_distance(points)


def bounds_of(shape: Shape) -> tuple[Array, Array]:
    """Lowest and highest corner of a box around a shape; infinite where it has no end."""
    match shape:
        case Mesh():
            low, high = placed_mesh(shape).bounds
            return low, high
        case Image():
            return placed_picture(shape).bounds
        case Points() | Splats():
            raise NotImplementedError("a cloud has no outline")
        case Combination():
            return shape.enclosed(bounds_of)
        case _:
            return shape.bounds()


def middle_of(shape: Shape) -> Array:
    """About which a collider turns [dim]."""
    return shape.middle(bounds_of)


@lru_cache(maxsize=4)
def placed_mesh(shape: Mesh) -> Surface:
    """The mesh of a file where the scene puts it."""
    from scenegrad.engine.geometry.reading import read_mesh

    center = None if shape.center is None else vector(shape.center)
    return read_mesh(shape.path, shape.group).placed(shape.stretch, shape.rotation, shape.axes, center)


def placed_picture(shape: Image) -> Picture:
    from scenegrad.engine.geometry.image import silhouette

    width, height = shape.size if isinstance(shape.size, tuple) else (shape.size, None)
    found = silhouette(Path(shape.path), shape.matter, shape.threshold, width, height)
    return found.placed(shape.rotation, None if shape.center is None else vector(shape.center))
