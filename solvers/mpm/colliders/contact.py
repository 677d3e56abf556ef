"""Contact of particles with colliders and rigid bodies that matter can leave (Separate, Coulomb)."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.colliders.shapes import distance
from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["COULOMB", "NOTHING", "SEPARATE", "SLIP", "STICK", "press", "pressing", "react"]

NOTHING, SEPARATE, COULOMB, SLIP, STICK = range(5)  # what a collider does to matter


@cache
def meeting(n: Numbers) -> Any:
    """wp.func -> (phi, grad phi) of one collider, the gradient in the frame of the scene; phi = 1 m where the ball
    around the collider is farther than `near`."""
    r, f = rigid_numbers(n), frames(n)
    real, vec, vec4, ivec4, Shape, Pose = r.real, r.vec, r.vec4, r.ivec4, r.shape, r.pose
    phi = distance(n)

    @wp.func
    def met(kind: int, shape: Shape, grid: ivec4, samples: wp.array2d[real], b: int, pose: Pose, arm: vec, near: real):
        if wp.length_sq(arm) > (shape[1] + near) * (shape[1] + near):
            return vec4(real(1.0), real(0.0), real(0.0), real(0.0))
        q = f.turn(pose)
        found = phi(kind, shape, grid, samples, b, wp.quat_rotate_inv(q, arm))
        normal = wp.quat_rotate(q, vec(found[1], found[2], found[3]))
        return vec4(found[0], normal[0], normal[1], normal[2])

    return met


@cache
def press(n: Numbers) -> Any:
    """f_p = k max(0, r_p - phi(x_p)) grad phi,   k = 2 V_p M / dx^2,   as at walls: see `contact`.

    What is heeded feels -f_p dt at x_p. Friction waits at the nodes, which learn how much of it there can be,
    S_i = sum_p w_ip mu |f_p| dt, in which direction, B_i = sum_p w_ip mu f_p dt [kg m/s], and how fast the surfaces
    that bear it go there, D_i = sum_p w_ip mu |f_p| dt u(x_i).
    The last `sides` colliders are sides of the box, which particles within [low, high] do not touch. corners: how many
    nodes a particle sees; a number that the compiler does not know, for few particles touch something and the loop
    over them, were it unrolled, would take long to compile. firmness: 2/dx^2; where two grids carry the particles,
    own_p of each belongs to this one.
    """
    s, r, f, met = stencil(n), rigid_numbers(n), frames(n), meeting(n)
    dim, real, flat, packed, Row, Lattice = n.dim, n.real, n.vec, n.packed, n.row, n.lattice
    vec, ivec4, Shape, Pose, Twist = r.vec, r.ivec4, r.shape, r.pose, r.twist
    side = n.support

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        corners: int,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        radius_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        firmness: real,
        own_in: wp.array2d[real],
        period: vec,
        touch_in: wp.array[int],
        heed_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        sides: int,
        low: flat,
        high: flat,
        x_in: wp.array2d[flat],
        grid_out: wp.array2d[packed],
        bearing_out: wp.array2d[packed],
        drag_out: wp.array2d[flat],
        push_out: wp.array2d[Twist],
    ):
        b, p = wp.tid()
        if wp.static(n.shared):
            if own_in[b, p] == real(0.0):
                return
        x, radius = x_in[b, p], radius_in[b, p]
        end = touch_in.shape[0] - sides
        for a in range(wp.static(dim)):
            if x[a] - radius < low[a] or x[a] + radius > high[a]:
                end = touch_in.shape[0]
        # The adjoint does not run this loop before it goes back through it: nothing made here may be used after it.
        for c in range(end):
            if touch_in[c] == wp.static(SEPARATE) or touch_in[c] == wp.static(COULOMB):
                shape, pose = shape_in[b, c], now_in[b, c]
                arm = f.lever(f.embedded(x), pose, period)
                found = met(kind_in[c], shape, samples_at[c], samples_in, b, pose, arm, radius)
                depth = radius - found[0]
                if depth > real(0.0):
                    inv_dx = lattice.inv_dx
                    at = inv_dx * x
                    anchor = s.anchor(lattice, at, b, p)
                    place = s.place(at)
                    w = s.weights(place)
                    stiffness = firmness * volume_in[b, p] * row_in[b, slot_in[p]][1]
                    if wp.static(n.shared):
                        stiffness = stiffness * own_in[b, p]
                    impulse = (dt_in[b] * stiffness * depth) * vec(found[1], found[2], found[3])
                    if heed_in[c] != 0:
                        wp.atomic_add(push_out, b, c, f.twist(-impulse, -wp.cross(arm, impulse)))
                    lowest = arm - f.embedded(place) / inv_dx
                    friction = shape[0]
                    size = friction * wp.length(impulse)
                    for q in range(corners):
                        i, j, k = (
                            q % wp.static(side),
                            (q // wp.static(side)) % wp.static(side),
                            q // wp.static(side * side),
                        )
                        weight = w[i, 0] * w[j, 1] * w[k, 2]
                        node = s.node(lattice, anchor, i, j, k)
                        share = f.projected(weight * impulse)
                        wp.atomic_add(grid_out, b, node, s.pack(share, real(0.0)))
                        if touch_in[c] == wp.static(COULOMB):
                            bears = weight * size
                            wp.atomic_add(bearing_out, b, node, s.pack(friction * share, bears))
                            u = f.velocity(pose, lowest + vec(real(i), real(j), real(k)) / inv_dx)
                            wp.atomic_add(drag_out, b, node, f.projected(bears * u))

    return kernel


@cache
def react(n: Numbers) -> Any:
    """Friction as what is heeded feels it: -w_ip mu |f_p| dt K_i at x_i, K_i the friction that node i took up for
    each unit of what it can bear. What the nodes lose it gains, and its moment too."""
    s, r, f, met = stencil(n), rigid_numbers(n), frames(n), meeting(n)
    real, flat, Row, Lattice, side = n.real, n.vec, n.row, n.lattice, n.support
    vec, ivec4, Shape, Pose, Twist = r.vec, r.ivec4, r.shape, r.pose, r.twist

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        corners: int,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        radius_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        firmness: real,
        own_in: wp.array2d[real],
        period: vec,
        touch_in: wp.array[int],
        heed_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        x_in: wp.array2d[flat],
        traction_in: wp.array2d[flat],
        push_out: wp.array2d[Twist],
    ):
        b, p = wp.tid()
        if wp.static(n.shared):
            if own_in[b, p] == real(0.0):
                return
        x, radius = x_in[b, p], radius_in[b, p]
        for c in range(touch_in.shape[0]):
            if touch_in[c] == wp.static(COULOMB) and heed_in[c] != 0:
                shape, pose = shape_in[b, c], now_in[b, c]
                arm = f.lever(f.embedded(x), pose, period)
                found = met(kind_in[c], shape, samples_at[c], samples_in, b, pose, arm, radius)
                depth = radius - found[0]
                if depth > real(0.0):
                    inv_dx = lattice.inv_dx
                    at = inv_dx * x
                    anchor = s.anchor(lattice, at, b, p)
                    place = s.place(at)
                    w = s.weights(place)
                    stiffness = firmness * volume_in[b, p] * row_in[b, slot_in[p]][1]
                    if wp.static(n.shared):
                        stiffness = stiffness * own_in[b, p]
                    impulse = (dt_in[b] * stiffness * depth) * vec(found[1], found[2], found[3])
                    size = shape[0] * wp.length(impulse)
                    lowest = arm - f.embedded(place) / inv_dx
                    total, moment = vec(), vec()
                    for q in range(corners):
                        i, j, k = (
                            q % wp.static(side),
                            (q // wp.static(side)) % wp.static(side),
                            q // wp.static(side * side),
                        )
                        bears = w[i, 0] * w[j, 1] * w[k, 2] * size
                        share = -bears * f.embedded(traction_in[b, s.node(lattice, anchor, i, j, k)])
                        total += share
                        moment += wp.cross(lowest + vec(real(i), real(j), real(k)) / inv_dx, share)
                    wp.atomic_add(push_out, b, c, f.twist(total, moment))

    return kernel


@cache
def pressing(n: Numbers) -> Any:
    """sum_p k_p [N/m] over the particles that touch each collider, or will within half a cell: what bounds the step of
    a light body."""
    r, f, met = rigid_numbers(n), frames(n), meeting(n)
    real, flat, Row, Lattice = n.real, n.vec, n.row, n.lattice
    vec, ivec4, Shape, Pose = r.vec, r.ivec4, r.shape, r.pose

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        radius_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        firmness: real,
        period: vec,
        touch_in: wp.array[int],
        heed_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        x_in: wp.array2d[flat],
        stiffness_out: wp.array2d[real],
    ):
        b, p = wp.tid()
        inv_dx = lattice.inv_dx
        near = radius_in[b, p] + real(0.5) / inv_dx
        for c in range(touch_in.shape[0]):
            leavable = touch_in[c] == wp.static(SEPARATE) or touch_in[c] == wp.static(COULOMB)
            if leavable and heed_in[c] != 0:
                pose = now_in[b, c]
                arm = f.lever(f.embedded(x_in[b, p]), pose, period)
                if met(kind_in[c], shape_in[b, c], samples_at[c], samples_in, b, pose, arm, near)[0] < near:
                    stiffness = firmness * volume_in[b, p] * row_in[b, slot_in[p]][1]
                    wp.atomic_add(stiffness_out, b, c, stiffness)

    return kernel
