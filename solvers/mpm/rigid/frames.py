"""Where a rigid thing stands, how it turns and moves: functions that kernels share."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["FREE", "HINGED", "LED", "Frames", "frames"]

LED, FREE, HINGED = range(3)  # how a rigid thing moves: as it is told, by all forces, about its hinge


class Frames(NamedTuple):
    """Poses are (position, quaternion, velocity, angular velocity); levers reach from the position to a place."""

    embedded: Any  # vector of the scene -> vector in three dimensions
    projected: Any  # and back
    turn: Any  # pose -> its quaternion, of length 1
    lever: Any  # (place, pose, period) -> lever to the nearest image of the place; period: 0 along axes without images
    velocity: Any  # (pose, lever) -> velocity of the material there
    twist: Any  # (linear, angular) -> both in one
    spin: Any  # (inertia, quaternion, angular velocity) -> angular momentum about the centre
    unspin: Any  # (inertia, quaternion, angular momentum) -> angular velocity
    about_hinge: Any  # (inertia, quaternion, position) -> moment of inertia about the hinge's axis
    turned: Any  # (quaternion, rotation vector) -> exp(rotation / 2) quaternion
    give: Any  # (motion, inertia, pose, lever, direction) -> velocity along a direction per impulse along it [1/kg]


@cache
def frames(n: Numbers) -> Frames:
    r = rigid_numbers(n)
    real, vec, mat, quat, Pose, Inertia, Twist, flat = r.real, r.vec, r.mat, r.quat, r.pose, r.inertia, r.twist, n.vec

    if n.dim == 2:

        @wp.func
        def embedded(x: flat):
            return vec(x[0], x[1], real(0.0))

        @wp.func
        def projected(x: vec):
            return flat(x[0], x[1])

    else:

        @wp.func
        def embedded(x: flat):
            return vec(x[0], x[1], x[2])

        @wp.func
        def projected(x: vec):
            return flat(x[0], x[1], x[2])

    @wp.func
    def turn(pose: Pose):
        return wp.normalize(quat(pose[3], pose[4], pose[5], pose[6]))

    @wp.func
    def rounds(d: real, period: real):
        if period > real(0.0):
            return period * wp.round(d / period)
        return real(0.0)

    @wp.func
    def lever(x: vec, pose: Pose, period: vec):
        d = x - vec(pose[0], pose[1], pose[2])
        return d - vec(rounds(d[0], period[0]), rounds(d[1], period[1]), rounds(d[2], period[2]))

    @wp.func
    def velocity(pose: Pose, arm: vec):
        return vec(pose[7], pose[8], pose[9]) + wp.cross(vec(pose[10], pose[11], pose[12]), arm)

    @wp.func
    def twist(linear: vec, angular: vec):
        return Twist(linear[0], linear[1], linear[2], angular[0], angular[1], angular[2])

    @wp.func
    def matrix(inertia: Inertia):
        return mat(
            inertia[1], inertia[4], inertia[6],
            inertia[4], inertia[2], inertia[5],
            inertia[6], inertia[5], inertia[3],
        )  # fmt: skip

    @wp.func
    def spin(inertia: Inertia, q: quat, omega: vec):
        return wp.quat_rotate(q, matrix(inertia) * wp.quat_rotate_inv(q, omega))

    @wp.func
    def unspin(inertia: Inertia, q: quat, momentum: vec):
        return wp.quat_rotate(q, wp.inverse(matrix(inertia)) * wp.quat_rotate_inv(q, momentum))

    @wp.func
    def about_hinge(inertia: Inertia, q: quat, position: vec):
        axis = vec(inertia[10], inertia[11], inertia[12])
        arm = wp.cross(axis, position - vec(inertia[7], inertia[8], inertia[9]))
        return wp.dot(axis, spin(inertia, q, axis)) + inertia[0] * wp.dot(arm, arm)

    @wp.func
    def turned(q: quat, rotation: vec):
        square = wp.dot(rotation, rotation) / real(4.0)
        half = wp.sqrt(wp.max(square, real(1e-12)))
        sinc = wp.sin(half) / half  # its series where the angle is small: the root has no derivative at 0
        cosine = wp.cos(half)
        if square < real(1e-12):
            sinc = real(1.0) - square / real(6.0)
            cosine = real(1.0) - square / real(2.0)
        v = (real(0.5) * sinc) * rotation
        return wp.normalize(quat(v[0], v[1], v[2], cosine) * q)

    @wp.func
    def give(motion: int, inertia: Inertia, pose: Pose, arm: vec, direction: vec):
        if motion == wp.static(LED):
            return real(0.0)
        position = vec(pose[0], pose[1], pose[2])
        if motion == wp.static(HINGED):
            axis = vec(inertia[10], inertia[11], inertia[12])
            reach = position + arm - vec(inertia[7], inertia[8], inertia[9])
            moment = wp.dot(axis, wp.cross(reach, direction))
            return moment * moment / about_hinge(inertia, turn(pose), position)
        moment3 = wp.cross(arm, direction)
        return real(1.0) / inertia[0] + wp.dot(moment3, unspin(inertia, turn(pose), moment3))

    return Frames(
        embedded, projected, turn, lever, velocity, twist, spin, unspin, about_hinge, turned, give
    )  # fmt: skip
