"""The balance of momentum at the nodes, and its linear part there."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = [
    "balance_of_nodes",
    "block_product",
    "blocks_of_nodes",
    "friction_shares",
    "held_product",
    "inverse_blocks",
    "places_of_nodes",
]


class Rubbing(NamedTuple):
    """Friction of what goes with velocity v past surfaces that bear B, S and D: see `press` of colliders/contact.py."""

    along: Any  # (v, bearing, drag) -> a = P (v - D/S), P = 1 - N N', N = B/S: how it goes along them, and N
    scale: Any  # (|a|, creep) -> c, of which R = S a / c
    slope: Any  # (|a|, creep) -> dc/d|a|


@cache
def rubbing(n: Numbers) -> Rubbing:
    """R = S y (2 - y) a/|a|, y = min(1, |a| / creep): matter that sticks creeps with less than `creep` [m/s], so that R
    is smooth [Li et al. 2020 (IPC)]."""
    s = stencil(n)
    real, vec, packed, dim = n.real, n.vec, n.packed, n.dim

    @wp.func
    def along(v: vec, bearing: packed, drag: vec):
        normal = s.momentum(bearing) / bearing[dim]
        past = v - drag / bearing[dim]
        return past - wp.dot(normal, past) * normal, normal

    @wp.func
    def scale(speed: real, creep: real):
        if speed < creep:
            return creep * creep / (real(2.0) * creep - speed)
        return speed

    @wp.func
    def slope(speed: real, creep: real):
        if speed < creep:
            share = creep / (real(2.0) * creep - speed)
            return share * share
        return real(1.0)

    return Rubbing(along, scale, slope)


@cache
def balance_of_nodes(n: Numbers) -> Any:
    """r = H [m v - p - dt f + P R(v) + G v - g] [kg m/s]

    p: momentum before the step; f: all forces at its end; R, P: friction, see `rubbing`; G, g: of what obstacles hold,
    see `clinging`; H: what walls forbid is taken out. Empty nodes are in balance.
    """
    s, rub = stencil(n), rubbing(n)
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed

    @wp.kernel(module="unique")
    def kernel(
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        creep: real,
        bearing_in: wp.array2d[packed],
        drag_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        cling_in: wp.array2d[mat],
        tow_in: wp.array2d[vec],
        dt_in: wp.array[real],
        force_in: wp.array2d[vec],
        balance_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(n.dim)]
        if m > lightest[b]:
            v = v_in[b, i]
            r = m * v - s.momentum(grid_in[b, i]) - dt_in[b] * force_in[b, i] + (cling_in[b, i] * v - tow_in[b, i])
            size = bearing_in[b, i][wp.static(n.dim)]
            if size > real(0.0):
                along, normal = rub.along(v, bearing_in[b, i], drag_in[b, i])
                R = (size / rub.scale(wp.length(along), creep)) * along
                r = r + (R - wp.dot(normal, R) * normal)
            balance_out[b, i] = holds[int(hold_in[b, i])] * r
        else:
            balance_out[b, i] = vec()

    return kernel


@cache
def blocks_of_nodes(n: Numbers) -> Any:
    """B = m I + P d(S a / c)/da P + G [kg] of each node, I where it is empty, with w in the place of a / c:

    d(S a / c)/da = S/c [1 - dc/d|a| (w t' + t w') / 2],   t = a / |a|.
    """
    rub = rubbing(n)
    real, vec, mat, packed = n.real, n.vec, n.mat, n.packed
    dim = n.dim

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lightest: wp.array[real],
        grid_in: wp.array2d[packed],
        creep: real,
        bearing_in: wp.array2d[packed],
        drag_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        cling_in: wp.array2d[mat],
        share_in: wp.array2d[vec],
        block_out: wp.array2d[mat],
    ):
        b, i = wp.tid()
        one = wp.identity(n=wp.static(dim), dtype=real)
        m = grid_in[b, i][wp.static(dim)]
        block = one
        if m > lightest[b]:
            block = m * one + cling_in[b, i]
            size = bearing_in[b, i][wp.static(dim)]
            if size > real(0.0):
                along, normal = rub.along(v_in[b, i], bearing_in[b, i], drag_in[b, i])
                speed, plane = wp.length(along), one - wp.outer(normal, normal)
                bend = (real(0.5) * rub.slope(speed, creep)) * wp.outer(share_in[b, i], wp.normalize(along))
                block += plane * ((size / rub.scale(speed, creep)) * (one - bend - wp.transpose(bend))) * plane
        block_out[b, i] = block

    return kernel


@cache
def friction_shares(n: Numbers) -> Any:
    """w' = (a' - w dc/d|a| t . (a' - a)) / c, shortened to 1: the share of what friction can bear that it takes up,
    after a step from a to a'; c, t: of a.

    At the root w = a / c; on the way there w follows a / c c = a, which is linear in w, and no step is misled by the
    sharp bend of a / c where sticking turns to sliding [Chan, Golub & Mulet 1999, SIAM J. Sci. Comput. 20, 1964-1977].
    """
    rub = rubbing(n)
    real, vec, packed, dim = n.real, n.vec, n.packed, n.dim

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        creep: real,
        bearing_in: wp.array2d[packed],
        drag_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        before_in: wp.array2d[vec],
        share_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        if bearing_in[b, i][wp.static(dim)] > real(0.0):
            now, _ = rub.along(v_in[b, i], bearing_in[b, i], drag_in[b, i])
            before, _ = rub.along(before_in[b, i], bearing_in[b, i], drag_in[b, i])
            speed = wp.length(before)
            gone = rub.slope(speed, creep) * wp.dot(wp.normalize(before), now - before)
            share = (now - gone * share_out[b, i]) / rub.scale(speed, creep)
            share_out[b, i] = share / wp.max(wp.length(share), real(1.0))

    return kernel


@cache
def friction_taken(n: Numbers) -> Any:
    """-P R / S: friction that a node took up for each unit of what it can bear; see `react`. Every node is written."""
    rub = rubbing(n)
    real, vec, packed = n.real, n.vec, n.packed

    @wp.kernel(module="unique")
    def kernel(
        creep: real,
        bearing_in: wp.array2d[packed],
        drag_in: wp.array2d[vec],
        v_in: wp.array2d[vec],
        traction_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        if bearing_in[b, i][wp.static(n.dim)] > real(0.0):
            along, normal = rub.along(v_in[b, i], bearing_in[b, i], drag_in[b, i])
            taken = along / rub.scale(wp.length(along), creep)
            traction_out[b, i] = wp.dot(normal, taken) * normal - taken
        else:
            traction_out[b, i] = vec()

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
    """(m I + G_i + dt K_ii)^-1 [1/kg] by the symmetric part of K_ii, (m + tr G_i)^-1 where that is not positive
    definite. G: of what obstacles hold."""
    real, mat, packed, dim = n.real, n.mat, n.packed, n.dim

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lightest: wp.array[real],
        dt_in: wp.array[real],
        grid_in: wp.array2d[packed],
        cling_in: wp.array2d[mat],
        stiff_in: wp.array2d[mat],
        inverse_out: wp.array2d[mat],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(dim)]
        inverse = mat()
        if m > lightest[b]:
            K, own = stiff_in[b, i], m * wp.identity(n=wp.static(dim), dtype=real) + cling_in[b, i]
            block = own + (real(0.5) * dt_in[b]) * (K + wp.transpose(K))
            firm = block[0, 0] > m * real(0.5) and wp.determinant(block) > real(0.0)
            if wp.static(dim == 3):
                firm = firm and block[0, 0] * block[1, 1] > block[0, 1] * block[1, 0]
            if firm:
                inverse = wp.inverse(block)
            else:
                inverse = (real(1.0) / (m + wp.trace(cling_in[b, i]))) * wp.identity(n=wp.static(dim), dtype=real)
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
