"""Contact of rigid bodies with walls, colliders and each other, at points of their surfaces."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.colliders.contact import meeting
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import FREE, LED, frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["POINT", "bump", "grip"]


POINT = 6  # of a surface: place about the centre (x, y, z) and radius [m], stiffness [N/m], damping [s/m]


@cache
def touching(n: Numbers) -> Any:
    """wp.func -> (f, unit normal) of a point of a rigid body in something else, and the lever to it from there.

    f = k d max(0, 1 + c d'), d = max(0, r - phi)   [Hunt & Crossley 1975]: it rises from zero and falls to zero without
    a jump. A point is the middle of a small ball: a ball touches by one point, whatever way it rolls."""
    r, f, met = rigid_numbers(n), frames(n), meeting(n)
    real, vec, vec4, ivec4, Shape, Pose = r.real, r.vec, r.vec4, r.ivec4, r.shape, r.pose
    Point = wp.types.vector(POINT, real)

    @wp.func
    def touches(
        kind: int,
        shape: Shape,
        grid: ivec4,
        samples: wp.array2d[real],
        b: int,
        point: Point,
        own: Pose,
        other: Pose,
        arm: vec,
        period: vec,
    ):
        far = f.lever(vec(own[0], own[1], own[2]) + arm, other, period)
        found = met(kind, shape, grid, samples, b, other, far, point[3])
        gradient = vec(found[1], found[2], found[3])
        normal = wp.normalize(gradient)
        depth = wp.max(point[3] - found[0], real(0.0))
        inward = normal * point[3]
        closing = wp.dot(normal, f.velocity(other, far - inward) - f.velocity(own, arm - inward))
        force = point[4] * depth * wp.max(real(1.0) + point[5] * closing, real(0.0)) * wp.length(gradient)
        return vec4(force, normal[0], normal[1], normal[2]), far

    return touches


@cache
def bump(n: Numbers) -> Any:
    """Each point of a rigid body is pushed out of what it is in, which feels the opposite there: see `touching`.

    The load of each body is the sum of |f| dt."""
    r, f, touches = rigid_numbers(n), frames(n), touching(n)
    real, vec, ivec4, Shape, Pose, Twist = r.real, r.vec, r.ivec4, r.shape, r.pose, r.twist
    Point = wp.types.vector(POINT, real)

    @wp.kernel(module="unique")
    def kernel(
        dt_in: wp.array[real],
        period: vec,
        heed_in: wp.array[int],
        meets_in: wp.array2d[real],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        owner_in: wp.array[int],
        point_in: wp.array2d[Point],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        push_out: wp.array2d[Twist],
        load_out: wp.array2d[real],
    ):
        b, j = wp.tid()
        a, point = owner_in[j], point_in[b, j]
        own = now_in[b, a]
        out = wp.quat_rotate(f.turn(own), vec(point[0], point[1], point[2]))
        for c in range(heed_in.shape[0]):
            if meets_in[a, c] > real(0.0):
                found, far = touches(
                    kind_in[c], shape_in[b, c], samples_at[c], samples_in, b, point, own, now_in[b, c], out, period
                )
                if found[0] > real(0.0):
                    normal, size = vec(found[1], found[2], found[3]), dt_in[b] * meets_in[a, c] * found[0]
                    impulse, inward = size * normal, point[3] * normal
                    wp.atomic_add(push_out, b, a, f.twist(impulse, wp.cross(out - inward, impulse)))
                    wp.atomic_add(load_out, b, a, size)
                    if heed_in[c] != 0:
                        wp.atomic_add(push_out, b, c, f.twist(-impulse, -wp.cross(far - inward, impulse)))
                        wp.atomic_add(load_out, b, c, size)

    return kernel


@cache
def grip(n: Numbers) -> Any:
    """J = -t min(mu |f| dt, m_t |t|), t the velocity along the surface that the bodies would have without friction.

    m_t is what of the bodies' mass moves with the point [Mirtich 1996], of which each contact has the share of the load
    that it bears, so that all of them together stop the body and do not throw it back [Tonge et al. 2012]."""
    r, f, touches = rigid_numbers(n), frames(n), touching(n)
    real, vec, ivec4, Shape, Pose, Inertia, Twist = r.real, r.vec, r.ivec4, r.shape, r.pose, r.inertia, r.twist
    Point = wp.types.vector(POINT, real)

    @wp.func
    def pushed(motion: int, pose: Pose, inertia: Inertia, push: Twist, arm: vec):
        """Velocity at the end of the lever after the impulses."""
        v = f.velocity(pose, arm)
        impulse, moment = vec(push[0], push[1], push[2]), vec(push[3], push[4], push[5])
        if motion == wp.static(LED):
            return v
        position = vec(pose[0], pose[1], pose[2])
        if motion == wp.static(FREE):
            return v + impulse / inertia[0] + wp.cross(f.unspin(inertia, f.turn(pose), moment), arm)
        axis, point = vec(inertia[10], inertia[11], inertia[12]), vec(inertia[7], inertia[8], inertia[9])
        about = wp.dot(axis, moment + wp.cross(position - point, impulse))
        return v + (about / f.about_hinge(inertia, f.turn(pose), position)) * wp.cross(axis, position + arm - point)

    @wp.kernel(module="unique")
    def kernel(
        dt_in: wp.array[real],
        period: vec,
        motion_in: wp.array[int],
        heed_in: wp.array[int],
        meets_in: wp.array2d[real],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        owner_in: wp.array[int],
        point_in: wp.array2d[Point],
        shape_in: wp.array2d[Shape],
        inertia_in: wp.array2d[Inertia],
        now_in: wp.array2d[Pose],
        push_in: wp.array2d[Twist],
        load_in: wp.array2d[real],
        grip_out: wp.array2d[Twist],
    ):
        b, j = wp.tid()
        a, point = owner_in[j], point_in[b, j]
        own = now_in[b, a]
        out = wp.quat_rotate(f.turn(own), vec(point[0], point[1], point[2]))
        for c in range(motion_in.shape[0]):
            if meets_in[a, c] > real(0.0) and shape_in[b, c][0] > real(0.0):
                other = now_in[b, c]
                found, far = touches(
                    kind_in[c], shape_in[b, c], samples_at[c], samples_in, b, point, own, other, out, period
                )
                if found[0] > real(0.0):
                    normal, size = vec(found[1], found[2], found[3]), dt_in[b] * meets_in[a, c] * found[0]
                    arm, reach = out - point[3] * normal, far - point[3] * normal
                    past = pushed(motion_in[a], own, inertia_in[b, a], push_in[b, a], arm)
                    if motion_in[c] == wp.static(LED):
                        past = past - f.velocity(other, reach)
                    else:
                        past = past - pushed(motion_in[c], other, inertia_in[b, c], push_in[b, c], reach)
                    along = past - wp.dot(normal, past) * normal
                    speed = wp.length(along)
                    if speed > real(0.0):
                        t = along / speed
                        gives = load_in[b, a] * f.give(motion_in[a], inertia_in[b, a], own, arm, t)
                        if motion_in[c] != wp.static(LED):
                            gives = gives + load_in[b, c] * f.give(motion_in[c], inertia_in[b, c], other, reach, t)
                        if gives > real(0.0):
                            impulse = -wp.min(shape_in[b, c][0] * size, speed * size / gives) * t
                            wp.atomic_add(grip_out, b, a, f.twist(impulse, wp.cross(arm, impulse)))
                            if heed_in[c] != 0:
                                wp.atomic_add(grip_out, b, c, f.twist(-impulse, -wp.cross(reach, impulse)))

    return kernel
