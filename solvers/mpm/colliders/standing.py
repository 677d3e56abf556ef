"""How colliders and rigid bodies stand at the start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scenegrad.engine.geometry.turning import rotation
from scenegrad.scenes.colliders import Collider, RigidBody
from scenegrad.scenes.shapes import Shape
from scenegrad.scenes.values import vector
from scenegrad.solvers.mpm.rigid.mass import filled
from scenegrad.solvers.shared.regions import bounds_of, distance_to

__all__ = ["frame_of", "middle_of", "quaternion", "turned_distance"]

Array = NDArray[np.float64]


def middle_of(shape: Shape, dim: int) -> Array:
    """About which it turns where nothing else is said."""
    return shape.middle(lambda part: bounds_of(part, dim))


def frame_of(solid: Collider | RigidBody, dim: int) -> tuple[Array, Array]:
    """The place [dim] about which a collider or rigid body is turned at the start, and by which matrix [dim, dim]."""
    if isinstance(solid, RigidBody):
        center = filled(solid.shape, dim).center
    elif solid.motion is not None and solid.motion.center is not None:
        center = vector(solid.motion.center)
    else:
        center = middle_of(solid.shape, dim)
    return center, Rotation.from_quat(quaternion(solid.rotation)).as_matrix()[:dim, :dim]


def turned_distance(solid: Collider | RigidBody, places: Array) -> Array:
    """Signed distance of places [n, dim] at the start."""
    center, turn = frame_of(solid, places.shape[1])
    return distance_to(solid.shape, center + (places - center) @ turn)


def quaternion(degrees: float | tuple[float, float, float] | None) -> Array:
    """(x, y, z, w) of turns about x, then y, then z; of one turn about z."""
    turns = (0.0, 0.0, 0.0) if degrees is None else degrees if isinstance(degrees, tuple) else (0.0, 0.0, degrees)
    found: Array = Rotation.from_matrix(rotation(turns)).as_quat()
    return found
