"""J2 plasticity with linear isotropic hardening [von Mises 1913; radial return of Simo & Hughes 1998, box 3.1].

|dev tau| <= sqrt(2/3) (sigma_y + H a), a the equivalent plastic strain: under uniaxial tension the axial stress is
sigma_y + H a. With s = 2 mu |dev E| of the trial strain and g = (s - limit) / (2 mu + 2/3 H) > 0:
dev E' = dev E (1 - g / |dev E|),   a' = a + sqrt(2/3) g. History: a.
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

__all__ = ["VON_MISES"]


def row_of(
    youngs_modulus: Tensor, poisson_ratio: Tensor, yield_stress: Tensor, hardening: Tensor, density: Tensor
) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, sigma_y, H)"""
    return elastic_row(youngs_modulus, poisson_ratio, density, yield_stress, hardening)


@cache
def deform(n: Numbers) -> Any:
    dim, mat, real, Row, History = n.dim, n.mat, n.real, n.row, n.history
    k = hencky(n, 1)
    strain, volume, shape, shape_out, out, changed = k.strain, k.volume, k.shape, k.shape_out, k.out, k.changed
    root, two_thirds = real((2 / 3) ** 0.5), real(2 / 3)

    @wp.func
    def returned(row: Row, F: mat, C: mat, h: History, dt: real):
        two_mu, after, kept = real(2.0) * row[2], F + dt * (C * F), History()
        E, e = strain(after), out(h)
        tr = volume(E, e)
        D, d = shape(E, tr), shape_out(e, tr)
        square = wp.ddot(D, D) + d * d
        limit = root * (row[4] + row[5] * h[0])
        if two_mu * two_mu * square > limit * limit:
            size = wp.sqrt(square)
            g = (two_mu * size - limit) / (two_mu + two_thirds * row[5])
            after = changed(after, real(0.0), -g / size, D)
            kept[0] = root * g
            if wp.static(dim == 2):
                kept[1] = -g / size * d
        return after, h + kept

    return returned


VON_MISES = hencky_law(
    ("youngs_modulus", "poisson_ratio", "yield_stress", "hardening", "density"), row_of, deform, own=1
)
