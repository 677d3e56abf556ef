"""Signed distance to rigid shapes, each about its own middle, with its gradient: the functions that kernels share."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["BALL", "BOX", "CAPSULE", "CYLINDER", "HALF_SPACE", "SAMPLED", "distance"]

BALL, BOX, CAPSULE, CYLINDER, HALF_SPACE, SAMPLED = range(6)  # kinds of shape


@cache
def distance(n: Numbers) -> Any:
    """wp.func (kind, shape, grid, samples, b, y) -> (phi, grad phi), phi < 0 inside, at a place y in its own frame.

    shape: see SHAPE; the numbers of each kind are [m]
    ball: radius; box: half edges; capsule: half of its segment as a vector, radius; cylinder: axis of length 1, radius,
    half height; half space: outward normal; sampled: its lowest sample (x, y, z), their distance.
    grid: of a sampled shape, the place of its first sample among `samples`, and how many there are along each axis.
    Two dimensions are the plane z = 0 of three.
    """
    r = rigid_numbers(n)
    real, vec, vec4, ivec4, Shape = r.real, r.vec, r.vec4, r.ivec4, r.shape
    spline = sampled_distance(n)

    @wp.func
    def joined(phi: real, gradient: vec):
        return vec4(phi, gradient[0], gradient[1], gradient[2])

    @wp.func
    def ball(y: vec, radius: real):
        return joined(wp.length(y) - radius, wp.normalize(y))

    @wp.func
    def box(y: vec, half: vec):
        side = vec(wp.sign(y[0]), wp.sign(y[1]), wp.sign(y[2]))
        q = vec(wp.abs(y[0]) - half[0], wp.abs(y[1]) - half[1], wp.abs(y[2]) - half[2])
        out = vec(wp.max(q[0], real(0.0)), wp.max(q[1], real(0.0)), wp.max(q[2], real(0.0)))
        if wp.length_sq(out) > real(0.0):
            far = wp.length(out)
            return joined(far, wp.cw_mul(side, out) / far)
        if q[0] >= q[1] and q[0] >= q[2]:
            return vec4(q[0], side[0], real(0.0), real(0.0))
        if q[1] >= q[2]:
            return vec4(q[1], real(0.0), side[1], real(0.0))
        return vec4(q[2], real(0.0), real(0.0), side[2])

    @wp.func
    def capsule(y: vec, half: vec, radius: real):
        share = wp.clamp(wp.dot(y, half) / wp.dot(half, half), real(-1.0), real(1.0))
        return ball(y - share * half, radius)

    @wp.func
    def cylinder(y: vec, axis: vec, radius: real, half: real):
        along = wp.dot(y, axis)
        across = y - along * axis
        outward = wp.normalize(across)
        q = wp.length(across) - radius
        h = wp.abs(along) - half
        side = wp.sign(along) * axis
        if q > real(0.0) and h > real(0.0):
            far = wp.sqrt(q * q + h * h)
            return joined(far, (q / far) * outward + (h / far) * side)
        if q > h:
            return joined(q, outward)
        return joined(h, side)

    @wp.func
    def of_primitive(kind: int, shape: Shape, y: vec):
        numbers = vec(shape[5], shape[6], shape[7])
        if kind == wp.static(BALL):
            return ball(y, shape[5])
        if kind == wp.static(BOX):
            return box(y, numbers)
        if kind == wp.static(CAPSULE):
            return capsule(y, numbers, shape[8])
        if kind == wp.static(CYLINDER):
            return cylinder(y, numbers, shape[8], shape[9])
        return joined(wp.dot(y, numbers), numbers)

    @wp.func
    def any_kind(kind: int, shape: Shape, grid: ivec4, samples: wp.array2d[real], b: int, at: vec):
        y = at - vec(shape[2], shape[3], shape[4])
        if kind == wp.static(SAMPLED):
            return spline(shape, grid, samples, b, y)
        return of_primitive(kind, shape, y)

    return any_kind


@cache
def sampled_distance(n: Numbers) -> Any:
    """phi(y) = sum_m c_m B(y/h - m), B the cubic B-spline in each axis: twice continuously differentiable, so that
    contact forces have continuous derivatives. The coefficients c make phi meet the samples. Where the samples end,
    no contact is near, and phi is taken as 1 m."""
    r = rigid_numbers(n)
    real, vec, vec4, ivec4, Shape = r.real, r.vec, r.vec4, r.ivec4, r.shape
    third, sixth = real(2 / 3), real(1 / 6)
    flat = n.dim == 2

    @wp.func
    def weight(s: real):
        a = wp.abs(s)
        if a < real(1.0):
            return third - a * a + real(0.5) * a * a * a
        if a < real(2.0):
            return sixth * (real(2.0) - a) * (real(2.0) - a) * (real(2.0) - a)
        return real(0.0)

    @wp.func
    def slope(s: real):
        a = wp.abs(s)
        if a < real(1.0):
            return s * (real(1.5) * a - real(2.0))
        if a < real(2.0):
            return real(-0.5) * wp.sign(s) * (real(2.0) - a) * (real(2.0) - a)
        return real(0.0)

    @wp.func
    def cell(s: real, count: int):
        """The lowest of the four samples that count; -1 where one of them does not exist."""
        i = int(wp.floor(s)) - 1
        if i < 0 or i + 4 > count:
            return -1
        return i

    @wp.func
    def spline(shape: Shape, grid: ivec4, samples: wp.array2d[real], b: int, y: vec):
        h = shape[8]
        s = (y - vec(shape[5], shape[6], shape[7])) / h
        i, j, k = cell(s[0], grid[1]), cell(s[1], grid[2]), int(0)
        if wp.static(not flat):
            k = cell(s[2], grid[3])
        if i < 0 or j < 0 or k < 0:
            return vec4(real(1.0), real(0.0), real(0.0), real(0.0))
        found = vec4()
        for m in range(wp.where(grid[3] > 1, 64, 16)):  # a range that is not constant, so that it is not unrolled
            mi, mj, mk = i + m % 4, j + (m // 4) % 4, k + m // 16
            a, b_, c = s[0] - real(mi), s[1] - real(mj), real(0.0)
            if wp.static(not flat):
                c = s[2] - real(mk)
            u, v, w = weight(a), weight(b_), real(1.0)
            w_slope = real(0.0)
            if wp.static(not flat):
                w = weight(c)
                w_slope = slope(c)
            value = samples[b, grid[0] + (mi * grid[2] + mj) * grid[3] + mk]
            found += value * vec4(u * v * w, slope(a) * v * w / h, u * slope(b_) * w / h, u * v * w_slope / h)
        return found

    return spline
