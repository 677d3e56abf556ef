"""Matter with fading memory: a neo-Hookean solid with a Maxwell branch, and the Oldroyd-B fluid.

The branch, by its conformation c [Oldroyd 1950]:   dc/dt = C c + c C' - (c - I) / t_r,   tau_b = G (c - I).
c follows the flow and relaxes by backward Euler: c' = (A c A' + r I) / (1 + r), A = I + dt C, r = dt / t_r: positive
definite always. Solid: tau = tau(neo-Hookean) + tau_b (Zener's standard solid at finite strain). Fluid:
tau = J (K (J - 1) I + 2 eta (D - tr D / 3 I)) + tau_b, in steady simple shear of the viscosity eta + G t_r.
History: c - I, its diagonal and then its upper triangle; c_zz stays 1 in two dimensions, which is plane strain.
"""

# mypy: disable-error-code="index, operator"
# (Warp functions name their types by variables, of which mypy knows nothing)

from functools import cache
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.mpm.materials import neo_hookean, newtonian, weakly_compressible
from scenegrad.solvers.mpm.materials.elastic import carried, elastic_row, largest_square, no_diffusivity
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["OLDROYD_B", "VISCOELASTIC"]


def solid_row(
    youngs_modulus: Tensor, poisson_ratio: Tensor, branch_modulus: Tensor, relaxation_time: Tensor, density: Tensor
) -> Tensor:
    """(rho, lambda + 2 mu, mu, lambda, -, G, t_r)"""
    unused = torch.zeros_like(density)
    return elastic_row(youngs_modulus, poisson_ratio, density, unused, branch_modulus, relaxation_time)


def fluid_row(
    bulk_modulus: Tensor, viscosity: Tensor, polymer_modulus: Tensor, relaxation_time: Tensor, density: Tensor
) -> Tensor:
    """(rho, K, K, eta, zeta = 0, G, t_r)"""
    none = torch.zeros_like(density)
    return torch.stack([density, bulk_modulus, bulk_modulus, viscosity, none, polymer_modulus, relaxation_time], dim=-1)


def memory(dim: int) -> int:
    return dim * (dim + 1) // 2


@cache
def excess(n: Numbers) -> tuple[Any, Any]:
    """wp.func h -> c - I, and wp.func c - I -> h."""
    mat, History = n.mat, n.history
    if n.dim == 2:

        @wp.func
        def unpacked(h: History):
            return mat(h[0], h[2], h[2], h[1])

        @wp.func
        def packed(c: mat):
            h = History()
            h[0] = c[0, 0]
            h[1] = c[1, 1]
            h[2] = c[0, 1]
            return h

    else:

        @wp.func
        def unpacked(h: History):
            return mat(h[0], h[3], h[4], h[3], h[1], h[5], h[4], h[5], h[2])

        @wp.func
        def packed(c: mat):
            h = History()
            h[0] = c[0, 0]
            h[1] = c[1, 1]
            h[2] = c[2, 2]
            h[3] = c[0, 1]
            h[4] = c[0, 2]
            h[5] = c[1, 2]
            return h

    return unpacked, packed


def branched(kirchhoff: Any) -> Any:
    """The stress of a law, and that of the branch."""

    @cache
    def both(n: Numbers) -> Any:
        mat, Row, History = n.mat, n.row, n.history
        own, (unpacked, _) = kirchhoff(n), excess(n)

        @wp.func
        def tau(row: Row, F: mat, h: History, C: mat):
            return own(row, F, h, C) + row[5] * unpacked(h)

        return tau

    return both


def relaxing(deform: Any) -> Any:
    """The deformation of a law, and the branch that follows and relaxes."""

    @cache
    def both(n: Numbers) -> Any:
        mat, real, Row, History = n.mat, n.real, n.row, n.history
        own, (unpacked, packed) = deform(n), excess(n)

        @wp.func
        def relaxed(row: Row, F: mat, C: mat, h: History, dt: real):
            after, _ = own(row, F, C, h, dt)
            c = unpacked(h)
            half = dt * (C + C * c + real(0.5) * dt * (C * wp.transpose(C)))
            moved = c + half + wp.transpose(half) + dt * dt * (C * c * wp.transpose(C))  # A (I + c) A' - I
            change = packed(moved / (real(1.0) + dt / row[6])) - packed(c)
            return after, h + change

        return relaxed

    return both


def conformation(h: Tensor, dim: int) -> Tensor:
    """c - I [..., dim, dim]"""
    where = [[0, 2], [2, 1]] if dim == 2 else [[0, 3, 4], [3, 1, 5], [4, 5, 2]]
    return h[..., torch.tensor(where, device=h.device)]


def branch_energy(row: Tensor, h: Tensor, dim: int) -> Tensor:
    """G/2 (tr c - d - log det c)"""
    c = conformation(h, dim)
    one = torch.eye(dim, dtype=h.dtype, device=h.device)
    return row[..., 5] / 2 * (c.diagonal(dim1=-2, dim2=-1).sum(-1) - torch.linalg.det(one + c).log())


def branch_speed(row: Tensor, h: Tensor, dim: int) -> Tensor:
    """Added to c^2: G (1 + b) / rho, b the largest eigenvalue of the conformation."""
    one = torch.eye(dim, dtype=h.dtype, device=h.device)
    return row[..., 5] * (1 + largest_square(one + conformation(h, dim))) / row[..., 0]


def solid_stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    own = neo_hookean.stress(row, F, h, C)
    return own + row[..., 5, None, None] * conformation(h, F.shape[-1])


def solid_energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return neo_hookean.energy(row, F, h) + branch_energy(row, h, F.shape[-1])


def solid_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return (neo_hookean.wave_speed(row, F, h).square() + branch_speed(row, h, F.shape[-1])).sqrt()


def fluid_stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
    own = newtonian.stress(row, F, h, C)
    return own + row[..., 5, None, None] * conformation(h, F.shape[-1])


def fluid_energy(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return newtonian.energy(row, F, h) + branch_energy(row, h, F.shape[-1])


def fluid_speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
    return (newtonian.wave_speed(row, F, h).square() + branch_speed(row, h, F.shape[-1])).sqrt()


VISCOELASTIC = Law(
    constants=("youngs_modulus", "poisson_ratio", "branch_modulus", "relaxation_time", "density"),
    row=solid_row,
    kirchhoff=branched(neo_hookean.kirchhoff),
    deform=relaxing(carried),
    stress=solid_stress,
    energy=solid_energy,
    wave_speed=solid_speed,
    diffusivity=no_diffusivity,
    memory=memory,
    out_of_plane=neo_hookean.out_of_plane,  # c_zz stays 1
)
OLDROYD_B = Law(
    constants=("bulk_modulus", "viscosity", "polymer_modulus", "relaxation_time", "density"),
    row=fluid_row,
    kirchhoff=branched(newtonian.kirchhoff),
    deform=relaxing(weakly_compressible.deform),
    stress=fluid_stress,
    energy=fluid_energy,
    wave_speed=fluid_speed,
    diffusivity=newtonian.diffusivity,
    memory=memory,
    out_of_plane=newtonian.out_of_plane,
)
