"""A coarse picture of the stiffness: trilinear fields on a grid of a few nodes, as kernels."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["coarse_held", "coarse_masses", "coarse_stiffness", "from_coarse", "solve_coarse", "to_coarse"]


class Hats(NamedTuple):
    cell: Any  # (x / width, low, count) -> the coarse cell
    weight: Any  # (x / width - low - cell, corner) -> of the hat of that corner
    number: Any  # (cell, corner, count) -> of that coarse node


@cache
def hats(n: Numbers) -> Hats:
    """The 2^dim corners of a cell are counted by the bits of `corner`; low, count: first node and nodes of a member."""
    dim, real, vec, ivec = n.dim, n.real, n.vec, n.ivec

    @wp.func
    def cell(s: vec, low: ivec, count: ivec):
        found = ivec()
        for a in range(wp.static(dim)):
            found[a] = wp.clamp(int(wp.floor(s[a])) - low[a], 0, count[a] - 2)
        return found

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

    return Hats(cell, weight, number)


@cache
def local(n: Numbers) -> Any:
    """wp.func (x / width, low, cell) -> place within the cell, 0..1 along each axis."""
    dim, vec, ivec, real = n.dim, n.vec, n.ivec, n.real

    @wp.func
    def place(s: vec, low: ivec, at: ivec):
        f = vec()
        for a in range(wp.static(dim)):
            f[a] = wp.clamp(s[a] - real(low[a] + at[a]), real(0.0), real(1.0))
        return f

    return place


@cache
def coarse_masses(n: Numbers) -> Any:
    """A_jk += sum_i h_j(x_i) h_k(x_i) m_i I over the nodes of the fine grid."""
    s, hat, place = stencil(n), hats(n), local(n)
    dim, real, packed, ivec, Lattice = n.dim, n.real, n.packed, n.ivec, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        inv_width: wp.array[real],
        low_in: wp.array[ivec],
        count_in: wp.array[ivec],
        lightest: wp.array[real],
        grid_in: wp.array2d[packed],
        matrix_out: wp.array3d[real],
    ):
        b, i = wp.tid()
        m = grid_in[b, i][wp.static(dim)]
        if m > lightest[b]:
            at = inv_width[b] * s.position(lattice, i)
            cell = hat.cell(at, low_in[b], count_in[b])
            f = place(at, low_in[b], cell)
            for j in range(wp.static(2**dim)):
                of_j = m * hat.weight(f, j)
                row = dim * hat.number(cell, j, count_in[b])
                for k in range(wp.static(2**dim)):
                    column = dim * hat.number(cell, k, count_in[b])
                    for a in range(wp.static(dim)):
                        wp.atomic_add(matrix_out, b, row + a, column + a, of_j * hat.weight(f, k))

    return kernel


@cache
def coarse_stiffness(n: Numbers) -> Any:
    """A_jk += dt sum_p [G_j . dA/dC . G_k + W_j W_k Y_p] over the particles, where W_j = sum_i w_ip h_j(x_i) and
    G_j = sum_i w_ip h_j(x_i) (x_i - x_p)/D are what a particle feels of the motion of coarse node j.

    Sums of products along each axis, along which a particle feels three coarse nodes.
    """
    s = stencil(n)
    dim, real, vec, mat, ivec, Lattice = n.dim, n.real, n.vec, n.mat, n.ivec, n.lattice
    Share, inv_spread = wp.types.matrix((3, 3), real), real(1 / n.scheme.spread)

    if dim == 2:

        @wp.func
        def felt(W: Share, G: Share, i: int, j: int, k: int):
            return W[i, 0] * W[j, 1], vec(G[i, 0] * W[j, 1], W[i, 0] * G[j, 1])

        @wp.func
        def number(at: ivec, i: int, j: int, k: int, count: ivec):
            return (at[0] + i) * count[1] + at[1] + j

    else:

        @wp.func
        def felt(W: Share, G: Share, i: int, j: int, k: int):
            slope = vec(G[i, 0] * W[j, 1] * W[k, 2], W[i, 0] * G[j, 1] * W[k, 2], W[i, 0] * W[j, 1] * G[k, 2])
            return W[i, 0] * W[j, 1] * W[k, 2], slope

        @wp.func
        def number(at: ivec, i: int, j: int, k: int, count: ivec):
            return ((at[0] + i) * count[1] + at[1] + j) * count[2] + at[2] + k

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        inv_width: wp.array[real],
        low_in: wp.array[ivec],
        count_in: wp.array[ivec],
        size_in: wp.array[int],
        dt_in: wp.array[real],
        x_in: wp.array2d[vec],
        tangent_in: wp.array3d[mat],
        yield_in: wp.array2d[mat],
        matrix_out: wp.array3d[real],
    ):
        b, p = wp.tid()
        if size_in[b] == 0:
            return
        count, ratio = count_in[b], inv_width[b] / lattice.inv_dx
        at = lattice.inv_dx * x_in[b, p]
        f = s.place(at)
        w = s.weights(f)
        cell = ivec()
        W, G = Share(), Share()
        for a in range(wp.static(dim)):
            base = wp.round(at[a] - f[a])
            cell[a] = int(wp.floor(ratio * base + real(1e-4))) - low_in[b][a]
            for i in range(wp.static(n.support)):
                far = real(i) - f[a]
                reach = ratio * wp.round(at[a] + far) - real(low_in[b][a] + cell[a])
                for j in range(3):
                    hat = wp.max(real(0.0), real(1.0) - wp.abs(reach - real(j)))
                    W[j, a] += w[i, a] * hat
                    G[j, a] += w[i, a] * hat * far * inv_spread * lattice.inv_dx
        Y, dt = yield_in[b, p], dt_in[b]
        felt_nodes = int(wp.static(3**dim))  # a variable: what is unrolled here takes long to compile
        for one in range(felt_nodes):
            of_one, slope_one = felt(W, G, one % 3, (one // 3) % 3, one // 9)
            if of_one != real(0.0):
                column = dim * number(cell, one % 3, (one // 3) % 3, one // 9, count)
                for axis in range(wp.static(dim)):
                    pulled = mat()  # stress by a motion of this node along this axis
                    for u in range(wp.static(dim)):
                        for v in range(wp.static(dim)):
                            T = tangent_in[b, p, u * dim + v]
                            total = real(0.0)
                            for d in range(wp.static(dim)):
                                total += T[axis, d] * slope_one[d]
                            pulled[u, v] = total
                    for other in range(one, felt_nodes):  # the matrix is made symmetric afterwards
                        of_other, slope_other = felt(W, G, other % 3, (other // 3) % 3, other // 9)
                        if of_other != real(0.0):
                            row = dim * number(cell, other % 3, (other // 3) % 3, other // 9, count)
                            force = pulled * slope_other
                            factor = wp.where(other == one, dt, real(2.0) * dt)
                            if row + dim <= size_in[b] and column + dim <= size_in[b]:
                                for c in range(wp.static(dim)):
                                    share = factor * (force[c] + of_other * of_one * Y[c, axis])
                                    wp.atomic_add(matrix_out, b, row + c, column + axis, share)

    return kernel


@cache
def coarse_held(n: Numbers) -> Any:
    """1 for each coarse unknown that moves a node of the fine grid where a wall forbids it."""
    s, hat, place = stencil(n), hats(n), local(n)
    dim, real, mat, packed, ivec, Lattice = n.dim, n.real, n.mat, n.packed, n.ivec, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        inv_width: wp.array[real],
        low_in: wp.array[ivec],
        count_in: wp.array[ivec],
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        held_out: wp.array2d[int],
    ):
        b, i = wp.tid()
        if grid_in[b, i][wp.static(dim)] > lightest[b]:
            H = holds[int(hold_in[b, i])]
            at = inv_width[b] * s.position(lattice, i)
            cell = hat.cell(at, low_in[b], count_in[b])
            f = place(at, low_in[b], cell)
            for a in range(wp.static(dim)):
                if H[a, a] < real(0.999):
                    for j in range(wp.static(2**dim)):
                        if hat.weight(f, j) > real(1e-6):
                            held_out[b, dim * hat.number(cell, j, count_in[b]) + a] = 1

    return kernel


@cache
def to_coarse(n: Numbers) -> Any:
    """R_j = sum_i h_j(x_i) r_i"""
    s, hat, place = stencil(n), hats(n), local(n)
    dim, real, vec, packed, ivec, Lattice = n.dim, n.real, n.vec, n.packed, n.ivec, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        inv_width: wp.array[real],
        low_in: wp.array[ivec],
        count_in: wp.array[ivec],
        lightest: wp.array[real],
        grid_in: wp.array2d[packed],
        r_in: wp.array2d[vec],
        coarse_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        if grid_in[b, i][wp.static(dim)] > lightest[b]:
            at = inv_width[b] * s.position(lattice, i)
            cell = hat.cell(at, low_in[b], count_in[b])
            f = place(at, low_in[b], cell)
            r = r_in[b, i]
            for j in range(wp.static(2**dim)):
                row = dim * hat.number(cell, j, count_in[b])
                for a in range(wp.static(dim)):
                    wp.atomic_add(coarse_out, b, row + a, hat.weight(f, j) * r[a])

    return kernel


@cache
def solve_coarse(n: Numbers) -> Any:
    """Z = A^-1 R, by the inverse of each member's own `size` unknowns."""
    real = n.real

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        size_in: wp.array[int], inverse_in: wp.array3d[real], coarse_in: wp.array2d[real], out: wp.array2d[real]
    ):
        b, j = wp.tid()
        if j < size_in[b]:
            total = real(0.0)
            for k in range(size_in[b]):
                total += inverse_in[b, j, k] * coarse_in[b, k]
            out[b, j] = total

    return kernel


@cache
def from_coarse(n: Numbers) -> Any:
    """z_i += H sum_j h_j(x_i) Z_j"""
    s, hat, place = stencil(n), hats(n), local(n)
    dim, real, vec, mat, packed, ivec, Lattice = n.dim, n.real, n.vec, n.mat, n.packed, n.ivec, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        inv_width: wp.array[real],
        low_in: wp.array[ivec],
        count_in: wp.array[ivec],
        lightest: wp.array[real],
        hold_in: wp.array2d[wp.uint8],
        holds: wp.array[mat],
        grid_in: wp.array2d[packed],
        coarse_in: wp.array2d[real],
        z_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        if grid_in[b, i][wp.static(dim)] > lightest[b]:
            at = inv_width[b] * s.position(lattice, i)
            cell = hat.cell(at, low_in[b], count_in[b])
            f = place(at, low_in[b], cell)
            z = vec()
            for j in range(wp.static(2**dim)):
                row = dim * hat.number(cell, j, count_in[b])
                for a in range(wp.static(dim)):
                    z[a] += hat.weight(f, j) * coarse_in[b, row + a]
            z_out[b, i] += holds[int(hold_in[b, i])] * z

    return kernel
