"""How rigid bodies move under gravity and contact, and colliders as they are told."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import FREE, HINGED, LED, frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["advance", "kick"]


@cache
def kick(n: Numbers) -> Any:
    """Poses during the step: V* = V + dt g, and the hinged turn with a.L / I_a about their hinge, L with V*; what is
    led has the velocities `led`; what stands has its place in `still`."""
    r, f = rigid_numbers(n), frames(n)
    real, vec, Pose, Inertia, Twist, flat = r.real, r.vec, r.pose, r.inertia, r.twist, n.vec

    @wp.func
    def moving(pose: Pose, v: vec, omega: vec):
        return Pose(
            pose[0], pose[1], pose[2], pose[3], pose[4], pose[5], pose[6],
            v[0], v[1], v[2], omega[0], omega[1], omega[2],
        )  # fmt: skip

    @wp.func
    def kicked(motion: int, pose: Pose, inertia: Inertia, led: Twist, pull: vec):
        if motion == wp.static(LED):
            return moving(pose, vec(led[0], led[1], led[2]), vec(led[3], led[4], led[5]))
        v = vec(pose[7], pose[8], pose[9]) + pull
        omega = vec(pose[10], pose[11], pose[12])
        if motion == wp.static(HINGED):
            q, position = f.turn(pose), vec(pose[0], pose[1], pose[2])
            axis, arm = vec(inertia[10], inertia[11], inertia[12]), position - vec(inertia[7], inertia[8], inertia[9])
            momentum = wp.dot(axis, f.spin(inertia, q, omega) + inertia[0] * wp.cross(arm, v))
            about = (momentum / f.about_hinge(inertia, q, position)) * axis
            return moving(pose, wp.cross(about, arm), about)
        return moving(pose, v, omega)

    @wp.kernel(module="unique")
    def kernel(
        dt_in: wp.array[real],
        motion_in: wp.array[int],
        pull_in: wp.array[flat],
        inertia_in: wp.array2d[Inertia],
        led_in: wp.array2d[Twist],
        still_in: wp.array2d[Pose],
        rigid_in: wp.array2d[Pose],
        now_out: wp.array2d[Pose],
    ):
        b, c = wp.tid()
        moves = rigid_in.shape[1]
        if c < moves:
            pull = dt_in[b] * f.embedded(pull_in[b])
            now_out[b, c] = kicked(motion_in[c], rigid_in[b, c], inertia_in[b, c], led_in[b, c], pull)
        else:
            now_out[b, c] = still_in[b, c - moves]

    return kernel


@cache
def advance(n: Numbers) -> Any:
    """V' = V* + P / m, L' = I w + T, X' = X + dt V', q' = exp(dt w_half / 2) q, w' = I(q')^-1 L'.

    P [kg m/s] and T [kg m^2/s] are the impulse of the contacts and its moment about the centre; w_half is that of the
    middle of the step, I(q_half)^-1 L', so that L' is kept to rounding and the energy of a free spin to second order.
    The hinged turn with w' = a (a.L') / I_a, L' about the hinge, and what is led keeps its velocities.
    """
    r, f = rigid_numbers(n), frames(n)
    real, vec, quat, Pose, Inertia, Twist = r.real, r.vec, r.quat, r.pose, r.inertia, r.twist

    @wp.func
    def joined(x: vec, q: quat, v: vec, omega: vec):
        return Pose(
            x[0], x[1], x[2], q[0], q[1], q[2], q[3], v[0], v[1], v[2], omega[0], omega[1], omega[2]
        )  # fmt: skip

    @wp.func
    def free(pose: Pose, inertia: Inertia, impulse: vec, moment: vec, dt: real):
        q = f.turn(pose)
        v = vec(pose[7], pose[8], pose[9]) + impulse / inertia[0]
        momentum = f.spin(inertia, q, vec(pose[10], pose[11], pose[12])) + moment
        middle = f.turned(q, (real(0.5) * dt) * f.unspin(inertia, q, momentum))
        after = f.turned(q, dt * f.unspin(inertia, middle, momentum))
        return joined(vec(pose[0], pose[1], pose[2]) + dt * v, after, v, f.unspin(inertia, after, momentum))

    @wp.func
    def hinged(pose: Pose, inertia: Inertia, impulse: vec, moment: vec, dt: real):
        q, position = f.turn(pose), vec(pose[0], pose[1], pose[2])
        point, axis = vec(inertia[7], inertia[8], inertia[9]), vec(inertia[10], inertia[11], inertia[12])
        arm = position - point
        gained = wp.dot(axis, moment + wp.cross(arm, impulse)) / f.about_hinge(inertia, q, position)
        omega = vec(pose[10], pose[11], pose[12]) + gained * axis
        by = f.turned(quat(real(0.0), real(0.0), real(0.0), real(1.0)), dt * omega)
        after = wp.quat_rotate(by, arm)
        return joined(point + after, wp.normalize(by * q), wp.cross(omega, after), omega)

    @wp.func
    def led(pose: Pose, dt: real):
        v, omega = vec(pose[7], pose[8], pose[9]), vec(pose[10], pose[11], pose[12])
        return joined(vec(pose[0], pose[1], pose[2]) + dt * v, f.turned(f.turn(pose), dt * omega), v, omega)

    @wp.kernel(module="unique")
    def kernel(
        dt_in: wp.array[real],
        motion_in: wp.array[int],
        inertia_in: wp.array2d[Inertia],
        now_in: wp.array2d[Pose],
        push_in: wp.array2d[Twist],
        grip_in: wp.array2d[Twist],
        rigid_out: wp.array2d[Pose],
    ):
        b, c = wp.tid()
        push = push_in[b, c] + grip_in[b, c]
        impulse, moment = vec(push[0], push[1], push[2]), vec(push[3], push[4], push[5])
        if motion_in[c] == wp.static(FREE):
            rigid_out[b, c] = free(now_in[b, c], inertia_in[b, c], impulse, moment, dt_in[b])
        elif motion_in[c] == wp.static(HINGED):
            rigid_out[b, c] = hinged(now_in[b, c], inertia_in[b, c], impulse, moment, dt_in[b])
        else:
            rigid_out[b, c] = led(now_in[b, c], dt_in[b])

    return kernel
