"""The stiffness of particles as a coarse grid feels it."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.implicit.coarse import coarse_type
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["coarse_stiffness"]


@cache
def coarse_stiffness(n: Numbers) -> Any:
    """A_jk += dt sum_p [G_j . dA/dC . G_k + W_j W_k Y_p] over the particles, where W_j = sum_i w_ip h_j(x_i) and
    G_j = sum_i w_ip h_j(x_i) (x_i - x_p)/D are what a particle feels of the motion of coarse node j.

    Sums of products along each axis, along which a particle feels three coarse nodes.
    """
    s = stencil(n)
    dim, real, vec, mat, ivec, Coarse, Lattice = n.dim, n.real, n.vec, n.mat, n.ivec, coarse_type(n), n.lattice
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
        coarse: Coarse,
        dt_in: wp.array[real],
        x_in: wp.array2d[vec],
        tangent_in: wp.array3d[mat],
        yield_in: wp.array2d[mat],
        matrix_out: wp.array3d[real],
    ):
        b, p = wp.tid()
        if coarse.size[b] == 0:
            return
        count, ratio = coarse.count[b], coarse.inv_width[b] / lattice.inv_dx
        at = lattice.inv_dx * x_in[b, p]
        f = s.place(at)
        w = s.weights(f)
        cell = ivec()
        W, G = Share(), Share()
        for a in range(wp.static(dim)):
            base = wp.round(at[a] - f[a])
            cell[a] = int(wp.floor(ratio * base + real(1e-4))) - coarse.low[b][a]
            for i in range(wp.static(n.support)):
                far = real(i) - f[a]
                reach = ratio * wp.round(at[a] + far) - real(coarse.low[b][a] + cell[a])
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
                            if row + dim <= coarse.size[b] and column + dim <= coarse.size[b]:
                                for c in range(wp.static(dim)):
                                    share = factor * (force[c] + of_other * of_one * Y[c, axis])
                                    wp.atomic_add(matrix_out, b, row + c, column + axis, share)

    return kernel
