"""Compressible neo-Hookean solid [Simo & Pister 1984; Bonet & Wood 2008, section 6.4.3].

W = mu/2 (tr FF' - d) - mu ln J + lambda/2 (ln J)^2,   tau = mu (FF' - I) + lambda ln J I;   plane strain where d = 2.
mu = E / (2 (1 + nu)),   lambda = E nu / ((1 + nu)(1 - 2 nu)).
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.elastic import carried, elastic_row, largest_square, no_diffusivity
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["NEO_HOOKEAN"]


@cache
def kirchhoff(n: Numbers) -> Any:
    dim, real, mat, Row, History = n.dim, n.real, n.mat, n.row, n.history

    @wp.func
    def tau(row: Row, F: mat, h: History, C: mat):
        one = wp.identity(n=wp.static(dim), dtype=real)
        return row[2] * (F * wp.transpose(F) - one) + row[3] * wp.log(wp.determinant(F)) * one

    return tau


def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
    mu, lame = row[..., 2, None, None], row[..., 3, None, None]
    return mu * (F @ F.mT - one) + lame * torch.linalg.det(F).log()[..., None, None] * one


def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    """lambda ln J, the third stretch being 1"""
    return row[..., 3] * torch.linalg.det(F).log()


def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    mu, lame = row[..., 2], row[..., 3]
    log_j = torch.linalg.det(F).log()
    return mu / 2 * (F.square().sum((-2, -1)) - F.shape[-1]) - mu * log_j + lame / 2 * log_j.square()


def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """c^2 <= (mu (1 + b) + lambda (1 - ln J)) / rho, b the largest eigenvalue of FF'."""
    rho, mu, lame = row[..., 0], row[..., 2], row[..., 3]
    squeezed = -torch.linalg.det(F).log().clamp(max=0.0)
    return ((mu * (1 + largest_square(F @ F.mT)) + lame.clamp(min=0.0) * (1 + squeezed)) / rho).sqrt()


NEO_HOOKEAN = Law(
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
