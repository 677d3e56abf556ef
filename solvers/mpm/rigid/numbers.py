"""The types of rigid things, which live in three dimensions whatever the dimension of the scene."""

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["FELT", "INERTIA", "POSE", "SHAPE", "RigidNumbers", "rigid_numbers"]

SHAPE = 10  # friction, radius of a ball around it, its middle (x, y, z) in its own frame, five numbers of its kind
POSE = 13  # position, quaternion (x, y, z, w), velocity, angular velocity
FELT = 7  # impulse and its moment, and the time that they took
INERTIA = 13  # mass, Ixx Iyy Izz Ixy Iyz Izx about the axes of the body, point and axis of a hinge


class RigidNumbers(NamedTuple):
    """Warp's types in the precision `real`."""

    real: Any
    vec: Any  # [3]
    vec4: Any
    ivec4: Any
    mat: Any  # [3, 3]
    quat: Any
    shape: Any  # [SHAPE]
    pose: Any  # [POSE]
    inertia: Any  # [INERTIA]
    felt: Any  # [FELT]
    twist: Any  # velocity and angular velocity; or impulse and its moment about the centre [6]


@cache
def rigid_numbers(n: Numbers) -> RigidNumbers:
    vector, real = wp.types.vector, n.real
    return RigidNumbers(
        real, vector(3, real), vector(4, real), vector(4, wp.int32), wp.types.matrix((3, 3), real),
        wp.types.quaternion(real), vector(SHAPE, real), vector(POSE, real), vector(INERTIA, real), vector(FELT, real),
        vector(6, real),
    )  # fmt: skip
