"""Sums over the nodes that a particle sees, from them and to them, with adjoints that run over the nodes once."""

# mypy: disable-error-code="attr-defined, index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any, NamedTuple

import warp as wp

from scenegrad.solvers.mpm.grid.stencil import stencil
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Sums", "sums"]


class Sums(NamedTuple):
    """Functions that kernels of one dimension and precision share. f: distance to the lowest node in units of dx."""

    gather: Any  # (lattice, anchor, f, field, b) -> sum_i w_i u_i and sum_i w_i u_i i', i counted from the lowest node
    scatter: Any  # (lattice, anchor, f, u, slope, m, field_out, b): node i gets w_i (u + slope i, m)


@cache
def sums(n: Numbers) -> Sums:
    """Both are linear in all but f. Adjoint of `gather`, u_bar and M_bar being those of its sums:

    u_i_bar = w_i q_i,   f_bar = sum_i (u_i . q_i) dw_i/df,   q_i = u_bar + M_bar i;

    `scatter` is its transpose, with the mass as one more component. Sums are taken axis by axis.
    """
    s, slopes = stencil(n), weight_slopes(n)
    dim, real, vec, mat, packed, Anchor, Lattice = n.dim, n.real, n.vec, n.mat, n.packed, n.anchor, n.lattice
    width, depth = n.support, n.support if n.dim == 3 else 1

    @wp.func
    def gather(lattice: Lattice, anchor: Anchor, f: vec, field: wp.array2d[vec], b: int):
        w = s.weights(f)
        moment = s.moments(w)
        u, u_by_x, u_by_y, u_by_z = vec(), vec(), vec(), vec()
        for i in range(wp.static(width)):
            plane, plane_by_y, plane_by_z = vec(), vec(), vec()
            for j in range(wp.static(width)):
                line, line_by_z = vec(), vec()
                for k in range(wp.static(depth)):
                    seen = field[b, s.node(lattice, anchor, i, j, k)]
                    line += w[k, 2] * seen
                    line_by_z += moment[k, 2] * seen
                plane += w[j, 1] * line
                plane_by_y += moment[j, 1] * line
                plane_by_z += w[j, 1] * line_by_z
            u += w[i, 0] * plane
            u_by_x += moment[i, 0] * plane
            u_by_y += w[i, 0] * plane_by_y
            u_by_z += w[i, 0] * plane_by_z
        return u, s.columns(u_by_x, u_by_y, u_by_z)

    @wp.func_grad(gather)
    def gather_adjoint(
        lattice: Lattice, anchor: Anchor, f: vec, field: wp.array2d[vec], b: int, u_bar: vec, M_bar: mat
    ):
        w, dw = s.weights(f), slopes(f)
        by_x, by_y, by_z = real(0.0), real(0.0), real(0.0)
        of_plane = u_bar
        for i in range(wp.static(width)):
            plane, plane_by_y, plane_by_z = real(0.0), real(0.0), real(0.0)
            of_line = of_plane
            for j in range(wp.static(width)):
                line, line_by_z = real(0.0), real(0.0)
                q = of_line
                for k in range(wp.static(depth)):
                    node = s.node(lattice, anchor, i, j, k)
                    along = wp.dot(field[b, node], q)
                    line += w[k, 2] * along
                    line_by_z += dw[k, 2] * along
                    wp.atomic_add(wp.adjoint[field], b, node, (w[i, 0] * w[j, 1] * w[k, 2]) * q)
                    q = q + s.column(M_bar, 2)
                plane += w[j, 1] * line
                plane_by_y += dw[j, 1] * line
                plane_by_z += w[j, 1] * line_by_z
                of_line = of_line + s.column(M_bar, 1)
            by_x += dw[i, 0] * plane
            by_y += w[i, 0] * plane_by_y
            by_z += w[i, 0] * plane_by_z
            of_plane = of_plane + s.column(M_bar, 0)
        wp.adjoint[f] += s.axes(by_x, by_y, by_z)

    @wp.func
    def scatter(
        lattice: Lattice, anchor: Anchor, f: vec, u: vec, slope: mat, m: real, field_out: wp.array2d[packed], b: int
    ):
        w = s.weights(f)
        of_plane = u
        for i in range(wp.static(width)):
            of_line = of_plane
            for j in range(wp.static(width)):
                of_node = of_line
                for k in range(wp.static(depth)):
                    weight = w[i, 0] * w[j, 1] * w[k, 2]
                    node = s.node(lattice, anchor, i, j, k)
                    wp.atomic_add(field_out, b, node, s.pack(weight * of_node, weight * m))
                    of_node = of_node + s.column(slope, 2)
                of_line = of_line + s.column(slope, 1)
            of_plane = of_plane + s.column(slope, 0)

    @wp.func_replay(scatter)
    def scatter_not_twice(
        lattice: Lattice, anchor: Anchor, f: vec, u: vec, slope: mat, m: real, field_out: wp.array2d[packed], b: int
    ):
        pass

    @wp.func_grad(scatter)
    def scatter_adjoint(
        lattice: Lattice, anchor: Anchor, f: vec, u: vec, slope: mat, m: real, field_out: wp.array2d[packed], b: int
    ):
        w, dw = s.weights(f), slopes(f)
        moment = s.moments(w)
        p, at_x, at_y, at_z = packed(), packed(), packed(), packed()
        by_x, by_y, by_z = real(0.0), real(0.0), real(0.0)
        of_plane = u
        for i in range(wp.static(width)):
            plane, plane_at_y, plane_at_z = packed(), packed(), packed()
            plane_of, plane_by_y, plane_by_z = real(0.0), real(0.0), real(0.0)
            of_line = of_plane
            for j in range(wp.static(width)):
                line, line_at_z = packed(), packed()
                line_of, line_by_z = real(0.0), real(0.0)
                of_node = of_line
                for k in range(wp.static(depth)):
                    seen = wp.adjoint[field_out][b, s.node(lattice, anchor, i, j, k)]
                    line += w[k, 2] * seen
                    line_at_z += moment[k, 2] * seen
                    along = wp.dot(seen, s.pack(of_node, m))
                    line_of += w[k, 2] * along
                    line_by_z += dw[k, 2] * along
                    of_node = of_node + s.column(slope, 2)
                plane += w[j, 1] * line
                plane_at_y += moment[j, 1] * line
                plane_at_z += w[j, 1] * line_at_z
                plane_of += w[j, 1] * line_of
                plane_by_y += dw[j, 1] * line_of
                plane_by_z += w[j, 1] * line_by_z
                of_line = of_line + s.column(slope, 1)
            p += w[i, 0] * plane
            at_x += moment[i, 0] * plane
            at_y += w[i, 0] * plane_at_y
            at_z += w[i, 0] * plane_at_z
            by_x += dw[i, 0] * plane_of
            by_y += w[i, 0] * plane_by_y
            by_z += w[i, 0] * plane_by_z
            of_plane = of_plane + s.column(slope, 0)
        wp.adjoint[f] += s.axes(by_x, by_y, by_z)
        wp.adjoint[u] += s.momentum(p)
        wp.adjoint[slope] += s.columns(s.momentum(at_x), s.momentum(at_y), s.momentum(at_z))
        wp.adjoint[m] += p[wp.static(dim)]

    return Sums(gather, scatter)


@cache
def weight_slopes(n: Numbers) -> Any:
    """wp.func f -> dN/df of the nodes along each axis [node, axis]; 0 along the one that 2D lacks."""
    dim, real, vec, Weights = n.dim, n.real, n.vec, n.weights
    half, three_halves = real(0.5), real(1.5)

    @wp.func
    def slopes(f: vec):
        d = Weights()
        for a in range(wp.static(dim)):
            if wp.static(n.support == 3):
                d[0, a] = f[a] - three_halves
                d[1, a] = real(2.0) - real(2.0) * f[a]
                d[2, a] = f[a] - half
            else:
                t = f[a] - real(1.0)
                u = real(1.0) - t
                d[0, a] = -half * u * u
                d[1, a] = t * (three_halves * t - real(2.0))
                d[2, a] = u * (real(2.0) - three_halves * u)
                d[3, a] = half * t * t
        return d

    return slopes
