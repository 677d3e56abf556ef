"""Fields on a coarse grid of a few nodes, linear between them: from and to the nodes of the fine grid, as kernels."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["coarse_held", "coarse_masses", "coarse_type", "from_coarse", "solve_coarse", "to_coarse"]


@cache
def coarse_type(n: Numbers) -> Any:
    """Warp's struct of the coarse grids of all members."""
    real, ivec = n.real, n.ivec

    @wp.struct
    class Coarse:
        inv_width: wp.array[real]  # of its cells [1/m]
        low: wp.array[ivec]  # its first node, counted from the origin
        count: wp.array[ivec]  # nodes along each axis
        size: wp.array[int]  # unknowns; 0 where a member has no coarse grid

    return Coarse


class Hats(NamedTuple):
    spot: Any  # (lattice, coarse, b, node of the fine grid) -> its coarse cell, and where in it, 0..1 along each axis
    weight: Any  # (place in the cell, corner) -> of the hat of that corner
    number: Any  # (cell, corner, count) -> of that coarse node


@cache
def hats(n: Numbers) -> Hats:
    """The 2^dim corners of a cell are counted by the bits of `corner`."""
    s, Coarse, Lattice = stencil(n), coarse_type(n), n.lattice
    dim, real, vec, ivec = n.dim, n.real, n.vec, n.ivec

    @wp.func
    def spot(lattice: Lattice, coarse: Coarse, b: int, i: int):
        at = coarse.inv_width[b] * s.position(lattice, i)
        low, count = coarse.low[b], coarse.count[b]
        cell, f = ivec(), vec()
        for a in range(wp.static(dim)):
            cell[a] = wp.clamp(int(wp.floor(at[a])) - low[a], 0, count[a] - 2)
            f[a] = wp.clamp(at[a] - real(low[a] + cell[a]), real(0.0), real(1.0))
        return cell, f

    @wp.func
    def weight(f: vec, corner: int):
        w = real(1.0)
        for a in range(wp.static(dim)):
            if (corner >> a) & 1 == 1:
                w *= f[a]
            else:
                w *= real(1.0) - f[a]
        return w

    @wp.func
    def number(at: ivec, corner: int, count: ivec):
        found = int(0)
        for a in range(wp.static(dim)):
            found = found * count[a] + at[a] + ((corner >> a) & 1)
        return found

    return Hats(spot, weight, number)


@cache
def coarse_masses(n: Numbers) -> Any:
    """A_jk += sum_i h_j(x_i) h_k(x_i) (m_i I + G_i) over the nodes of the fine grid, G: of what obstacles hold."""
    hat = hats(n)
    dim, real, mat, packed, Coarse, Lattice = n.dim, n.real, n.mat, n.packed, coarse_type(n), n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        coarse: Coarse,
        lightest: wp.array[real],
        grid_in: wp.array2d[packed],
        cling_in: wp.array2d[mat],
        matrix_out: wp.array3d[real],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(dim)]
        if coarse.size[b] > 0 and m > lightest[b]:
            cell, f = hat.spot(lattice, coarse, b, i)
            block = m * wp.identity(n=wp.static(dim), dtype=real) + cling_in[b, i]
            for j in range(wp.static(2**dim)):
                row = dim * hat.number(cell, j, coarse.count[b])
                for k in range(wp.static(2**dim)):
                    column = dim * hat.number(cell, k, coarse.count[b])
                    share = hat.weight(f, j) * hat.weight(f, k)
                    for a in range(wp.static(dim)):
                        for c in range(wp.static(dim)):
                            wp.atomic_add(matrix_out, b, row + a, column + c, share * block[a, c])

    return kernel


@cache
def coarse_held(n: Numbers) -> Any:
    """1 for each coarse unknown that moves a node of the fine grid where a wall forbids it."""
    hat = hats(n)
    dim, real, mat, packed, Coarse, Lattice = n.dim, n.real, n.mat, n.packed, coarse_type(n), n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        coarse: Coarse,
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        held_out: wp.array2d[int],
    ):
        b, i = wp.tid()
        if grid_in[b, i][wp.static(dim)] > lightest[b]:
            H = holds[int(hold_in[b, i])]
            cell, f = hat.spot(lattice, coarse, b, i)
            for a in range(wp.static(dim)):
                if H[a, a] < real(0.999):
                    for j in range(wp.static(2**dim)):
                        if hat.weight(f, j) > real(1e-6):
                            held_out[b, dim * hat.number(cell, j, coarse.count[b]) + a] = 1

    return kernel


@cache
def to_coarse(n: Numbers) -> Any:
    """R_j = sum_i h_j(x_i) r_i"""
    hat = hats(n)
    dim, real, vec, packed, Coarse, Lattice = n.dim, n.real, n.vec, n.packed, coarse_type(n), n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        coarse: Coarse,
        lightest: wp.array[real],
        grid_in: wp.array2d[packed],
        r_in: wp.array2d[vec],
        field_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        if grid_in[b, i][wp.static(dim)] > lightest[b]:
            cell, f = hat.spot(lattice, coarse, b, i)
            r = r_in[b, i]
            for j in range(wp.static(2**dim)):
                row = dim * hat.number(cell, j, coarse.count[b])
                for a in range(wp.static(dim)):
                    wp.atomic_add(field_out, b, row + a, hat.weight(f, j) * r[a])

    return kernel


@cache
def solve_coarse(n: Numbers) -> Any:
    """Z = A^-1 R, by the inverse of each member's own `size` unknowns."""
    real, Coarse = n.real, coarse_type(n)

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(coarse: Coarse, inverse_in: wp.array3d[real], field_in: wp.array2d[real], out: wp.array2d[real]):
        b, j = wp.tid()
        if j < coarse.size[b]:
            total = real(0.0)
            for k in range(coarse.size[b]):
                total += inverse_in[b, j, k] * field_in[b, k]
            out[b, j] = total

    return kernel


@cache
def from_coarse(n: Numbers) -> Any:
    """z_i += H sum_j h_j(x_i) Z_j"""
    hat = hats(n)
    dim, real, vec, mat, packed, Coarse, Lattice = n.dim, n.real, n.vec, n.mat, n.packed, coarse_type(n), n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        coarse: Coarse,
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        field_in: wp.array2d[real],
        z_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        if grid_in[b, i][wp.static(dim)] > lightest[b]:
            cell, f = hat.spot(lattice, coarse, b, i)
            z = vec()
            for j in range(wp.static(2**dim)):
                row = dim * hat.number(cell, j, coarse.count[b])
                for a in range(wp.static(dim)):
                    z[a] += hat.weight(f, j) * field_in[b, row + a]
            z_out[b, i] += holds[int(hold_in[b, i])] * z

    return kernel
