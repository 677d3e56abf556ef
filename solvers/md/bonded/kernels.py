# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)
"""Kernels over groups of atoms: one thread works out what a group does to each of its atoms, and one thread per atom
adds up the groups that it is in, so that no two threads write to one place.

Atoms of a group follow each other by their nearest images: a bond may cross the sides of a periodic box. q is what the
shape makes of a group, u the law; primes are derivatives by q, q_s the slope of q by atom s.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.bonded.laws import LAWS
from scenegrad.solvers.md.bonded.shapes import ATOMS, shape_functions
from scenegrad.solvers.md.images import nearest_image
from scenegrad.solvers.md.numbers import numbers

__all__ = ["GroupLaw", "gathered", "product", "pull", "stiffest", "sums", "sums_product"]


@dataclass(frozen=True)
class GroupLaw:
    """What the kernels are specialised for."""

    kind: str
    dim: int
    dtype: torch.dtype
    tilted: bool = False  # the boxes

    @property
    def atoms(self) -> int:
        return ATOMS[LAWS[self.kind].shape]

    @property
    def theta(self) -> Any:
        return numbers(self.dim, self.dtype).theta(len(LAWS[self.kind].parameters))

    @property
    def shape(self) -> Any:
        return shape_functions(LAWS[self.kind].shape, self.dim, self.dtype)

    @property
    def law(self) -> Any:
        return functions(self.kind, self.dtype)


@cache
def functions(kind: str, dtype: torch.dtype) -> Any:
    n = numbers(3, dtype)
    return LAWS[kind].functions(n.real, n.theta(len(LAWS[kind].parameters)))


@cache
def reader(atoms: int, dim: int, dtype: torch.dtype, tilted: bool) -> Any:
    """A function that reads the atoms of a group, each by its image nearest to the one before."""
    n = numbers(dim, dtype)
    vec, real, three, rows = n.vec, n.real, n.three, wp.types.matrix((atoms, dim), n.real)
    three = n.three
    image = nearest_image(dim, dtype, tilted)

    @wp.func
    def read(g: int, group: wp.array2d[wp.int32], lengths: vec, lean: three, x: wp.array[vec]) -> rows:
        first = x[group[g, 0]]
        inverse = vec()
        for a in range(wp.static(dim)):
            inverse[a] = real(1.0) / lengths[a]
        before = vec()  # everything from the first atom: far from the origin no digits are lost
        out = rows()
        for s in range(1, wp.static(atoms)):
            before = before + image(x[group[g, s]] - first - before, lengths, inverse, lean)
            out[s] = before
        return out

    return read


@cache
def pull(law: GroupLaw) -> wp.Kernel:
    """F_s = -u' q_s, by group and atom of it."""
    n, read, theta, f, shape = (
        numbers(law.dim, law.dtype),
        reader(law.atoms, law.dim, law.dtype, law.tilted),
        law.theta,
        law.law,
        law.shape,
    )
    vec, atoms = n.vec, law.atoms
    three = n.three
    value, slope, first = shape.value, shape.slope, f.first

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        row: wp.array[wp.int32],
        group: wp.array2d[wp.int32],
        x: wp.array2d[vec],
        part_out: wp.array2d[vec],
    ):
        b, g = wp.tid()
        X = read(g, group, box[b], lean[b], x[b])
        out = -first(value(X), p[b, row[g]]) * slope(X)
        for s in range(wp.static(atoms)):
            part_out[b, g * wp.static(atoms) + s] = out[s]

    return kernel


@cache
def gathered(dim: int, dtype: torch.dtype) -> wp.Kernel:
    """Adds to every atom what its groups do to it; slot: places in `part` by atom, -1 where there are no more."""
    vec = numbers(dim, dtype).vec

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(slot: wp.array2d[wp.int32], part: wp.array2d[vec], total_out: wp.array2d[vec]):
        b, i = wp.tid()
        total = vec()
        for m in range(slot.shape[1]):
            k = slot[i, m]
            if k < 0:
                break
            total += part[b, k]
        total_out[b, i] = total_out[b, i] + total

    return kernel


@cache
def product(law: GroupLaw) -> wp.Kernel:
    """Transposed derivative of L = sum_i w_i . F_i, with along = sum_s q_s . w_s:

    dL/dx_s = -(u'' along q_s + u' (H w)_s),    dL/dp = -(du'/dp) along   (by group).
    """
    n, read, theta, f, shape = (
        numbers(law.dim, law.dtype),
        reader(law.atoms, law.dim, law.dtype, law.tilted),
        law.theta,
        law.law,
        law.shape,
    )
    vec, atoms, rows = n.vec, law.atoms, law.shape.rows
    three = n.three
    value, slope, bent, first, second, first_by = shape.value, shape.slope, shape.bent, f.first, f.second, f.first_by

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        row: wp.array[wp.int32],
        group: wp.array2d[wp.int32],
        x: wp.array2d[vec],
        w: wp.array2d[vec],
        part_out: wp.array2d[vec],
        p_bar_out: wp.array2d[theta],
    ):
        b, g = wp.tid()
        X = read(g, group, box[b], lean[b], x[b])
        W = rows()
        for s in range(wp.static(atoms)):
            W[s] = w[b, group[g, s]]
        pk = p[b, row[g]]
        q = value(X)
        q_s = slope(X)
        along = wp.ddot(q_s, W)
        out = -(second(q, pk) * along) * q_s - first(q, pk) * bent(X, W)
        for s in range(wp.static(atoms)):
            part_out[b, g * wp.static(atoms) + s] = out[s]
        p_bar_out[b, g] = -along * first_by(q, pk)

    return kernel


