"""Nodes held by colliders and rigid bodies to which matter clings (Stick, Slip)."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.colliders.contact import SLIP, STICK, meeting
from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["cling", "weigh"]


class Holding(NamedTuple):
    """How firmly obstacles hold a place."""

    one: Any  # of one obstacle -> (h, its unit normal), h = 1 inside, 0 half a cell outside
    all: Any  # sum of h over all to which matter clings


@cache
def holding(n: Numbers) -> Holding:
    """h = s^2 (3 - 2s),   s = 1/2 - phi/dx, kept between 0 and 1: the derivative by the obstacle's place exists."""
    r, f, met = rigid_numbers(n), frames(n), meeting(n)
    real, vec, vec4, ivec4, Shape, Pose = r.real, r.vec, r.vec4, r.ivec4, r.shape, r.pose

    @wp.func
    def one(
        kind: int, shape: Shape, grid: ivec4, samples: wp.array2d[real], b: int, pose: Pose, arm: vec, inv_dx: real
    ):
        found = met(kind, shape, grid, samples, b, pose, arm, real(1.0) / inv_dx)
        s = wp.clamp(real(0.5) - found[0] * inv_dx, real(0.0), real(1.0))
        normal = wp.normalize(vec(found[1], found[2], found[3]))
        return vec4(s * s * (real(3.0) - real(2.0) * s), normal[0], normal[1], normal[2])

    @wp.func
    def whole(
        touch: wp.array[int],
        kind: wp.array[int],
        samples_at: wp.array[ivec4],
        samples: wp.array2d[real],
        shape: wp.array2d[Shape],
        now: wp.array2d[Pose],
        period: vec,
        b: int,
        x: vec,
        inv_dx: real,
    ):
        total = real(0.0)
        for c in range(touch.shape[0]):
            if touch[c] == wp.static(SLIP) or touch[c] == wp.static(STICK):
                arm = f.lever(x, now[b, c], period)
                total += one(kind[c], shape[b, c], samples_at[c], samples, b, now[b, c], arm, inv_dx)[0]
        return total

    return Holding(one, whole)


@cache
def weigh(n: Numbers) -> Any:
    """A = sum_i m_i h_i G_i' Q G_i and b = sum_i m_i h_i G_i' Q v_i of what is heeded and matter clings to.

    G_i twist is the body's velocity at node i; Q lets all through where matter sticks, and the part along the normal
    where it slips. Where several hold one node, h_i is shared out: h / (1 + those of the others)."""
    s, r, f, held = stencil(n), rigid_numbers(n), frames(n), holding(n)
    dim, real, flat, packed, Lattice = n.dim, n.real, n.vec, n.packed, n.lattice
    vec, ivec4, Shape, Pose, Twist = r.vec, r.ivec4, r.shape, r.pose, r.twist
    Square = wp.types.matrix((6, 6), real)

    @wp.func
    def axis(a: int):
        if a == 0:
            return vec(real(1.0), real(0.0), real(0.0))
        if a == 1:
            return vec(real(0.0), real(1.0), real(0.0))
        return vec(real(0.0), real(0.0), real(1.0))

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        lightest: wp.array[real],
        image_in: wp.array2d[wp.uint8],
        period: vec,
        touch_in: wp.array[int],
        heed_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        grid_in: wp.array2d[packed],
        v_in: wp.array2d[flat],
        weight_out: wp.array2d[Square],
        carried_out: wp.array2d[Twist],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(dim)]
        if m > lightest[b] and image_in[b, i] == wp.uint8(0):
            x, v = f.embedded(s.position(lattice, i)), f.embedded(v_in[b, i])
            total = held.all(touch_in, kind_in, samples_at, samples_in, shape_in, now_in, period, b, x, lattice.inv_dx)
            for c in range(touch_in.shape[0]):
                clings = touch_in[c] == wp.static(SLIP) or touch_in[c] == wp.static(STICK)
                if clings and heed_in[c] != 0:
                    arm = f.lever(x, now_in[b, c], period)
                    found = held.one(
                        kind_in[c], shape_in[b, c], samples_at[c], samples_in, b, now_in[b, c], arm, lattice.inv_dx
                    )
                    share = m * found[0] / (real(1.0) + total - found[0])
                    if share > real(0.0):
                        if touch_in[c] == wp.static(SLIP):
                            normal = vec(found[1], found[2], found[3])
                            g = f.twist(normal, wp.cross(arm, normal))
                            wp.atomic_add(weight_out, b, c, share * wp.outer(g, g))
                            wp.atomic_add(carried_out, b, c, (share * wp.dot(normal, v)) * g)
                        else:
                            for a in range(wp.static(dim)):
                                e = axis(a)
                                g = f.twist(e, wp.cross(arm, e))
                                wp.atomic_add(weight_out, b, c, share * wp.outer(g, g))
                                wp.atomic_add(carried_out, b, c, (share * wp.dot(e, v)) * g)

    return kernel


@cache
def cling(n: Numbers) -> Any:
    """v' = v + sum_c h_c Q_c (u_c - v), u_c the velocity of obstacle c there; see `weigh`. Every node is written;
    images of others get their velocity from those."""
    s, r, f, held = stencil(n), rigid_numbers(n), frames(n), holding(n)
    dim, real, flat, packed, Lattice = n.dim, n.real, n.vec, n.packed, n.lattice
    vec, ivec4, Shape, Pose, Twist = r.vec, r.ivec4, r.shape, r.pose, r.twist

    @wp.func
    def gained(
        touch: wp.array[int],
        kind: wp.array[int],
        samples_at: wp.array[ivec4],
        samples: wp.array2d[real],
        shape: wp.array2d[Shape],
        now: wp.array2d[Pose],
        clung: wp.array2d[Twist],
        period: vec,
        b: int,
        x: vec,
        v: vec,
        inv_dx: real,
        total: real,
    ):
        change = vec()
        for c in range(touch.shape[0]):
            if touch[c] == wp.static(SLIP) or touch[c] == wp.static(STICK):
                arm = f.lever(x, now[b, c], period)
                found = held.one(kind[c], shape[b, c], samples_at[c], samples, b, now[b, c], arm, inv_dx)
                twist = clung[b, c]
                u = vec(twist[0], twist[1], twist[2]) + wp.cross(vec(twist[3], twist[4], twist[5]), arm)
                pull = (found[0] / (real(1.0) + total - found[0])) * (u - v)
                if touch[c] == wp.static(SLIP):
                    normal = vec(found[1], found[2], found[3])
                    change += wp.dot(normal, pull) * normal
                else:
                    change += pull
        return change

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        lightest: wp.array[real],
        image_in: wp.array2d[wp.uint8],
        period: vec,
        touch_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        clung_in: wp.array2d[Twist],
        grid_in: wp.array2d[packed],
        v_in: wp.array2d[flat],
        v_out: wp.array2d[flat],
    ):
        b, i = wp.tid()
        v = v_in[b, i]
        if grid_in[b, i][wp.static(dim)] > lightest[b] and image_in[b, i] == wp.uint8(0):
            x, inv_dx = f.embedded(s.position(lattice, i)), lattice.inv_dx
            total = held.all(touch_in, kind_in, samples_at, samples_in, shape_in, now_in, period, b, x, inv_dx)
            change = gained(
                touch_in, kind_in, samples_at, samples_in, shape_in, now_in, clung_in, period, b, x,
                f.embedded(v), inv_dx, total,
            )  # fmt: skip
            v_out[b, i] = v + f.projected(change)
        else:
            v_out[b, i] = v

    return kernel
