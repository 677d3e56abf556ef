"""Kernels over the pairs of a neighbour list: the force of a pair potential and its adjoint.

An atom sums its own row. Where a list has each pair once, as on a CPU, it hands what it found to the other atom as
well; where it has each pair in both rows, as on a GPU, all kernels gather, and a sum over pairs counts half of each.

d = x_i - x_j is the nearest image, r^2 = d.d, s = -u'(r)/r. Pairs beyond the cutoff are masked, not skipped: a branch
that a quarter of the pairs takes costs more than their arithmetic. Why each kernel has two loops, see `wide`.
"""

from functools import cache

import warp as wp

from scenegrad.solvers.md.numbers import numbers
from scenegrad.solvers.md.pairs.cuts import cut_functions
from scenegrad.solvers.md.pairs.law import PairLaw
from scenegrad.solvers.md.pairs.potentials import potential
from scenegrad.solvers.md.wide import WIDE, readers, stretch

__all__ = ["force", "force_adjoint"]


@cache
def force(law: PairLaw) -> wp.Kernel:
    """F_i += sum_j s(r^2) d"""
    n, mixed, dim = numbers(law.dim, law.dtype), law.mixed, law.dim
    partial, once, tilted, image, three = law.partial, law.once, law.tilted, law.image, n.three
    count_p = len(potential(law.kind).parameters)
    vec, real, edge, theta = n.vec, n.real, n.edge, n.theta(count_p)
    radial = cut_functions(law.kind, law.cut, law.dtype).radial
    entry, part, take, _ = readers(law.dim, law.dtype)
    wide = stretch(law.dtype, law.once)
    most, step, parts_type = wide.most, wide.step, wide.type(real, dim)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
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
        force_out: wp.array2d[vec],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        xb = x[b]
        fb = force_out[b]
        row = rows[b, i]
        xi = xb[i]
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(dim)):
            inverse[a] = real(1.0) / lengths[a]
        slant = lean[b]
        mine = pair_of[species[i]]
        pk = p[b, 0]
        ek = e[b, 0]
        total = vec()
        d = vec()
        f = parts_type()
        length = count[b, i]
        first = int(0)
        while first < length:
            here = wp.min(length - first, most)
            padded = (here + (step - 1)) & (-step)
            m = int(0)
            while m < padded:
                j = entry(row, first + m)
                r2 = real(0.0)
                for a in range(wp.static(dim)):
                    d[a] = xi[a] - part(xb, j, a)
                if wp.static(tilted):
                    d = image(d, lengths, inverse, slant)
                else:
                    for a in range(wp.static(dim)):
                        d[a] = d[a] - lengths[a] * wp.rint(d[a] * inverse[a])
                for a in range(wp.static(dim)):
                    r2 += d[a] * d[a]
                inside = r2 < ek[0]
                if wp.static(mixed):
                    k = entry(mine, entry(species, j))
                    if wp.static(partial):
                        pk = p[b, wp.max(k, 0)]
                        ek = e[b, wp.max(k, 0)]
                        inside = r2 < wp.where(k < 0, real(0.0), ek[0])
                    else:
                        pk = p[b, k]
                        ek = e[b, k]
                        inside = r2 < ek[0]
                s = wp.where(inside, radial(r2, pk, ek), real(0.0))
                for a in range(wp.static(dim)):
                    f[a * most + m] = s * d[a]
                m += 1
            g = int(0)
            while g < here:
                for a in range(wp.static(dim)):
                    total[a] = total[a] + f[a * most + g]
                if wp.static(once):
                    other = entry(row, first + g)
                    for a in range(wp.static(dim)):
                        take(fb, other, a, f[a * most + g])
                g += 1
            first += here
        fb[i] = fb[i] + total

    return kernel


