"""Kernels over the pairs of a neighbour list that are called now and then: energy and virial, their adjoint, stiffness.

The notation is that of `forces`, which has the kernels of every step. Sums over the atoms of a system are done in
float64.
"""

from functools import cache

import warp as wp

from scenegrad.solvers.md.numbers import FUSED, numbers
from scenegrad.solvers.md.pairs.cuts import cut_functions
from scenegrad.solvers.md.pairs.forces import force, force_adjoint
from scenegrad.solvers.md.pairs.law import PairLaw
from scenegrad.solvers.md.pairs.potentials import potential

__all__ = ["PairLaw", "force", "force_adjoint", "stiffest", "sums", "sums_adjoint"]


@cache
def sums(law: PairLaw) -> wp.Kernel:
    """Energy and virial by atom, in float64: 1/2 sum_j u, then 1/2 sum_j s d_a d_b row by row."""
    n, mixed = numbers(law.dim, law.dtype), law.mixed
    partial, image, three = law.partial, law.image, n.three
    share = law.share
    vec, real, edge, theta, row_type = n.vec, n.real, n.edge, n.theta(len(potential(law.kind).parameters)), n.sums
    f = cut_functions(law.kind, law.cut, law.dtype)
    energy, radial = f.energy, f.radial

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        corner: wp.vec2i,
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        e: wp.array2d[edge],
        pair_of: wp.array2d[wp.int32],
        species: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        sums_out: wp.array2d[row_type],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        xb = x[b]
        row = rows[b, i]
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(n.dim)):
            inverse[a] = real(1.0) / lengths[a]
        slant = lean[b]
        mine = pair_of[species[i]]
        pk = p[b, 0]
        ek = e[b, 0]
        total = row_type()
        for m in range(count[b, i]):
            j = row[m]
            d = image(xb[i] - xb[j], lengths, inverse, slant)
            r2 = wp.dot(d, d)
            if wp.static(mixed):
                k = mine[species[j]]
                if wp.static(partial):
                    if k < 0:
                        continue
                pk = p[b, k]
                ek = e[b, k]
            if r2 < ek[0]:
                s = radial(r2, pk, ek)
                total[0] = total[0] + wp.float64(real(share) * energy(r2, pk, ek))
                for a in range(wp.static(n.dim)):
                    for c in range(wp.static(n.dim)):
                        at = 1 + wp.static(n.dim) * a + c
                        total[at] = total[at] + wp.float64(real(share) * s * d[a] * d[c])
        sums_out[b, i] = total

    return kernel


@cache
def sums_adjoint(law: PairLaw) -> wp.Kernel:
    """Transposed derivative of L = g U + sum_ab G_ab W_ab, energy U = sum_{i<j} u and virial W = sum_{i<j} s d d^T:

    dL/dx_i = sum_j [2 s' (d.Gd) d + s (G + G^T) d - g s d], which is added,
    dL/dp = 1/2 sum_ij [g du/dp + (d.Gd) ds/dp]   (by atom and pair).
    """
    n, mixed = numbers(law.dim, law.dtype), law.mixed
    partial, once, image, three = law.partial, law.once, law.image, n.three
    share = law.share
    vec, real, edge, theta, mat = n.vec, n.real, n.edge, n.theta(len(potential(law.kind).parameters)), n.mat
    f = cut_functions(law.kind, law.cut, law.dtype)
    radial, slope, energy_by, radial_by = f.radial, f.slope, f.energy_by, f.radial_by

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        corner: wp.vec2i,
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        e: wp.array2d[edge],
        pair_of: wp.array2d[wp.int32],
        species: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        u_bar: wp.array[real],
        w_bar: wp.array[mat],
        x_bar_out: wp.array2d[vec],
        p_bar_out: wp.array3d[theta],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        xb = x[b]
        x_bar_b = x_bar_out[b]
        row = rows[b, i]
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(n.dim)):
            inverse[a] = real(1.0) / lengths[a]
        slant = lean[b]
        gu = u_bar[b]
        gw = w_bar[b]
        both = gw + wp.transpose(gw)
        mine = pair_of[species[i]]
        k = int(0)
        pk = p[b, 0]
        ek = e[b, 0]
        total = vec()
        for m in range(count[b, i]):
            j = row[m]
            d = image(xb[i] - xb[j], lengths, inverse, slant)
            r2 = wp.dot(d, d)
            if wp.static(mixed):
                k = mine[species[j]]
                if wp.static(partial):
                    if k < 0:
                        continue
                pk = p[b, k]
                ek = e[b, k]
            if r2 < ek[0]:
                s = radial(r2, pk, ek)
                along = both * d
                twice = wp.dot(d, along)
                part_x = (slope(r2, pk, ek) * twice - gu * s) * d + s * along
                total += part_x
                if wp.static(once):
                    x_bar_b[j] = x_bar_b[j] - part_x
                part = gu * energy_by(r2, pk, ek) + (real(0.5) * twice) * radial_by(r2, pk, ek)
                p_bar_out[b, i, k] = p_bar_out[b, i, k] + real(share) * part
        x_bar_b[i] = x_bar_b[i] + total

    return kernel


@cache
def stiffest(law: PairLaw) -> wp.Kernel:
    """max_j |u''| (1/m_i + 1/m_j): the square of the highest frequency of a pair with atom i, u'' = -s - 2 r^2 s'."""
    n, mixed = numbers(law.dim, law.dtype), law.mixed
    partial, image, three = law.partial, law.image, n.three
    vec, real, edge, theta = n.vec, n.real, n.edge, n.theta(len(potential(law.kind).parameters))
    f = cut_functions(law.kind, law.cut, law.dtype)
    radial, slope = f.radial, f.slope

    @wp.kernel(module="unique", enable_backward=False, module_options=FUSED)
    def kernel(
        corner: wp.vec2i,
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        e: wp.array2d[edge],
        pair_of: wp.array2d[wp.int32],
        species: wp.array[wp.int32],
        count: wp.array2d[wp.int32],
        rows: wp.array3d[wp.int32],
        x: wp.array2d[vec],
        mass: wp.array2d[real],
        square_out: wp.array2d[real],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        xb = x[b]
        row = rows[b, i]
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(n.dim)):
            inverse[a] = real(1.0) / lengths[a]
        slant = lean[b]
        mine = pair_of[species[i]]
        inverse_mass = real(1.0) / mass[b, i]
        pk = p[b, 0]
        ek = e[b, 0]
        most = real(0.0)
        for m in range(count[b, i]):
            j = row[m]
            d = image(xb[i] - xb[j], lengths, inverse, slant)
            r2 = wp.dot(d, d)
            if wp.static(mixed):
                k = mine[species[j]]
                if wp.static(partial):
                    if k < 0:
                        continue
                pk = p[b, k]
                ek = e[b, k]
            if r2 < ek[0]:
                bend = wp.abs(radial(r2, pk, ek) + real(2.0) * r2 * slope(r2, pk, ek))
                most = wp.max(most, bend * (inverse_mass + real(1.0) / mass[b, j]))
        square_out[b, i] = most

    return kernel
