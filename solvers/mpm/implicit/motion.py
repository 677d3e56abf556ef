"""Between nodes and particles, both ways, as linear maps that are each other's transpose."""

# mypy: disable-error-code="index, operator, attr-defined"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["forces_at_nodes", "motion_of_particles", "stiffness_blocks", "stiffness_product"]


class Maps(NamedTuple):
    gather: Any
    scatter: Any


@cache
def maps(n: Numbers) -> Maps:
    """gather: (lattice, x, b, p, v_i) -> v_p and C_p; scatter: adds the forces of a particle to those of its nodes."""
    s = stencil(n)
    dim, vec, mat, Lattice = n.dim, n.vec, n.mat, n.lattice
    inv_spread = n.real(1 / n.scheme.spread)

    @wp.func
    def gather(lattice: Lattice, x: vec, b: int, p: int, grid: wp.array2d[vec]):
        at = lattice.inv_dx * x
        anchor = s.anchor(lattice, at, b, p)
        f = s.place(at)
        w = s.weights(f)
        moment = s.moments(w)
        v, v_by_x, v_by_y, v_by_z = vec(), vec(), vec(), vec()
        for i in range(wp.static(n.support)):
            plane, plane_by_y, plane_by_z = vec(), vec(), vec()
            for j in range(wp.static(n.support)):
                line, line_by_z = vec(), vec()
                for k in range(wp.static(n.support if dim == 3 else 1)):
                    seen = grid[b, s.node(lattice, anchor, i, j, k)]
                    line += w[k, 2] * seen
                    line_by_z += moment[k, 2] * seen
                plane += w[j, 1] * line
                plane_by_y += moment[j, 1] * line
                plane_by_z += w[j, 1] * line_by_z
            v += w[i, 0] * plane
            v_by_x += moment[i, 0] * plane
            v_by_y += w[i, 0] * plane_by_y
            v_by_z += w[i, 0] * plane_by_z
        C = (inv_spread * lattice.inv_dx) * (s.columns(v_by_x, v_by_y, v_by_z) - wp.outer(v, f))
        return v, C

    @wp.func
    def scatter(lattice: Lattice, x: vec, b: int, p: int, q: vec, A: mat, grid: wp.array2d[vec]):
        at = lattice.inv_dx * x
        anchor = s.anchor(lattice, at, b, p)
        f = s.place(at)
        w = s.weights(f)
        slope = (inv_spread * lattice.inv_dx) * A
        of_plane = q - slope * f
        for i in range(wp.static(n.support)):
            of_line = of_plane
            for j in range(wp.static(n.support)):
                of_node = of_line
                for k in range(wp.static(n.support if dim == 3 else 1)):
                    weight = w[i, 0] * w[j, 1] * w[k, 2]
                    wp.atomic_add(grid, b, s.node(lattice, anchor, i, j, k), weight * of_node)
                    of_node = of_node + s.column(slope, 2)
                of_line = of_line + s.column(slope, 1)
            of_plane = of_plane + s.column(slope, 0)

    return Maps(gather, scatter)


@cache
def motion_of_particles(n: Numbers) -> Any:
    """v_p = sum_i w_ip v_i [m/s],   C_p = 1/D sum_i w_ip v_i (x_i - x_p)' [1/s], D as in transfer.py."""
    gather, vec, mat, Lattice = maps(n).gather, n.vec, n.mat, n.lattice

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        x_in: wp.array2d[vec],
        grid_v_in: wp.array2d[vec],
        speed_out: wp.array2d[vec],
        rate_out: wp.array2d[mat],
    ):
        b, p = wp.tid()
        v, C = gather(lattice, x_in[b, p], b, p, grid_v_in)
        speed_out[b, p] = v
        rate_out[b, p] = C

    return kernel


@cache
def forces_at_nodes(n: Numbers) -> Any:
    """f_i = sum_p w_ip (q_p - A_p (x_i - x_p) / D) [N], which does work on the motion of the particles:
    sum_i f_i . v_i = sum_p (q_p . v_p - A_p : C_p)."""
    scatter, vec, mat, Lattice = maps(n).scatter, n.vec, n.mat, n.lattice

    @wp.kernel(module="unique")
    def kernel(
        lattice: Lattice,
        x_in: wp.array2d[vec],
        push_in: wp.array2d[vec],
        stress_in: wp.array2d[mat],
        force_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        scatter(lattice, x_in[b, p], b, p, push_in[b, p], -stress_in[b, p], force_out)

    return kernel


@cache
def stiffness_product(n: Numbers) -> Any:
    """K d = -df/dv d for small changes d of the node velocities: of A by dA/dC : C_p(d), of q by -Y_p v_p(d)."""
    gather, scatter = maps(n).gather, maps(n).scatter
    dim, vec, mat, Lattice = n.dim, n.vec, n.mat, n.lattice

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        x_in: wp.array2d[vec],
        tangent_in: wp.array3d[mat],
        yield_in: wp.array2d[mat],
        grid_d_in: wp.array2d[vec],
        grid_out: wp.array2d[vec],
    ):
        b, p = wp.tid()
        x = x_in[b, p]
        v, C = gather(lattice, x, b, p, grid_d_in)
        A = mat()
        for i in range(wp.static(dim)):
            for j in range(wp.static(dim)):
                A[i, j] = wp.ddot(tangent_in[b, p, i * dim + j], C)
        scatter(lattice, x, b, p, yield_in[b, p] * v, A, grid_out)

    return kernel


@cache
def stiffness_blocks(n: Numbers) -> Any:
    """K_ii = sum_p w_ip^2 [(x_i - x_p)/D . dA/dC . (x_i - x_p)/D + Y_p], [kg/s] where K is multiplied by dt."""
    s, support = stencil(n), n.support
    dim, real, vec, mat, Lattice = n.dim, n.real, n.vec, n.mat, n.lattice
    inv_spread = n.real(1 / n.scheme.spread)

    if dim == 2:

        @wp.func
        def corner(i: int, j: int, k: int):
            return vec(real(i), real(j))

    else:

        @wp.func
        def corner(i: int, j: int, k: int):
            return vec(real(i), real(j), real(k))

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        lattice: Lattice,
        x_in: wp.array2d[vec],
        tangent_in: wp.array3d[mat],
        yield_in: wp.array2d[mat],
        block_out: wp.array2d[mat],
    ):
        b, p = wp.tid()
        at = lattice.inv_dx * x_in[b, p]
        anchor = s.anchor(lattice, at, b, p)
        f = s.place(at)
        w = s.weights(f)
        steep = inv_spread * lattice.inv_dx
        around = int(wp.static(n.support**dim))  # a variable: what is unrolled here takes long to compile
        for node in range(around):
            i, j, k = node % support, (node // support) % support, node // (support * support)
            weight = w[i, 0] * w[j, 1] * w[k, 2]
            g = steep * (corner(i, j, k) - f)
            block = yield_in[b, p]
            for u in range(wp.static(dim)):
                pulled = vec()
                for v in range(wp.static(dim)):
                    pulled += g[v] * (tangent_in[b, p, u * dim + v] * g)
                for c in range(wp.static(dim)):
                    block[u, c] += pulled[c]
            wp.atomic_add(block_out, b, s.node(lattice, anchor, i, j, k), (weight * weight) * block)

    return kernel