@cache
def force_adjoint(law: PairLaw, learning: bool) -> wp.Kernel:
    """Transposed derivative of L = sum_i w_i . F_i, with dw = w_i - w_j and s' = ds/d(r^2):

    dL/dx_i = sum_j [s dw + 2 s' (d.dw) d], which is added,    dL/dp = 1/2 sum_ij (d.dw) ds/dp   (where `learning`; by
    atom and pair).
    """
    n, mixed, dim = numbers(law.dim, law.dtype), law.mixed, law.dim
    partial, once, tilted, image, three = law.partial, law.once, law.tilted, law.image, n.three
    share = law.share
    count_p = len(potential(law.kind).parameters)
    vec, real, edge, theta = n.vec, n.real, n.edge, n.theta(count_p)
    of_law = cut_functions(law.kind, law.cut, law.dtype)
    radial, slope, radial_by = of_law.radial, of_law.slope, of_law.radial_by
    entry, part, take, _ = readers(law.dim, law.dtype)
    wide = stretch(law.dtype, law.once)
    most, step, parts_type, by_type = wide.most, wide.step, wide.type(real, dim), wide.type(real, count_p)

    @wp.kernel(module="unique", enable_backward=False, module_options=WIDE)
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
        w: wp.array2d[vec],
        x_bar_out: wp.array2d[vec],
        p_bar_out: wp.array3d[theta],
    ):
        b, i = wp.tid()
        b += corner[0]
        i += corner[1]
        xb = x[b]
        x_bar_b = x_bar_out[b]
        wb = w[b]
        row = rows[b, i]
        xi = xb[i]
        wi = wb[i]
        lengths = box[b]
        inverse = vec()
        for a in range(wp.static(dim)):
            inverse[a] = real(1.0) / lengths[a]
        slant = lean[b]
        mine = pair_of[species[i]]
        pk = p[b, 0]
        ek = e[b, 0]
        total = vec()
        p_bar = theta()
        d = vec()
        dw = vec()
        f = parts_type()
        by = by_type()
        length = count[b, i]
        first = int(0)
        while first < length:
            here = wp.min(length - first, most)
            padded = (here + (step - 1)) & (-step)
            m = int(0)
            while m < padded:
                j = entry(row, first + m)
                for a in range(wp.static(dim)):
                    d[a] = xi[a] - part(xb, j, a)
                    dw[a] = wi[a] - part(wb, j, a)
                if wp.static(tilted):
                    d = image(d, lengths, inverse, slant)
                else:
                    for a in range(wp.static(dim)):
                        d[a] = d[a] - lengths[a] * wp.rint(d[a] * inverse[a])
                r2 = real(0.0)
                along = real(0.0)
                for a in range(wp.static(dim)):
                    r2 += d[a] * d[a]
                    along += d[a] * dw[a]
                inside = r2 < ek[0]
                if wp.static(mixed):
                    k = entry(mine, entry(species, j))
                    if wp.static(partial):
                        pk = p[b, wp.max(k, 0)]
                        ek = e[b, wp.max(k, 0)]
                        inside = r2 < wp.where(k < 0, real(0.0), ek[0])
                    else:
                        pk = p[b, k]
                        ek = e[b, k]
                        inside = r2 < ek[0]
                s = wp.where(inside, radial(r2, pk, ek), real(0.0))
                bend = wp.where(inside, real(2.0) * slope(r2, pk, ek) * along, real(0.0))
                for a in range(wp.static(dim)):
                    f[a * most + m] = s * dw[a] + bend * d[a]
                if wp.static(learning):
                    by_p = radial_by(r2, pk, ek)
                    for q in range(wp.static(count_p)):
                        by[q * most + m] = wp.where(inside, real(share) * along * by_p[q], real(0.0))
                m += 1
            g = int(0)
            while g < here:
                for a in range(wp.static(dim)):
                    total[a] = total[a] + f[a * most + g]
                if wp.static(once or (learning and mixed)):
                    other = entry(row, first + g)
                    if wp.static(once):
                        for a in range(wp.static(dim)):
                            take(x_bar_b, other, a, f[a * most + g])
                    if wp.static(learning and mixed):
                        pair = entry(mine, entry(species, other))
                        if wp.static(partial):
                            pair = wp.max(pair, 0)
                        for q in range(wp.static(count_p)):
                            p_bar[q] = by[q * most + g]
                        p_bar_out[b, i, pair] = p_bar_out[b, i, pair] + p_bar
                if wp.static(learning and not mixed):
                    for q in range(wp.static(count_p)):
                        p_bar[q] = p_bar[q] + by[q * most + g]
                g += 1
            first += here
        x_bar_b[i] = x_bar_b[i] + total
        if wp.static(learning and not mixed):
            p_bar_out[b, i, 0] = p_bar

    return kernel
