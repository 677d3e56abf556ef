"""Drucker-Prager sand without dilation [Klar et al. 2016], its volume corrected as by Tampubolon et al. [2017].

|dev tau| <= M p + k,   p = -tr tau / 3: the cone that touches the pyramid of Mohr and Coulomb at the Lode angle l,
M = sqrt(2) sin f / m,   k = sqrt(2) c cos f / m,   m = cos l + sin l sin f / sqrt(3),
f the angle of friction, c the cohesion; l = -30 degrees is triaxial compression (Klar's choice), 0 pure shear, in which
plane strain without dilation ends, 30 triaxial extension.
Return: at the same pressure to the cone; beyond its apex p = -k / M to the apex. There matter opens: what it gained in
volume, v, is kept, and must be lost again before pressure builds up. History: v = sum of the logarithms of those gains.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.elastic import elastic_row
from scenegrad.solvers.mpm.materials.hencky import hencky, hencky_law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["DRUCKER_PRAGER"]


def row_of(
    youngs_modulus: Tensor,
    poisson_ratio: Tensor,
    friction_angle: Tensor,
    cohesion: Tensor,
    lode_angle: Tensor,
    density: Tensor,
) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, M, k); angles in degrees"""
    f, lode = torch.deg2rad(friction_angle), torch.deg2rad(lode_angle)
    match = lode.cos() + lode.sin() * f.sin() / 3**0.5
    return elastic_row(
        youngs_modulus, poisson_ratio, density, 2**0.5 * f.sin() / match, 2**0.5 * cohesion * f.cos() / match
    )


@cache
def deform(n: Numbers) -> Any:
    dim, mat, real, Row, History = n.dim, n.mat, n.real, n.row, n.history
    k = hencky(n, 1)
    strain, volume, shape, shape_out, out, changed = k.strain, k.volume, k.shape, k.shape_out, k.out, k.changed
    third, two_thirds = real(1 / 3), real(2 / 3)

    @wp.func
    def returned(row: Row, F: mat, C: mat, h: History, dt: real):
        two_mu, bulk = real(2.0) * row[2], row[3] + two_thirds * row[2]
        trial = F + dt * (C * F)
        E, e = strain(trial), out(h)
        tr = volume(E, e)
        D, d = shape(E, tr), shape_out(e, tr)
        square = wp.ddot(D, D) + d * d
        closed = tr + h[0]
        limit = row[5] - row[4] * bulk * closed
        kept_volume, r = closed, real(0.0)
        if limit < real(0.0):
            kept_volume, r = row[5] / (row[4] * bulk), real(-1.0)
        elif two_mu * two_mu * square > limit * limit:
            r = limit / (two_mu * wp.sqrt(square)) - real(1.0)
        swelling = kept_volume - tr
        kept = History()
        kept[0] = -swelling
        if wp.static(dim == 2):
            kept[1] = third * swelling + r * d
        return changed(trial, swelling, r, D), h + kept

    return returned


DRUCKER_PRAGER = hencky_law(
    ("youngs_modulus", "poisson_ratio", "friction_angle", "cohesion", "lode_angle", "density"),
    row_of,
    deform,
    own=1,
    gained=0,
)
