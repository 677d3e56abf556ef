"""What elastic laws share: Lame's constants, bounds on stretches, the stress of a corotated solid."""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.decompositions import polar_rotation
from scenegrad.solvers.mpm.decompositions.of_tensors import polar_rotation_of
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = [
    "carried", "corotated_energy", "corotated_kirchhoff", "corotated_out_of_plane", "corotated_stress", "elastic_row",
    "lame", "largest_square", "no_diffusivity",
]  # fmt: skip


def lame(youngs_modulus: Tensor, poisson_ratio: Tensor) -> tuple[Tensor, Tensor]:
    """mu = E / (2 (1 + nu)), lambda = E nu / ((1 + nu)(1 - 2 nu)) [Pa]"""
    mu = youngs_modulus / (2 * (1 + poisson_ratio))
    return mu, youngs_modulus * poisson_ratio / ((1 + poisson_ratio) * (1 - 2 * poisson_ratio))


def elastic_row(youngs_modulus: Tensor, poisson_ratio: Tensor, density: Tensor, *own: Tensor) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, own ...)"""
    mu, lam = lame(youngs_modulus, poisson_ratio)
    return torch.stack([density, lam + 2 * mu, mu, lam, *own], dim=-1)


def no_diffusivity(row: Tensor) -> Tensor:
    return torch.zeros_like(row[..., 0])


@cache
def carried(n: Numbers) -> Any:
    """wp.func (row, F, C, h, dt) -> F of matter that deforms elastically, dF/dt = C F."""
    mat, real, Row, History = n.mat, n.real, n.row, n.history

    @wp.func
    def moved(row: Row, F: mat, C: mat, h: History, dt: real):
        return F + dt * (C * F), h

    return moved


def largest_square(square: Tensor) -> Tensor:
    """Bound on the largest eigenvalue of a symmetric matrix [..., d, d]: with m the mean of them all,
    b <= m + sqrt((d - 1)/d) |B - m I|, which is exact where d = 2."""
    dim = square.shape[-1]
    mean = square.diagonal(dim1=-2, dim2=-1).mean(-1)
    apart = (square.square().sum((-2, -1)) - dim * mean.square()).clamp(min=0.0)
    return mean + ((dim - 1) / dim * apart).sqrt()


@cache
def corotated_kirchhoff(n: Numbers) -> Any:
    """wp.func (mu, lambda, F) -> tau = 2 mu (F - R) F' + lambda (J - 1) J I."""
    dim, real, mat = n.dim, n.real, n.mat
    rotation = polar_rotation(n)

    @wp.func
    def tau(mu: real, lam: real, F: mat):
        J = wp.determinant(F)
        one = wp.identity(n=wp.static(dim), dtype=real)
        return real(2.0) * mu * ((F - rotation(F)) * wp.transpose(F)) + lam * (J - real(1.0)) * J * one

    return tau


def corotated_stress(mu: Tensor, lam: Tensor, F: Tensor) -> Tensor:
    J = torch.linalg.det(F)
    one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
    shear = 2 * mu[..., None, None] * ((F - polar_rotation_of(F)) @ F.mT)
    return shear + (lam * (J - 1) * J)[..., None, None] * one


def corotated_out_of_plane(lam: Tensor, F: Tensor) -> Tensor:
    """tau_zz, the third stretch being 1"""
    J = torch.linalg.det(F)
    return lam * (J - 1) * J


def corotated_energy(mu: Tensor, lam: Tensor, F: Tensor) -> Tensor:
    apart = (F - polar_rotation_of(F)).square().sum((-2, -1))
    return mu * apart + lam / 2 * (torch.linalg.det(F) - 1).square()
