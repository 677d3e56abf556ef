"""The balance of momentum at the nodes, and its linear part there."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["balance_of_nodes", "block_product", "blocks_of_nodes", "held_product", "inverse_blocks", "places_of_nodes"]


@cache
def balance_of_nodes(n: Numbers) -> Any:
    """r = H [m v - p - dt f + R(v)] [kg m/s],   R = |B| y (2 - y) v_t / |v_t|,   y = min(1, |v_t| / creep).

    p: momentum before the step; f: all forces at its end; B: what friction can bear, of the wall's direction; v_t: the
    velocity along the wall. Matter that sticks creeps with less than `creep` [m/s], so that R is smooth [Li et al.
    2020 (IPC)]. H: what walls forbid is taken out. Empty nodes are in balance.
    """
    s = stencil(n)
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed

    @wp.func
    def rub(v: vec, bearing: vec, creep: real):
        size = wp.length(bearing)
        normal = bearing / size
        along = v - wp.dot(normal, v) * normal
        speed = wp.length(along)
        if speed < creep:
            return (size * (real(2.0) - speed / creep) / creep) * along
        return (size / speed) * along

    @wp.kernel(module="unique")
    def kernel(
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        creep: real,
        dt_in: wp.array[real],
        grid_in: wp.array2d[packed],
        friction_in: wp.array2d[vec],
        force_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        balance_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(n.dim)]
        if m > lightest[b]:
            v = v_in[b, i]
            r = m * v - s.momentum(grid_in[b, i]) - dt_in[b] * force_in[b, i]
            bearing = friction_in[b, i]
            if wp.length_sq(bearing) > real(0.0):
                r = r + rub(v, bearing, creep)
            balance_out[b, i] = holds[int(hold_in[b, i])] * r
        else:
            balance_out[b, i] = vec()

    return kernel


@cache
def blocks_of_nodes(n: Numbers) -> Any:
    """B = m I + dR/dv [kg] of each node, I where it is empty.

    sharp: 1, or 0 for |R| / |v_t| in the place of the derivative of |R|: friction's energy is then met from above, so
    that no step goes too far where sticking turns to sliding [Kacanov's method; Zeidler 1990, section 25.14].
    """
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed
    dim = n.dim

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lightest: wp.array[real],
        creep: real,
        sharp_in: wp.array[real],
        grid_in: wp.array2d[packed],
        friction_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        block_out: wp.array2d[mat],
    ):
        b, i = wp.tid()
        one = wp.identity(n=wp.static(dim), dtype=real)
        m = grid_in[b, i][wp.static(dim)]
        block = one
        if m > lightest[b]:
            block = m * one
            bearing = friction_in[b, i]
            size = wp.length(bearing)
            if size > real(0.0):
                normal = bearing / size
                plane = one - wp.outer(normal, normal)
                along = plane * v_in[b, i]
                speed = wp.length(along)
                if speed < creep:
                    block += (size * (real(2.0) - speed / creep) / creep) * plane
                    if speed > real(0.0):
                        block -= (sharp_in[b] * size / (creep * creep * speed)) * wp.outer(along, along)
                else:
                    block += (size / speed) * (plane - (sharp_in[b] / (speed * speed)) * wp.outer(along, along))
        block_out[b, i] = block

    return kernel


@cache
def held_product(n: Numbers) -> Any:
    """H (B d + dt k), zero at empty nodes; B: a matrix of each node."""
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        matrix_in: wp.array2d[mat],
        d_in: wp.array2d[vec],
        dt_in: wp.array[real],
        add_in: wp.array2d[vec],
        product_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        product = vec()
        if grid_in[b, i][wp.static(n.dim)] > lightest[b]:
            product = holds[int(hold_in[b, i])] * (matrix_in[b, i] * d_in[b, i] + dt_in[b] * add_in[b, i])
        product_out[b, i] = product

    return kernel


@cache
def inverse_blocks(n: Numbers) -> Any:
    """(m I + dt K_ii)^-1 [1/kg] by the symmetric part of K_ii, 1/m where that is not positive definite."""
    real, mat, packed, dim = n.real, n.mat, n.packed, n.dim

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lightest: wp.array[real],
        dt_in: wp.array[real],
        grid_in: wp.array2d[packed],
        stiff_in: wp.array2d[mat],
        inverse_out: wp.array2d[mat],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(dim)]
        inverse = mat()
        if m > lightest[b]:
            K = stiff_in[b, i]
            block = m * wp.identity(n=wp.static(dim), dtype=real) + (real(0.5) * dt_in[b]) * (K + wp.transpose(K))
            firm = block[0, 0] > m * real(0.5) and wp.determinant(block) > real(0.0)
            if wp.static(dim == 3):
                firm = firm and block[0, 0] * block[1, 1] > block[0, 1] * block[1, 0]
            if firm:
                inverse = wp.inverse(block)
            else:
                inverse = (real(1.0) / m) * wp.identity(n=wp.static(dim), dtype=real)
        inverse_out[b, i] = inverse

    return kernel


@cache
def block_product(n: Numbers) -> Any:
    """z = H B^-1 r, by blocks that are zero at empty nodes."""
    vec, mat = n.vec, n.mat

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        inverse_in: wp.array2d[mat],
        r_in: wp.array2d[vec],
        z_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        z_out[b, i] = holds[int(hold_in[b, i])] * (inverse_in[b, i] * r_in[b, i])

    return kernel


@cache
def places_of_nodes(n: Numbers) -> Any:
    """x_i [m]"""
    s = stencil(n)
    vec, Lattice = n.vec, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(lattice: Lattice, place_out: wp.array2d[vec]):
        b, i = wp.tid()
        place_out[b, i] = s.position(lattice, i)

    return kernel
