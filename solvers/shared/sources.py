"""Points, pictures and Gaussian splats of a scene, placed where it wants them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.splats import Splats as Gaussians
from scenegrad.engine.files.splats import read_splats
from scenegrad.engine.geometry.image import Silhouette, silhouette
from scenegrad.engine.geometry.points import PointCloud, read_points, usual_spacing
from scenegrad.scenes.sources import Image, Points, Splats
from scenegrad.scenes.values import vector

__all__ = ["Picture", "distance_to_cloud", "placed_picture", "placed_points", "placed_splats", "rotation"]

Array = NDArray[np.float64]


def placed_points(shape: Points, dim: int) -> PointCloud:
    """The points of a file with the volume that each stands for."""
    cloud = cached_points(shape.path, shape.sha256)
    count, own = cloud.position.shape
    if own != dim:
        raise FileError(f"{shape.path} holds points of {own} dimensions, the scene has {dim}.")
    if dim == 2 and any(shape.rotation[:2]):
        raise FileError(f"{shape.path} is flat: it can be turned about z only; got rotation={shape.rotation}.")
    turn = shape.scale * rotation(shape.rotation)[:dim, :dim]
    position = moved(cloud.position, turn, shape.center)
    if shape.spacing is not None:
        return PointCloud(position, np.full(count, shape.spacing**dim))
    if shape.volume is not None:
        return PointCloud(position, np.full(count, shape.volume / count))
    if cloud.volume is None:
        raise FileError(
            f"{shape.path} does not say which volume its {count} points stand for. Give spacing="
            f"{shape.scale * usual_spacing(cloud.position):.3g} (their usual distance), the volume= of all, or a "
            f"column `volume`."
        )
    return PointCloud(position, cloud.volume * shape.scale**dim)


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
    turn = shape.scale * rotation(shape.rotation)
    if shape.center is None and (turn == np.eye(3)).all():
        return splats
    return splats.deformed(moved(splats.mean, turn, shape.center), np.broadcast_to(turn, (len(splats), 3, 3)))


@dataclass(frozen=True)
class Picture:
    """x = corner + turn y for y in the frame of the silhouette."""

    silhouette: Silhouette
    turn: Array  # [2, 2]
    corner: Array  # [2]

    def signed_distance(self, points: Array) -> Array:
        return self.silhouette.signed_distance((points - self.corner) @ self.turn)

    @property
    def bounds(self) -> tuple[Array, Array]:
        (x0, y0), (x1, y1) = self.silhouette.low, self.silhouette.high
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ self.turn.T + self.corner
        return corners.min(axis=0), corners.max(axis=0)


def placed_picture(shape: Image) -> Picture:
    width, height = shape.size if isinstance(shape.size, tuple) else (shape.size, None)
    found = cached_silhouette(shape.path, shape.sha256, shape.matter, shape.threshold, width, height)
    turn = rotation((0.0, 0.0, shape.rotation))[:2, :2]
    if shape.center is None:
        return Picture(found, turn, np.zeros(2))
    return Picture(found, turn, vector(shape.center) - turn @ (0.5 * found.size))


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


def rotation(degrees: tuple[float, float, float]) -> Array:
    """R = R_z R_y R_x"""
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


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
