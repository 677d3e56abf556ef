"""Transfers between particles and two grids, a coarse one and a finer one that carries part of some particles."""

# mypy: disable-error-code="attr-defined, index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.materials.choice import any_deform, any_kirchhoff
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.refined.region import blending
from scenegrad.solvers.mpm.transfer import FUSED, GATHERED

__all__ = ["advance", "arrive", "gather"]


@cache
def arrive(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """m_i += sum_p own_p w_ip m_p
    m_i v_i += sum_p w_ip {own_p [m_p (v_p + dt g) + m_p C_p (x_i - x_p)] - dt V_p tau_p G_ip}
    G_ip = own_p (x_i - x_p) / D + grad own_p

    for the nodes of one of the grids, which carries the share own_p of each particle; compare transfer.py, also for
    what FLIP changes. w_ip G_ip is the gradient of the shape function own N_i: without that of `own` the two grids
    would pull at each other where they blend, however evenly the matter is stressed.
    """
    s, tau = stencil(n), any_kirchhoff(n, laws)
    dim, real, vec, mat, packed, Row, History, Lattice = (
        n.dim, n.real, n.vec, n.mat, n.packed, n.row, n.history, n.lattice,
    )  # fmt: skip
    flip, inv_spread = n.scheme.flip is not None, real(1 / n.scheme.spread)

    @wp.kernel(module="unique", module_options=FUSED)
    def kernel(
        lattice: Lattice,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        kind_in: wp.array[int],
        volume_in: wp.array2d[real],
        row_in: wp.array2d[Row],
        gravity_in: wp.array2d[vec],
        own_in: wp.array2d[real],
        lean_in: wp.array2d[vec],
        x_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        C_in: wp.array2d[mat],
        F_in: wp.array2d[mat],
        h_in: wp.array2d[History],
        grid_out: wp.array2d[packed],
        before_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        own = own_in[b, p]
        if own > real(0.0):
            slot = slot_in[p]
            row, dt, volume = row_in[b, slot], dt_in[b], volume_in[b, p]
            at = lattice.inv_dx * x_in[b, p]
            anchor = s.anchor(lattice, at, b, p)
            f = s.place(at)
            w = s.weights(f)
            mass = own * row[0] * volume
            C, v = C_in[b, p], v_in[b, p]
            h = History()
            if wp.static(n.memory > 0):
                h = h_in[b, p]
            force = (dt * volume) * tau(kind_in[p], row, F_in[b, p], h, C)
            slope = (-own * inv_spread * lattice.inv_dx) * force
            if wp.static(not flip):
                slope = slope + (mass / lattice.inv_dx) * C
            of_plane = mass * (v + dt * gravity_in[b, slot]) - slope * f - force * lean_in[b, p]
            for i in range(wp.static(n.support)):
                of_line = of_plane
                for j in range(wp.static(n.support)):
                    of_node = of_line
                    for k in range(wp.static(n.support if dim == 3 else 1)):
                        weight = w[i, 0] * w[j, 1] * w[k, 2]
                        node = s.node(lattice, anchor, i, j, k)
                        wp.atomic_add(grid_out, b, node, s.pack(weight * of_node, weight * mass))
                        if wp.static(flip):
                            wp.atomic_add(before_out, b, node, (weight * mass) * v)
                        of_node = of_node + s.column(slope, 2)
                    of_line = of_line + s.column(slope, 1)
                of_plane = of_plane + s.column(slope, 0)

    return kernel


@cache
def gather(n: Numbers) -> Any:
    """v_p += own_p sum_i w_ip v_i,   B_p += own_p sum_i w_ip v_i (x_i - x_p)',   L_p += sum_i w_ip v_i G_ip' (see
    `arrive`), from the nodes of one of the grids; with FLIP also the velocity before the forces.

    A particle whose nodes do not all exist is lost: its number plus one goes to `lost_out`, and its velocity is NaN.
    """
    s, dim = stencil(n), n.dim
    real, vec, mat, Lattice = n.real, n.vec, n.mat, n.lattice
    flip, inv_spread = n.scheme.flip is not None, real(1 / n.scheme.spread)

    @wp.kernel(module="unique", module_options=GATHERED)
    def kernel(
        lattice: Lattice,
        own_in: wp.array2d[real],
        lean_in: wp.array2d[vec],
        x_in: wp.array2d[vec],
        grid_v_in: wp.array2d[vec],
        before_in: wp.array2d[vec],
        v_out: wp.array2d[vec],
        B_out: wp.array2d[mat],
        L_out: wp.array2d[mat],
        old_out: wp.array2d[vec],
        lost_out: wp.array[int],
    ):
        b, p = wp.tid()
        own = own_in[b, p]
        if own > real(0.0):
            at = lattice.inv_dx * x_in[b, p]
            anchor = s.anchor(lattice, at, b, p)
            f = s.place(at)
            w = s.weights(f)
            moment = s.moments(w)
            v, v_by_x, v_by_y, v_by_z = vec(), vec(), vec(), vec()
            old = vec()
            for i in range(wp.static(n.support)):
                plane, plane_by_y, plane_by_z = vec(), vec(), vec()
                for j in range(wp.static(n.support)):
                    line, line_by_z = vec(), vec()
                    for k in range(wp.static(n.support if dim == 3 else 1)):
                        node = s.node(lattice, anchor, i, j, k)
                        seen = grid_v_in[b, node]
                        if wp.static(flip):
                            old += (w[i, 0] * w[j, 1] * w[k, 2]) * before_in[b, node]
                        line += w[k, 2] * seen
                        line_by_z += moment[k, 2] * seen
                    plane += w[j, 1] * line
                    plane_by_y += moment[j, 1] * line
                    plane_by_z += w[j, 1] * line_by_z
                v += w[i, 0] * plane
                v_by_x += moment[i, 0] * plane
                v_by_y += w[i, 0] * plane_by_y
                v_by_z += w[i, 0] * plane_by_z
            moments = s.columns(v_by_x, v_by_y, v_by_z) - wp.outer(v, f)
            if s.outside(lattice, at, b, p) != 0:
                lost_out[b] = p + 1
                v = real(wp.NAN) * v
            wp.atomic_add(v_out, b, p, own * v)
            if wp.static(flip):
                wp.atomic_add(old_out, b, p, own * old)
            wp.atomic_add(B_out, b, p, (own / lattice.inv_dx) * moments)
            turn = (own * inv_spread * lattice.inv_dx) * moments + wp.outer(v, lean_in[b, p])
            wp.atomic_add(L_out, b, p, turn)

    return kernel


@cache
def advance(n: Numbers, laws: tuple[Law, ...]) -> Any:
    """x_p' = x_p + dt v_p,   F', h' from L_p,   C_p' = B_p / D_p'.

    D_p' is that of the new place: the particle's own rotation m_p D_p' curl C_p' stays what the nodes gave it. With
    FLIP, which gives it none, C_p' = L_p, and it goes on with v_p + flip (its old velocity - that before the forces).
    """
    deform = any_deform(n, laws)
    blend_of = blending(n)
    real, vec, mat, Row, History, flip = n.real, n.vec, n.mat, n.row, n.history, n.scheme.flip is not None

    @wp.kernel(module="unique", module_options=FUSED)
    def kernel(
        fine_dx: real,
        coarse_dx: real,
        half: vec,
        blend: real,
        period: vec,
        dt_in: wp.array[real],
        slot_in: wp.array[int],
        kind_in: wp.array[int],
        row_in: wp.array2d[Row],
        center_in: wp.array[vec],
        drift_in: wp.array[vec],
        x_in: wp.array2d[vec],
        F_in: wp.array2d[mat],
        h_in: wp.array2d[History],
        v_in: wp.array2d[vec],
        B_in: wp.array2d[mat],
        L_in: wp.array2d[mat],
        flip_in: real,
        before_in: wp.array2d[vec],
        old_in: wp.array2d[vec],
        x_out: wp.array2d[vec],
        v_out: wp.array2d[vec],
        C_out: wp.array2d[mat],
        F_out: wp.array2d[mat],
        h_out: wp.array2d[History],
    ):
        b, p = wp.tid()
        dt, v = dt_in[b], v_in[b, p]
        L = L_in[b, p]
        h = History()
        if wp.static(n.memory > 0):
            h = h_in[b, p]
        F, kept = deform(kind_in[p], row_in[b, slot_in[p]], F_in[b, p], L, h, dt)
        x = x_in[b, p] + dt * v
        x_out[b, p] = x
        if wp.static(flip):
            v_out[b, p] = v + flip_in * (before_in[b, p] - old_in[b, p])
            C_out[b, p] = L
        else:
            theta = blend_of.share(x - center_in[b] - drift_in[b], half, blend, period)
            v_out[b, p] = v
            C_out[b, p] = blend_of.inverse_spread(theta, fine_dx, coarse_dx) * B_in[b, p]
        F_out[b, p] = F
        if wp.static(n.memory > 0):
            h_out[b, p] = kept

    return kernel