@cache
def sums(law: GroupLaw) -> wp.Kernel:
    """Energy and virial by group, in float64: u, then -u' sum_s q_s x_s^T row by row."""
    n, read, theta, f, shape = (
        numbers(law.dim, law.dtype),
        reader(law.atoms, law.dim, law.dtype, law.tilted),
        law.theta,
        law.law,
        law.shape,
    )
    vec, dim, row_type = n.vec, law.dim, n.sums
    three = n.three
    value, slope, energy, first = shape.value, shape.slope, f.energy, f.first

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        row: wp.array[wp.int32],
        group: wp.array2d[wp.int32],
        x: wp.array2d[vec],
        sums_out: wp.array2d[row_type],
    ):
        b, g = wp.tid()
        X = read(g, group, box[b], lean[b], x[b])
        pk = p[b, row[g]]
        q = value(X)
        W = -first(q, pk) * (wp.transpose(slope(X)) * X)
        total = row_type()
        total[0] = wp.float64(energy(q, pk))
        for a in range(wp.static(dim)):
            for c in range(wp.static(dim)):
                total[1 + wp.static(dim) * a + c] = wp.float64(W[a, c])
        sums_out[b, g] = total

    return kernel


@cache
def sums_product(law: GroupLaw) -> wp.Kernel:
    """Transposed derivative of L = g U + sum_ab G_ab W_ab = g u - u' along, along = sum_s q_s . (G x_s):

    dL/dx_s = (g u' - u'' along) q_s - u' [(H G x)_s + G^T q_s],    dL/dp = g du/dp - along du'/dp   (by group).
    """
    n, read, theta, f, shape = (
        numbers(law.dim, law.dtype),
        reader(law.atoms, law.dim, law.dtype, law.tilted),
        law.theta,
        law.law,
        law.shape,
    )
    vec, real, mat, atoms = n.vec, n.real, n.mat, law.atoms
    three = n.three
    value, slope, bent, first, second = shape.value, shape.slope, shape.bent, f.first, f.second
    energy_by, first_by = f.energy_by, f.first_by

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        row: wp.array[wp.int32],
        group: wp.array2d[wp.int32],
        x: wp.array2d[vec],
        u_bar: wp.array[real],
        w_bar: wp.array[mat],
        part_out: wp.array2d[vec],
        p_bar_out: wp.array2d[theta],
    ):
        b, g = wp.tid()
        X = read(g, group, box[b], lean[b], x[b])
        pk = p[b, row[g]]
        G = w_bar[b]
        W = X * wp.transpose(G)
        q = value(X)
        q_s = slope(X)
        along = wp.ddot(q_s, W)
        f1 = first(q, pk)
        out = (u_bar[b] * f1 - second(q, pk) * along) * q_s - f1 * (bent(X, W) + q_s * G)
        for s in range(wp.static(atoms)):
            part_out[b, g * wp.static(atoms) + s] = out[s]
        p_bar_out[b, g] = u_bar[b] * energy_by(q, pk) - along * first_by(q, pk)

    return kernel


@cache
def stiffest(law: GroupLaw) -> wp.Kernel:
    """u'' sum_s |q_s|^2 / m_s: square of the frequency with which a group swings by itself."""
    n, read, theta, f, shape = (
        numbers(law.dim, law.dtype),
        reader(law.atoms, law.dim, law.dtype, law.tilted),
        law.theta,
        law.law,
        law.shape,
    )
    vec, real, atoms = n.vec, n.real, law.atoms
    three = n.three
    value, slope, most = shape.value, shape.slope, f.stiffest

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        box: wp.array[vec],
        lean: wp.array[three],
        p: wp.array2d[theta],
        row: wp.array[wp.int32],
        group: wp.array2d[wp.int32],
        x: wp.array2d[vec],
        mass: wp.array2d[real],
        height: wp.array[real],
        square_out: wp.array2d[real],
    ):
        b, g = wp.tid()
        X = read(g, group, box[b], lean[b], x[b])
        q_s = slope(X)
        inertia = real(0.0)
        for s in range(wp.static(atoms)):
            inertia += wp.dot(q_s[s], q_s[s]) / mass[b, group[g, s]]
        square_out[b, g] = most(value(X), p[b, row[g]], height[b]) * inertia

    return kernel
