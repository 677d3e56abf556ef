"""Points, pictures and Gaussian splats of a scene, placed where it wants them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.splats import Splats as Gaussians
from scenegrad.engine.files.splats import read_splats
from scenegrad.engine.geometry.image import Picture, Silhouette, silhouette
from scenegrad.engine.geometry.points import PointCloud, read_points, usual_spacing
from scenegrad.engine.geometry.turning import rotation
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.scenes.values import vector

__all__ = ["distance_to_cloud", "placed_picture", "placed_points", "placed_splats"]

Array = NDArray[np.float64]


def placed_points(shape: Points, dim: int) -> PointCloud:
    """The points of a file with the volume that each stands for."""
    cloud = cached_points(shape.path, shape.sha256)
    count, own = cloud.position.shape
    if own != dim:
        raise FileError(f"{shape.path} holds points of {own} dimensions, the scene has {dim}.")
    if dim == 2 and (any(shape.rotation[:2]) or shape.up not in (None, "z")):
        raise FileError(
            f"{shape.path} is flat: it can be turned about z only; got rotation={shape.rotation}, up={shape.up}."
        )
    turn = rotation(shape.rotation)
    turn = shape.stretch * (turn @ shape.axes if dim == 3 else turn[:2, :2])
    position = moved(cloud.position, turn, shape.center)
    if shape.spacing is not None:
        return PointCloud(position, np.full(count, shape.spacing**dim))
    if shape.volume is not None:
        return PointCloud(position, np.full(count, shape.volume / count))
    if cloud.volume is None:
        raise FileError(
            f"{shape.path} does not say which volume its {count} points stand for. Give spacing="
            f"{shape.stretch * usual_spacing(cloud.position):.3g} (their usual distance), the volume= of all, or a "
            f"column `volume`."
        )
    return PointCloud(position, cloud.volume * shape.stretch**dim)


@lru_cache(maxsize=4)
def placed_splats(shape: Splats) -> Gaussians:
    """The Gaussians that are opaque enough, with means, covariances and colours turned into the scene."""
    splats = cached_splats(shape.path, shape.sha256)
    clear = splats.opacity >= shape.opacity_min
    if not clear.any():
        raise FileError(
            f"{shape.path} has {len(splats)} Gaussians and none with an opacity of {shape.opacity_min:g} or more"
            + (f"; the most opaque has {splats.opacity.max():.3g}. Lower opacity_min." if len(splats) else ".")
        )
    splats = splats.chosen(clear)
    turn = shape.stretch * rotation(shape.rotation) @ shape.axes
    if shape.center is None and (turn == np.eye(3)).all():
        return splats
    return splats.deformed(moved(splats.mean, turn, shape.center), np.broadcast_to(turn, (len(splats), 3, 3)))


def placed_picture(shape: Image) -> Picture:
    width, height = shape.size if isinstance(shape.size, tuple) else (shape.size, None)
    found = cached_silhouette(shape.path, shape.sha256, shape.matter, shape.threshold, width, height)
    return found.placed(shape.rotation, None if shape.center is None else vector(shape.center))


def distance_to_cloud(points: Array, position: Array, radius: Array) -> Array:
    """Distance from points [n, dim] to the nearest place, less its radius: negative inside [n]."""
    from scipy.spatial import cKDTree

    distance, nearest = cKDTree(position).query(points)
    return distance - radius[nearest]


def moved(position: Array, turn: Array, center: object) -> Array:
    """x' = center + A (x - middle), or A x without a center."""
    if center is None:
        return position @ turn.T
    middle = 0.5 * (position.min(axis=0) + position.max(axis=0))
    return (position - middle) @ turn.T + vector(center)


# sha256 keeps a file that was changed on disk apart from the one that was read before.


@lru_cache(maxsize=8)
def cached_points(path: str, sha256: str) -> PointCloud:
    return read_points(path)


@lru_cache(maxsize=4)
def cached_splats(path: str, sha256: str) -> Gaussians:
    return read_splats(path)


@lru_cache(maxsize=8)
def cached_silhouette(
    path: str, sha256: str, matter: str, threshold: float, width: float, height: float | None
) -> Silhouette:
    return silhouette(path, matter, threshold, width, height)
