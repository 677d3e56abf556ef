"""Snow [Stomakhin, Schroeder, Chai, Teran, Selle 2013]: corotated elasticity within narrow limits on the stretches.

tau = 2 mu (F - R) F' + lambda (J - 1) J I with mu, lambda = exp(xi (1 - J_P)) times those of fresh snow.
Return: singular values of F between 1 - theta_c and 1 + theta_s; what is cut off goes to the plastic volume J_P.
In two dimensions this is plane strain: the third stretch stays 1, which is within the limits. History: log J_P.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.decompositions import singular_value_map
from scenegrad.solvers.mpm.materials.elastic import (
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

__all__ = ["SNOW"]


def row_of(
    youngs_modulus: Tensor,
    poisson_ratio: Tensor,
    hardening: Tensor,
    critical_compression: Tensor,
    critical_stretch: Tensor,
    density: Tensor,
) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, xi, theta_c, theta_s)"""
    return elastic_row(youngs_modulus, poisson_ratio, density, hardening, critical_compression, critical_stretch)


@cache
def kirchhoff(n: Numbers) -> Any:
    real, mat, Row, History = n.real, n.mat, n.row, n.history
    corotated = corotated_kirchhoff(n)

    @wp.func
    def tau(row: Row, F: mat, h: History, C: mat):
        harder = wp.exp(row[4] * (real(1.0) - wp.exp(h[0])))
        return corotated(harder * row[2], harder * row[3], F)

    return tau


@cache
def clamped_stretches(n: Numbers) -> Any:
    """wp.func (F, low, high) -> F with its singular values between the two."""
    real = n.real
    Three = wp.types.vector(3, real)

    @wp.func
    def clamped(s: real, low: real, high: real):
        return wp.clamp(s, low, high)

    @wp.func
    def slope(s: real, low: real, high: real):
        one, zero = real(1.0), real(0.0)
        found = Three(one, zero, zero)
        if s < low:
            found = Three(zero, one, zero)
        if s > high:
            found = Three(zero, zero, one)
        return found

    @wp.func
    def quotient(s: real, t: real, low: real, high: real):
        found = real(0.0)
        if s != t:
            found = (wp.clamp(s, low, high) - wp.clamp(t, low, high)) / (s - t)  # the differences are exact
        elif s > low and s < high:
            found = real(1.0)
        return found

    return singular_value_map(n, clamped, slope, quotient)


@cache
def deform(n: Numbers) -> Any:
    dim, mat, real, Row, History = n.dim, n.mat, n.real, n.row, n.history
    clamped = clamped_stretches(n)

    @wp.func
    def returned(row: Row, F: mat, C: mat, h: History, dt: real):
        one = real(1.0)
        trial, kept = F + dt * (C * F), History()
        after = trial
        low, high = one - row[5], one + row[6]
        X = trial * wp.transpose(trial) - wp.identity(n=wp.static(dim), dtype=real)
        surely = wp.min(one - low * low, high * high - one)
        if wp.ddot(X, X) >= surely * surely:  # no eigenvalue of X is larger than its norm
            after = clamped(trial, low, high)
            kept[0] = wp.log(wp.determinant(trial) / wp.determinant(after))
        return after, h + kept

    return returned


def harder(row: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """mu and lambda [Pa]"""
    gain = (row[..., 4] * (1 - h[..., 0].exp())).exp()
    return gain * row[..., 2], gain * row[..., 3]


def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    return corotated_stress(*harder(row, h), F)


def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    return corotated_out_of_plane(harder(row, h)[1], F)


def volume(F: Tensor, h: Tensor) -> Tensor:
    return torch.linalg.det(F) * h[..., 0].exp()


def energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return corotated_energy(*harder(row, h), F)


def wave_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    """c^2 <= (2 mu b + lambda J^2) / rho, b the largest eigenvalue of FF'."""
    mu, lam = harder(row, h)
    largest, J = largest_square(F @ F.mT), torch.linalg.det(F)
    return ((2 * mu * largest + lam.clamp(min=0.0) * J.square()) / row[..., 0]).sqrt()


def memory(dim: int) -> int:
    return 1


SNOW = Law(
    constants=(
        "youngs_modulus", "poisson_ratio", "hardening", "critical_compression", "critical_stretch", "density",
    ),
    row=row_of,
    kirchhoff=kirchhoff,
    deform=deform,
    stress=stress,
    energy=energy,
    wave_speed=wave_speed,
    diffusivity=no_diffusivity,
    memory=memory,
    volume=volume,
    out_of_plane=out_of_plane,
)  # fmt: skip
