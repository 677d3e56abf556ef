"""Fixed corotated solid [Stomakhin, Howes, Schroeder, Teran 2012]: linear in the stretch, blind to rotation.

W = mu |F - R|^2 + lambda/2 (J - 1)^2,   tau = 2 mu (F - R) F' + lambda (J - 1) J I,   F = R S;
in two dimensions this is plane strain as it stands, since the third stretch is 1.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.elastic import (
    carried,
    corotated_energy,
    corotated_kirchhoff,
    corotated_out_of_plane,
    corotated_stress,
    elastic_row,
    largest_square,
    no_diffusivity,
)
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["FIXED_COROTATED"]


@cache
def kirchhoff(n: Numbers) -> Any:
    mat, Row, History = n.mat, n.row, n.history
    corotated = corotated_kirchhoff(n)

    @wp.func
    def tau(row: Row, F: mat, h: History, C: mat):
        return corotated(row[2], row[3], F)

    return tau


def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    return corotated_stress(row[..., 2], row[..., 3], F)


def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    return corotated_out_of_plane(row[..., 3], F)


def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return corotated_energy(row[..., 2], row[..., 3], F)


def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """c^2 <= (2 mu b + lambda J^2) / rho, b the largest eigenvalue of FF'."""
    largest, J = largest_square(F @ F.mT), torch.linalg.det(F)
    return ((2 * row[..., 2] * largest + row[..., 3].clamp(min=0.0) * J.square()) / row[..., 0]).sqrt()


FIXED_COROTATED = Law(
    constants=("youngs_modulus", "poisson_ratio", "density"),
    row=elastic_row,
    kirchhoff=kirchhoff,
    deform=carried,
    stress=stress,
    energy=energy,
    wave_speed=wave_speed,
    diffusivity=no_diffusivity,
    out_of_plane=out_of_plane,
)
