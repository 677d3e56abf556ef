"""What happens at the nodes of the grid: velocity from momentum, friction, held nodes."""

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.lines import members
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["node_velocities", "velocities_before"]


@cache
def node_velocities(n: Numbers) -> Any:
    """v = m v / m, then Coulomb's friction, then the holds of walls to which matter clings.

    friction: v_t' = v_t max(0, 1 - |B| / (m |v_t|)), v_t the velocity normal to B; the impulse B [kg m/s] has the
    direction of the wall's normal and the size of what friction can bear. hold: v' = H v, where H removes the
    directions in which the node may not move. A node with less than `lightest` [kg] is at rest: the adjoint of m v / m
    holds 1/m^2 and would overflow. Every node is written.
    """
    s, member = stencil(n), members(n)
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed

    @wp.func
    def slowed(v: vec, bearing: vec):
        size = wp.length(bearing)
        normal = bearing / size
        through = wp.dot(normal, v) * normal
        along = v - through
        speed = wp.length(along)
        rest = through
        if speed > size:
            rest = through + (real(1.0) - size / speed) * along
        return rest

    @wp.kernel(module="unique")
    def kernel(
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        friction_in: wp.array2d[vec],
        v_out: wp.array2d[vec],
    ):
        b, i = member(wp.tid(), grid_in.shape[1])
        m = grid_in[b, i][wp.static(n.dim)]
        if m > lightest[b]:
            v = s.momentum(grid_in[b, i]) / m
            bearing = friction_in[b, i]
            if wp.length_sq(bearing) > real(0.0):
                v = slowed(v, bearing / m)
            v_out[b, i] = holds[int(hold_in[b, i])] * v
        else:
            v_out[b, i] = vec()

    return kernel


@cache
def velocities_before(n: Numbers) -> Any:
    """v = m v / m of the momenta before the forces; at rest where there is less than `lightest` [kg]."""
    member, real, vec, packed = members(n), n.real, n.vec, n.packed

    @wp.kernel(module="unique")
    def kernel(
        lightest: wp.array[real],
        grid_in: wp.array2d[packed],
        momentum_in: wp.array2d[vec],
        v_out: wp.array2d[vec],
    ):
        b, i = member(wp.tid(), grid_in.shape[1])
        m = grid_in[b, i][wp.static(n.dim)]
        if m > lightest[b]:
            v_out[b, i] = momentum_in[b, i] / m
        else:
            v_out[b, i] = vec()

    return kernel
