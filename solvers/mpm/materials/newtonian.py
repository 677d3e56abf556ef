"""Newtonian fluid with a linear equation of state.

p = K (1 - J),   tau = J (-p I + 2 eta (D - tr D / 3 I) + zeta tr D I),   D = (C + C') / 2,   dJ/dt = J tr C.
In two dimensions this is plane flow. Softer than Tait's equation where compressed, it has no power to take.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.materials.weakly_compressible import deform
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["NEWTONIAN"]


def row_of(bulk_modulus: Tensor, viscosity: Tensor, bulk_viscosity: Tensor, density: Tensor) -> Tensor:
    """(rho, K, K, eta, zeta)"""
    return torch.stack([density, bulk_modulus, bulk_modulus, viscosity, bulk_viscosity], dim=-1)


@cache
def kirchhoff(n: Numbers) -> Any:
    dim, real, mat, Row, History = n.dim, n.real, n.mat, n.row, n.history
    two_thirds = real(2 / 3)  # inside a kernel the quotient would be one of single precision

    @wp.func
    def tau(row: Row, F: mat, h: History, C: mat):
        J = wp.determinant(F)
        round = row[2] * (J - real(1.0)) + (row[4] - two_thirds * row[3]) * wp.trace(C)
        return J * (row[3] * (C + wp.transpose(C)) + round * wp.identity(n=wp.static(dim), dtype=real))

    return tau


def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    J = torch.linalg.det(F)
    rate = C.diagonal(dim1=-2, dim2=-1).sum(-1)
    bulk, eta, zeta = row[..., 2], row[..., 3], row[..., 4]
    round = bulk * (J - 1) + (zeta - 2 / 3 * eta) * rate
    one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
    return J[..., None, None] * (eta[..., None, None] * (C + C.mT) + round[..., None, None] * one)


def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    """No motion along z, but the pressure and its part in -tr D / 3."""
    J = torch.linalg.det(F)
    rate = C.diagonal(dim1=-2, dim2=-1).sum(-1)
    return J * (row[..., 2] * (J - 1) + (row[..., 4] - 2 / 3 * row[..., 3]) * rate)


def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """W = K/2 (J - 1)^2"""
    return row[..., 2] / 2 * (torch.linalg.det(F) - 1).square()


def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """c^2 = dp/drho = K J^2 / rho_0"""
    return (row[..., 2] / row[..., 0]).sqrt() * torch.linalg.det(F)


def diffusivity(row: Tensor) -> Tensor:
    """(4/3 eta + zeta) / rho, of compression along one axis"""
    return (4 / 3 * row[..., 3] + row[..., 4]) / row[..., 0]


NEWTONIAN = Law(
    constants=("bulk_modulus", "viscosity", "bulk_viscosity", "density"),
    row=row_of,
    kirchhoff=kirchhoff,
    deform=deform,
    stress=stress,
    energy=energy,
    wave_speed=wave_speed,
    diffusivity=diffusivity,
    out_of_plane=out_of_plane,
)
