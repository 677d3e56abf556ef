# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)
"""What bonded potentials are functions of: the length of a bond, the cosine of an angle, a dihedral angle.

X holds the atoms of a group as rows [atom, dim], all of one image. `shape_functions` gives three Warp functions:

    value(X)     q
    slope(X)     dq/dX                           [atom, dim]
    bent(X, W)   d(slope)/dX along W, so H W     [atom, dim]
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import warp as wp

from scenegrad.solvers.md.numbers import numbers

__all__ = ["ATOMS", "ShapeFunctions", "shape_functions"]

ATOMS = {"length": 2, "cosine": 3, "torsion": 4}  # of a group


@dataclass(frozen=True)
class ShapeFunctions:
    """rows: the type of X."""

    value: Any
    slope: Any
    bent: Any
    rows: Any


@cache
def shape_functions(shape: str, dim: int, dtype: torch.dtype) -> ShapeFunctions:
    return SHAPES[shape](dim, dtype)


def length(dim: int, dtype: torch.dtype) -> ShapeFunctions:
    """r = |x_0 - x_1|"""
    n = numbers(dim, dtype)
    real, rows = n.real, wp.types.matrix((2, dim), n.real)

    @wp.func
    def value(X: rows) -> real:
        return wp.length(X[0] - X[1])

    @wp.func
    def slope(X: rows) -> rows:
        e = wp.normalize(X[0] - X[1])
        out = rows()
        out[0] = e
        out[1] = -e
        return out

    @wp.func
    def bent(X: rows, W: rows) -> rows:
        d = X[0] - X[1]
        e = wp.normalize(d)
        w = W[0] - W[1]
        t = (w - wp.dot(e, w) * e) / wp.length(d)
        out = rows()
        out[0] = t
        out[1] = -t
        return out

    return ShapeFunctions(value, slope, bent, rows)


def cosine(dim: int, dtype: torch.dtype) -> ShapeFunctions:
    """cos of the angle at x_1 between x_0 and x_2; -1 where the three stand in line."""
    n = numbers(dim, dtype)
    real, rows = n.real, wp.types.matrix((3, dim), n.real)

    @wp.func
    def value(X: rows) -> real:
        return wp.dot(wp.normalize(X[0] - X[1]), wp.normalize(X[2] - X[1]))

    @wp.func
    def slope(X: rows) -> rows:
        a = X[0] - X[1]
        c = X[2] - X[1]
        ea = wp.normalize(a)
        ec = wp.normalize(c)
        q = wp.dot(ea, ec)
        out = rows()
        out[0] = (ec - q * ea) / wp.length(a)
        out[2] = (ea - q * ec) / wp.length(c)
        out[1] = -(out[0] + out[2])
        return out

    @wp.func
    def bent(X: rows, W: rows) -> rows:
        a = X[0] - X[1]
        c = X[2] - X[1]
        wa = W[0] - W[1]
        wc = W[2] - W[1]
        ra = wp.length(a)
        rc = wp.length(c)
        ea = a / ra
        ec = c / rc
        q = wp.dot(ea, ec)
        along_a = wp.dot(ea, wa)
        along_c = wp.dot(ec, wc)
        ta = (wa - along_a * ea) / ra  # how the directions turn
        tc = (wc - along_c * ec) / rc
        tq = wp.dot(ta, ec) + wp.dot(ea, tc)
        out = rows()
        out[0] = (tc - tq * ea - q * ta - (along_a / ra) * (ec - q * ea)) / ra
        out[2] = (ta - tq * ec - q * tc - (along_c / rc) * (ea - q * ec)) / rc
        out[1] = -(out[0] + out[2])
        return out

    return ShapeFunctions(value, slope, bent, rows)


def torsion(dim: int, dtype: torch.dtype) -> ShapeFunctions:
    """Dihedral angle of the chain x_0 x_1 x_2 x_3 about its middle bond, 0 where the ends are on one side and positive
    clockwise (IUPAC), by its slope without singular terms [Blondel & Karplus 1996, J. Comput. Chem. 17, 1132]."""
    assert dim == 3, "a dihedral angle needs three dimensions"
    n = numbers(dim, dtype)
    real, rows, vec = n.real, wp.types.matrix((4, 3), n.real), n.vec

    @wp.func
    def value(X: rows) -> real:
        f = X[0] - X[1]
        g = X[1] - X[2]
        h = X[3] - X[2]
        a = wp.cross(f, g)
        b = wp.cross(h, g)
        return wp.atan2(wp.dot(wp.cross(b, a), g) / wp.length(g), wp.dot(a, b))

    @wp.func
    def assemble(alpha: vec, beta: vec, s: real, t: real, lg: real) -> rows:
        """alpha = A/A^2, beta = B/B^2; s = F.G/|G|, t = H.G/|G|"""
        out = rows()
        out[0] = -lg * alpha
        out[1] = (lg + s) * alpha - t * beta
        out[2] = -s * alpha + (t - lg) * beta
        out[3] = lg * beta
        return out

    @wp.func
    def slope(X: rows) -> rows:
        f = X[0] - X[1]
        g = X[1] - X[2]
        h = X[3] - X[2]
        a = wp.cross(f, g)
        b = wp.cross(h, g)
        lg = wp.length(g)
        return assemble(a / wp.dot(a, a), b / wp.dot(b, b), wp.dot(f, g) / lg, wp.dot(h, g) / lg, lg)

    @wp.func
    def bent(X: rows, W: rows) -> rows:
        f = X[0] - X[1]
        g = X[1] - X[2]
        h = X[3] - X[2]
        wf = W[0] - W[1]
        wg = W[1] - W[2]
        wh = W[3] - W[2]
        a = wp.cross(f, g)
        b = wp.cross(h, g)
        wa = wp.cross(wf, g) + wp.cross(f, wg)
        wb = wp.cross(wh, g) + wp.cross(h, wg)
        lg = wp.length(g)
        wl = wp.dot(g, wg) / lg
        aa = wp.dot(a, a)
        bb = wp.dot(b, b)
        alpha = a / aa
        beta = b / bb
        t_alpha = wa / aa - (real(2.0) * wp.dot(a, wa) / aa) * alpha
        t_beta = wb / bb - (real(2.0) * wp.dot(b, wb) / bb) * beta
        s = wp.dot(f, g) / lg
        t = wp.dot(h, g) / lg
        ws = (wp.dot(wf, g) + wp.dot(f, wg) - s * wl) / lg
        wt = (wp.dot(wh, g) + wp.dot(h, wg) - t * wl) / lg
        # The product rule: once with the directions turning, once with the lengths changing.
        return assemble(t_alpha, t_beta, s, t, lg) + assemble(alpha, beta, ws, wt, wl)

    return ShapeFunctions(value, slope, bent, rows)


SHAPES: dict[str, Callable[[int, torch.dtype], ShapeFunctions]] = {
    "length": length,
    "cosine": cosine,
    "torsion": torsion,
}
