"""Where the region of finer cells is in a step, and which share of each particle its grid carries."""

# mypy: disable-error-code="attr-defined, index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["Blending", "blending", "drift", "follow", "middle", "node_shares", "shares"]

MOMENTS = {2: (1 / 4, 13 / 80), 3: (1 / 3, 3 / 10)}  # int s^2 N and int s^4 N of the splines, by degree


@cache
def middle(n: Numbers) -> Any:
    """c = c_fixed + sum_p weight_p x_p [m], the place of the region."""
    real, vec = n.real, n.vec

    @wp.kernel(module="unique")
    def kernel(fixed: vec, weight_in: wp.array2d[real], x_in: wp.array2d[vec], center_out: wp.array[vec]):
        b, p = wp.tid()
        if p == 0:
            wp.atomic_add(center_out, b, fixed)
        if weight_in[b, p] > real(0.0):
            wp.atomic_add(center_out, b, weight_in[b, p] * x_in[b, p])

    return kernel


@cache
def drift(n: Numbers) -> Any:
    """dc = dt sum_p weight_p v_p [m], by which the region moves in the step."""
    real, vec = n.real, n.vec

    @wp.kernel(module="unique")
    def kernel(weight_in: wp.array2d[real], dt_in: wp.array[real], v_in: wp.array2d[vec], drift_out: wp.array[vec]):
        b, p = wp.tid()
        if weight_in[b, p] > real(0.0):
            wp.atomic_add(drift_out, b, (dt_in[b] * weight_in[b, p]) * v_in[b, p])

    return kernel


@cache
def follow(n: Numbers) -> Any:
    """c += sign X, X the position of the rigid thing that the region follows [m]."""
    r, f = rigid_numbers(n), frames(n)
    real, vec, place, Pose = n.real, n.vec, r.vec, r.pose

    @wp.kernel(module="unique")
    def kernel(number: int, sign: real, pose_in: wp.array2d[Pose], center_out: wp.array[vec]):
        b = wp.tid()
        pose = pose_in[b, number]
        wp.atomic_add(center_out, b, sign * f.projected(place(pose[0], pose[1], pose[2])))

    return kernel


class Blending(NamedTuple):
    """theta and what follows from it; see refined/refinement.py."""

    along: Any  # (x_a - c_a, half_a, blend, period_a) -> s, of one axis
    share: Any  # (x - c, half, blend, period) -> theta
    lean: Any  # (x - c, half, blend, period) -> grad theta [1/m]
    inverse_spread: Any  # (theta, fine dx, coarse dx) -> 1/D, D = theta D_fine + (1 - theta) D_coarse [1/m^2]


@cache
def blending(n: Numbers) -> Blending:
    real, vec, spread = n.real, n.vec, n.real(n.scheme.spread)

    @wp.func
    def nearest(d: real, period: real):
        if period > real(0.0):
            return d - period * wp.round(d / period)
        return d

    @wp.func
    def inside(d: real, half: real, blend: real):
        return wp.clamp(real(1.0) - (wp.abs(d) - half) / blend, real(0.0), real(1.0))

    @wp.func
    def along(d: real, half: real, blend: real, period: real):
        t = inside(nearest(d, period), half, blend)
        return t * t * t * (real(10.0) - t * (real(15.0) - real(6.0) * t))

    @wp.func
    def share(away: vec, half: vec, blend: real, period: vec):
        theta = real(1.0)
        for a in range(wp.static(n.dim)):
            theta = theta * along(away[a], half[a], blend, period[a])
        return theta

    @wp.func
    def lean(away: vec, half: vec, blend: real, period: vec):
        found = vec()
        for a in range(wp.static(n.dim)):
            d = nearest(away[a], period[a])
            t = inside(d, half[a], blend)
            slope = (real(-30.0) / blend) * wp.sign(d) * (t * (real(1.0) - t)) * (t * (real(1.0) - t))
            for other in range(wp.static(n.dim)):
                if wp.static(other != a):
                    slope = slope * along(away[other], half[other], blend, period[other])
            found[a] = slope
        return found

    @wp.func
    def inverse_spread(theta: real, fine_dx: real, coarse_dx: real):
        return real(1.0) / (spread * (theta * fine_dx * fine_dx + (real(1.0) - theta) * coarse_dx * coarse_dx))

    return Blending(along, share, lean, inverse_spread)


@cache
def shares(n: Numbers) -> Any:
    """theta_p for the fine grid, 1 - theta_p for the coarse one, and the gradients of both [1/m]."""
    real, vec, blend_of = n.real, n.vec, blending(n)

    @wp.kernel(module="unique")
    def kernel(
        half: vec,
        blend: real,
        period: vec,
        x_in: wp.array2d[vec],
        center_in: wp.array[vec],
        fine_out: wp.array2d[real],
        coarse_out: wp.array2d[real],
        lean_fine_out: wp.array2d[vec],
        lean_coarse_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        away = x_in[b, p] - center_in[b]
        theta = blend_of.share(away, half, blend, period)
        lean = blend_of.lean(away, half, blend, period)
        fine_out[b, p] = theta
        coarse_out[b, p] = real(1.0) - theta
        lean_fine_out[b, p] = lean
        lean_coarse_out[b, p] = -lean

    return kernel


@cache
def node_shares(n: Numbers) -> Any:
    """outer (1 - Theta_i) + inner Theta_i,   Theta_i = int N_i theta dx / dx^dim, at each node.

    Axis by axis by Gauss's rule of three points for the spline as weight, exact for polynomials of degree 5."""
    s, real, vec, Lattice, blend_of = stencil(n), n.real, n.vec, n.lattice, blending(n)
    second, fourth = MOMENTS[n.support - 1]
    out, side = real((fourth / second) ** 0.5), real(0.5 * second**2 / fourth)

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        half: vec,
        blend: real,
        period: vec,
        outer: real,
        inner: real,
        center_in: wp.array[vec],
        share_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        away, theta = s.position(lattice, i) - center_in[b], real(1.0)
        reach = out / lattice.inv_dx
        for a in range(wp.static(n.dim)):
            below = blend_of.along(away[a] - reach, half[a], blend, period[a])
            above = blend_of.along(away[a] + reach, half[a], blend, period[a])
            here = blend_of.along(away[a], half[a], blend, period[a])
            theta = theta * (side * (below + above) + (real(1.0) - real(2.0) * side) * here)
        share_out[b, i] = outer * (real(1.0) - theta) + inner * theta

    return kernel
