"""Neo-Hookean solid with fibres that pull [Blemker, Pinsky, Delp 2005, reduced to the active part].

tau = tau(neo-Hookean) + a s (F n)(F n)',   a the activation, s the strength [Pa], n the direction of the fibres in the
undeformed body. At constant activation this is the derivative of a s / 2 (|F n|^2 - 1), which counts as its energy.
n = (cos e cos f, cos e sin f, sin e), f the angle from the x axis, e the elevation over the x-y plane.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials import neo_hookean
from scenegrad.solvers.mpm.materials.elastic import carried, elastic_row, largest_square, no_diffusivity
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["MUSCLE"]


def row_of(
    youngs_modulus: Tensor,
    poisson_ratio: Tensor,
    strength: Tensor,
    activation: Tensor,
    fibre_angle: Tensor,
    fibre_elevation: Tensor,
    density: Tensor,
) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, a s, n); angles in degrees"""
    f, e = torch.deg2rad(fibre_angle), torch.deg2rad(fibre_elevation)
    fibre = (e.cos() * f.cos(), e.cos() * f.sin(), e.sin())
    return elastic_row(youngs_modulus, poisson_ratio, density, activation * strength, *fibre)


@cache
def kirchhoff(n: Numbers) -> Any:
    dim, vec, mat, Row, History = n.dim, n.vec, n.mat, n.row, n.history
    passive = neo_hookean.kirchhoff(n)

    @wp.func
    def tau(row: Row, F: mat, h: History, C: mat):
        fibre = vec()
        for i in range(wp.static(dim)):
            fibre[i] = row[5 + i]
        pulled = F * fibre
        return passive(row, F, h, C) + row[4] * wp.outer(pulled, pulled)

    return tau


def pulled(row: Tensor, F: Tensor) -> Tensor:
    """F n [..., dim]"""
    return (F @ row[..., 5 : 5 + F.shape[-1], None]).squeeze(-1)


def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    fibre = pulled(row, F)
    active = row[..., 4, None, None] * fibre[..., :, None] * fibre[..., None, :]
    return neo_hookean.stress(row, F, h, C) + active


def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    return neo_hookean.out_of_plane(row, F, h, C) + row[..., 4] * row[..., 7].square()


def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return neo_hookean.energy(row, F, h) + row[..., 4] / 2 * (pulled(row, F).square().sum(-1) - 1)


def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """Along the fibres c^2 grows by a s |F n|^2 / rho at most."""
    active = row[..., 4].clamp(min=0.0) * largest_square(F @ F.mT) / row[..., 0]
    return (neo_hookean.wave_speed(row, F, h).square() + active).sqrt()


MUSCLE = Law(
    constants=(
        "youngs_modulus", "poisson_ratio", "strength", "activation", "fibre_angle", "fibre_elevation", "density",
    ),
    row=row_of,
    kirchhoff=kirchhoff,
    deform=carried,
    stress=stress,
    energy=energy,
    wave_speed=wave_speed,
    diffusivity=no_diffusivity,
    out_of_plane=out_of_plane,
)  # fmt: skip
