"""Colliders and rigid bodies in an implicit step: they press where they and the particles will be, hold nodes by a firm
drag, and feel what they do to matter."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.colliders.cling import holding
from scenegrad.solvers.mpm.colliders.contact import COULOMB, SEPARATE, SLIP, STICK, meeting
from scenegrad.solvers.mpm.contact import STIFFNESS
from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.rigid.frames import frames
from scenegrad.solvers.mpm.rigid.numbers import rigid_numbers

__all__ = ["clinging", "press_of_obstacles", "pushes_of_particles"]


@cache
def press_of_obstacles(n: Numbers) -> Any:
    """q = sum over obstacles of k max(0, r - phi) grad phi [N] at x + dt v, k and the sides as in colliders/contact.py:
    both the particle and the obstacle stand where they will be. The array is added to."""
    r, f, met = rigid_numbers(n), frames(n), meeting(n)
    dim, real, flat, Row, Lattice = n.dim, n.real, n.vec, n.row, n.lattice
    vec, ivec4, Shape, Pose = r.vec, r.ivec4, r.shape, r.pose

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        radius_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        period: vec,
        touch_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        then_in: wp.array2d[Pose],
        sides: int,
        low: flat,
        high: flat,
        x_in: wp.array2d[flat],
        speed_in: wp.array2d[flat],
        thrust_out: wp.array2d[flat],
    ):
        b, p = wp.tid()
        x, radius = x_in[b, p] + dt_in[b] * speed_in[b, p], radius_in[b, p]
        stiffness = real(STIFFNESS) * lattice.inv_dx * lattice.inv_dx * volume_in[b, p] * row_in[b, slot_in[p]][1]
        end = touch_in.shape[0] - sides
        for a in range(wp.static(dim)):
            if x[a] - radius < low[a] or x[a] + radius > high[a]:
                end = touch_in.shape[0]
        # The adjoint does not run this loop before it goes back through it: nothing made here may be used after it.
        for c in range(end):
            if touch_in[c] == wp.static(SEPARATE) or touch_in[c] == wp.static(COULOMB):
                pose = then_in[b, c]
                arm = f.lever(f.embedded(x), pose, period)
                found = met(kind_in[c], shape_in[b, c], samples_at[c], samples_in, b, pose, arm, radius)
                depth = radius - found[0]
                if depth > real(0.0):
                    force = (stiffness * depth) * vec(found[1], found[2], found[3])
                    wp.atomic_add(thrust_out, b, p, f.projected(force))

    return kernel


@cache
def clinging(n: Numbers) -> Any:
    """G = sum_c k_c Q_c, g = sum_c k_c Q_c u_c [kg m/s],  k_c = k h_c / (1 - sum h);   h, Q, u: see colliders/cling.py.

    Of one obstacle, and without other forces, G v - g + k (v - v0) = 0 is what `cling` does there:
    v = v0 + h Q (u - v0). k = m + dt^2 K, K the stiffness of what presses against something there [N/m]: nodes are held
    as firmly as their matter resists, whatever the length of the step.
    """
    s, r, f, held = stencil(n), rigid_numbers(n), frames(n), holding(n)
    dim, real, flat, mat, packed, Lattice = n.dim, n.real, n.vec, n.mat, n.packed, n.lattice
    vec, ivec4, Shape, Pose = r.vec, r.ivec4, r.shape, r.pose
    least = real(1e-5) if n.real == wp.float64 else real(1e-3)  # firmer holds would round away what goes along them

    @wp.func
    def shares(
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
        total: real,
    ):
        """sum h Q, sum h Q u and sum h; what is made of them is made elsewhere: the adjoint does not run this loop
        before it goes back through it"""
        G, g, sum_of_shares = mat(), flat(), real(0.0)
        for c in range(touch.shape[0]):
            if touch[c] == wp.static(SLIP) or touch[c] == wp.static(STICK):
                arm = f.lever(x, now[b, c], period)
                found = held.one(kind[c], shape[b, c], samples_at[c], samples, b, now[b, c], arm, inv_dx)
                share = found[0] / (real(1.0) + total - found[0])
                sum_of_shares += share
                u = f.projected(f.velocity(now[b, c], arm))
                if touch[c] == wp.static(SLIP):
                    normal = f.projected(vec(found[1], found[2], found[3]))
                    G += share * wp.outer(normal, normal)
                    g += (share * wp.dot(normal, u)) * normal
                else:
                    G += share * wp.identity(n=wp.static(dim), dtype=real)
                    g += share * u
        return G, g, sum_of_shares

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        lightest: wp.array[real],
        dt_in: wp.array[real],
        period: vec,
        touch_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        now_in: wp.array2d[Pose],
        grid_in: wp.array2d[packed],
        resists_in: wp.array2d[flat],
        cling_out: wp.array2d[mat],
        tow_out: wp.array2d[flat],
    ):
        b, i = wp.tid()
        G, g = mat(), flat()
        m, inv_dx = grid_in[b, i][wp.static(dim)], lattice.inv_dx
        if m > lightest[b]:
            x = f.embedded(s.position(lattice, i))
            total = held.all(touch_in, kind_in, samples_at, samples_in, shape_in, now_in, period, b, x, inv_dx)
            if total > real(0.0):
                firm, carried, whole = shares(
                    touch_in, kind_in, samples_at, samples_in, shape_in, now_in, period, b, x, inv_dx, total
                )
                stiffness = real(STIFFNESS) * inv_dx * inv_dx * resists_in[b, i][0]
                k = (m + dt_in[b] * dt_in[b] * stiffness) / (real(1.0) + least - whole)
                G = k * firm
                g = k * carried
        cling_out[b, i] = G
        tow_out[b, i] = g

    return kernel


@cache
def pushes_of_particles(n: Numbers) -> Any:
    """What heeded obstacles feel of particles that they press: -q dt, and its moment about where they stand now, of the
    place where the particle stands now. The nodes get q there, so that no angular momentum is lost."""
    r, f, met = rigid_numbers(n), frames(n), meeting(n)
    real, flat, Row, Lattice = n.real, n.vec, n.row, n.lattice
    vec, ivec4, Shape, Pose, Twist = r.vec, r.ivec4, r.shape, r.pose, r.twist

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        volume_in: wp.array2d[real],
        radius_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        period: vec,
        touch_in: wp.array[int],
        kind_in: wp.array[int],
        samples_at: wp.array[ivec4],
        samples_in: wp.array2d[real],
        shape_in: wp.array2d[Shape],
        heed_in: wp.array[int],
        now_in: wp.array2d[Pose],
        then_in: wp.array2d[Pose],
        x_in: wp.array2d[flat],
        speed_in: wp.array2d[flat],
        push_out: wp.array2d[Twist],
    ):
        b, p = wp.tid()
        x, radius = x_in[b, p] + dt_in[b] * speed_in[b, p], radius_in[b, p]
        stiffness = real(STIFFNESS) * lattice.inv_dx * lattice.inv_dx * volume_in[b, p] * row_in[b, slot_in[p]][1]
        for c in range(touch_in.shape[0]):
            presses = touch_in[c] == wp.static(SEPARATE) or touch_in[c] == wp.static(COULOMB)
            if presses and heed_in[c] != 0:
                pose = then_in[b, c]
                arm = f.lever(f.embedded(x), pose, period)
                found = met(kind_in[c], shape_in[b, c], samples_at[c], samples_in, b, pose, arm, radius)
                depth = radius - found[0]
                if depth > real(0.0):
                    impulse = (dt_in[b] * stiffness * depth) * vec(found[1], found[2], found[3])
                    lever = f.lever(f.embedded(x_in[b, p]), now_in[b, c], period)
                    wp.atomic_add(push_out, b, c, f.twist(-impulse, -wp.cross(lever, impulse)))

    return kernel
