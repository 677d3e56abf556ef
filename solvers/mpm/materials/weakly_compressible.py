"""Weakly compressible fluid: Tait's equation of state and Newton's viscosity [Monaghan 1994; Tampubolon et al. 2017].

p = K/gamma (J^-gamma - 1),   tau = J (-p I + 2 eta (D - tr D / 3 I)),   D = (C + C') / 2,   dJ/dt = J tr C.
In two dimensions this is plane flow: there is no motion along the third axis, whence the 3.
The fluid bears tension (J > 1) like a liquid without bubbles.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["WEAKLY_COMPRESSIBLE"]


def row_of(bulk_modulus: Tensor, gamma: Tensor, viscosity: Tensor, density: Tensor) -> Tensor:
    """(rho, K, K, gamma, eta)"""
    return torch.stack([density, bulk_modulus, bulk_modulus, gamma, viscosity], dim=-1)


@cache
def kirchhoff(n: Numbers) -> Any:
    dim, real, mat, Row, History = n.dim, n.real, n.mat, n.row, n.history
    two_thirds = real(2 / 3)  # inside a kernel the quotient would be one of single precision

    @wp.func
    def tau(row: Row, F: mat, h: History, C: mat):
        one = wp.identity(n=wp.static(dim), dtype=real)
        J = wp.determinant(F)
        p = row[2] / row[3] * (wp.pow(J, -row[3]) - real(1.0))
        shear = C + wp.transpose(C) - two_thirds * wp.trace(C) * one
        return J * (row[4] * shear - p * one)

    return tau


@cache
def deform(n: Numbers) -> Any:
    real, mat, Row, History = n.real, n.mat, n.row, n.history
    part = real(1 / n.dim)

    @wp.func
    def carried(row: Row, F: mat, C: mat, h: History, dt: real):
        """J' = J exp(dt tr C): positive always, and without the swelling by which det(I + dt C) answers to spin."""
        return wp.exp(part * dt * wp.trace(C)) * F, h

    return carried


def pressure(row: Tensor, J: Tensor) -> Tensor:
    return row[..., 2] / row[..., 3] * (J.pow(-row[..., 3]) - 1)


def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
    J = torch.linalg.det(F)
    trace = C.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    shear = row[..., 4, None, None] * (C + C.mT - 2 / 3 * trace * one)
    return J[..., None, None] * (shear - pressure(row, J)[..., None, None] * one)


def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    """No motion along z, but the pressure and its part in -tr D / 3."""
    J = torch.linalg.det(F)
    return -J * (pressure(row, J) + 2 / 3 * row[..., 4] * C.diagonal(dim1=-2, dim2=-1).sum(-1))


def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """W = K/gamma (int_1^J 1 - s^-gamma ds), with the logarithm that gamma = 1 makes of the power."""
    bulk, gamma = row[..., 2], row[..., 3]
    J = torch.linalg.det(F)
    power = 1 - gamma
    smooth = torch.where(power.abs() < 1e-6, 1.0, power)
    integral = torch.where(power.abs() < 1e-6, J.log(), (J.pow(smooth) - 1) / smooth)
    return bulk / gamma * (J - 1 - integral)


def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """c^2 = dp/drho = K J^(1 - gamma) / rho_0"""
    rho, bulk, gamma = row[..., 0], row[..., 2], row[..., 3]
    return (bulk / rho * torch.linalg.det(F).pow(1 - gamma)).sqrt()


def diffusivity(row: Tensor) -> Tensor:
    """(4/3) eta / rho, of compression along one axis"""
    return 4 / 3 * row[..., 4] / row[..., 0]


WEAKLY_COMPRESSIBLE = Law(
    ("bulk_modulus", "gamma", "viscosity", "density"),
    row_of,
    kirchhoff,
    deform,
    stress,
    energy,
    wave_speed,
    diffusivity,
    out_of_plane=out_of_plane,
)
