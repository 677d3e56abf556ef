"""Modified Cam clay with cohesion, non-associated [Roscoe & Burland 1968; Gaume et al. 2018; Wolper et al. 2019].

(1 + 2 b) q^2 + M^2 (p + b p0) (p - p0) <= 0,   p = -tr tau / 3,   q = sqrt(3/2) |dev tau|,   p0 = p_c exp(-xi a).
Return: pressures beyond the ellipse to its tips, the others at constant pressure onto it. The plastic volume changes by
a' = a - (p - p_x) / K, as if matter had gone to the point x where the line from the middle of the ellipse meets it: it
hardens on the side of compression and softens on the other. (Beyond a tip this a' equals that of Wolper et al. where
q = 0, and is continuous where theirs is not.) History: a, the logarithm of that volume, and v,
that of the volume gained besides the elastic one: matter returned at constant pressure hardens, but keeps its volume.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.elastic import elastic_row
from scenegrad.solvers.mpm.materials.hencky import hencky, hencky_law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["CAM_CLAY"]


def row_of(
    youngs_modulus: Tensor,
    poisson_ratio: Tensor,
    critical_state_ratio: Tensor,
    cohesion: Tensor,
    preconsolidation: Tensor,
    hardening: Tensor,
    density: Tensor,
) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, M, b, p_c, xi)"""
    return elastic_row(
        youngs_modulus, poisson_ratio, density, critical_state_ratio, cohesion, preconsolidation, hardening
    )


@cache
def deform(n: Numbers) -> Any:
    dim, mat, real, Row, History = n.dim, n.mat, n.real, n.row, n.history
    k = hencky(n, 2)
    strain, volume, shape, shape_out, out, changed = k.strain, k.volume, k.shape, k.shape_out, k.out, k.changed
    third, two_thirds, half, one, two = real(1 / 3), real(2 / 3), real(0.5), real(1.0), real(2.0)

    @wp.func
    def returned(row: Row, F: mat, C: mat, h: History, dt: real):
        M, b = row[4], row[5]
        bulk = row[3] + two_thirds * row[2]
        trial, kept = F + dt * (C * F), History()
        E, e = strain(trial), out(h)
        tr = volume(E, e)
        D, d = shape(E, tr), shape_out(e, tr)
        p = -bulk * tr
        q_square = real(6.0) * row[2] * row[2] * (wp.ddot(D, D) + d * d)
        p0 = row[6] * wp.exp(-row[7] * h[0])
        middle, reach = half * (one - b) * p0, half * (one + b) * p0  # nothing is divided by p0, which can vanish
        shear = (one + two * b) * q_square / (M * M)
        square = (p - middle) * (p - middle) + shear
        after = trial
        if square > reach * reach:
            swelling, r = real(0.0), real(-1.0)
            if p >= p0:
                swelling = (p - p0) / bulk
            elif p <= -b * p0:
                swelling = (p + b * p0) / bulk
            else:
                r = wp.sqrt((p + b * p0) * (p0 - p) / shear) - one
            after = changed(trial, swelling, r, D)
            kept[0] = (p - middle) * (reach / wp.sqrt(square) - one) / bulk
            kept[1] = -swelling
            if wp.static(dim == 2):
                kept[2] = third * swelling + r * d
        return after, h + kept

    return returned


CAM_CLAY = hencky_law(
    (
        "youngs_modulus", "poisson_ratio", "critical_state_ratio", "cohesion", "preconsolidation", "hardening",
        "density",
    ),
    row_of,
    deform,
    own=2,
    gained=1,
)  # fmt: skip
