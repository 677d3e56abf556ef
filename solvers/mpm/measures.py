"""What can be measured of the particles, as differentiable functions of state and params."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from scenegrad.solvers.mpm.contact import contact_energy
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.materials import Law
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import BodyPart, Tables

__all__ = [
    "by_particle", "cauchy_stress", "center_of_mass", "energies", "equivalent_stress", "masses", "momenta", "pressure",
    "stress_across", "volume_ratio",
]  # fmt: skip


def by_particle(table: Tensor, matter: Matter) -> Tensor:
    """[batch, slot, ...] -> [batch, particle, ...], a slot being a body or a particle"""
    return table if table.shape[1] == matter.volume.shape[1] else table[:, matter.body.long()]


def masses(tables: Tables, matter: Matter) -> Tensor:
    """[kg], [batch, particle]"""
    return matter.volume * by_particle(tables.row[..., 0], matter)


def energies(state: ParticleState, tables: Tables, matter: Matter, grid: Grid) -> dict[str, Tensor]:
    """[J], each [batch]. Kinetic: sum m v^2 / 2; potential: elastic, of gravity (zero at the origin), of contact."""
    mass, row = masses(tables, matter), by_particle(tables.row, matter)
    kinetic = 0.5 * (mass * state.velocity.square().sum(-1)).sum(-1)
    elastic = torch.stack(
        [
            (
                b.law.energy(row[:, b.slice], state.deformation[:, b.slice], state.history[:, b.slice])
                * matter.volume[:, b.slice]
            ).sum(-1)
            for b in matter.bodies
        ]
    ).sum(0)
    lift = -(mass * (state.position * by_particle(tables.gravity, matter)).sum(-1)).sum(-1)
    touch = contact_energy(matter.finest(grid).dx, matter.volume, row[..., 1], tables.face[:, 0], state.position)
    potential = elastic + lift + touch
    return {
        "kinetic": kinetic, "potential": potential, "total": kinetic + potential, "elastic": elastic,
        "gravitational": lift, "contact": touch,
    }  # fmt: skip


def momenta(state: ParticleState, tables: Tables, matter: Matter, grid: Grid) -> dict[str, Tensor]:
    """Linear [kg m/s] and, about the origin, angular momentum [kg m^2/s], of which a particle's spin is a part:
    L = sum m (x x v + D curl C), a scalar where dim = 2; D = dx^2/4 or, for cubic splines, dx^2/3, and 0 for FLIP."""
    mass = masses(tables, matter)[..., None]
    x, v, C = state.position, state.velocity, state.affine
    if grid.dim == 2:
        orbit = (x[..., :1] * v[..., 1:] - x[..., 1:] * v[..., :1]).squeeze(-1)
        curl = C[..., 1, 0] - C[..., 0, 1]
        mass_of = mass[..., 0]
    else:
        orbit = torch.linalg.cross(x, v)
        curl = torch.stack([C[..., 2, 1] - C[..., 1, 2], C[..., 0, 2] - C[..., 2, 0], C[..., 1, 0] - C[..., 0, 1]], -1)
        mass_of = mass
    return {
        "momentum": (mass * v).sum(1),
        "angular_momentum": (mass_of * (orbit + matter.spin(state, grid) * curl)).sum(1),
    }


def center_of_mass(position: Tensor, mass: Tensor) -> Tensor:
    """[m], [batch, dim]"""
    return (mass[..., None] * position).sum(1) / mass.sum(1)[:, None]


def volume_ratio(state: ParticleState, matter: Matter) -> Tensor:
    """J, the volume of a particle over that at the start, [batch, particle]"""
    return torch.cat(
        [b.law.volume(state.deformation[:, b.slice], state.history[:, b.slice]) for b in matter.bodies], dim=1
    )


def cauchy_stress(state: ParticleState, tables: Tables, matter: Matter) -> Tensor:
    """sigma = tau / J [Pa], [batch, particle, dim, dim]"""
    tau = [b.law.stress(*known) for b, known in each_body(state, tables, matter)]
    return torch.cat(tau, dim=1) / volume_ratio(state, matter)[..., None, None]


def stress_across(state: ParticleState, tables: Tables, matter: Matter) -> Tensor:
    """sigma_zz of plane strain [Pa], [batch, particle]. Of a law that knows the plane only, the mean of the stress
    there, so that it counts for nothing in the pressure."""

    def across(law: Law, row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
        if law.out_of_plane is None:
            return law.stress(row, F, h, C).diagonal(dim1=-2, dim2=-1).mean(-1)
        return law.out_of_plane(row, F, h, C)

    tau = [across(b.law, *known) for b, known in each_body(state, tables, matter)]
    return torch.cat(tau, dim=1) / volume_ratio(state, matter)


def full_stress(state: ParticleState, tables: Tables, matter: Matter) -> Tensor:
    """sigma [Pa], [batch, particle, 3, 3]; in plane strain sigma_xz = sigma_yz = 0."""
    sigma = cauchy_stress(state, tables, matter)
    if matter.dim == 3:
        return sigma
    whole = torch.nn.functional.pad(sigma, (0, 1, 0, 1))
    return whole + torch.diag_embed(torch.nn.functional.pad(stress_across(state, tables, matter)[..., None], (2, 0)))


def pressure(state: ParticleState, tables: Tables, matter: Matter) -> Tensor:
    """p = -tr sigma / 3 [Pa], [batch, particle]"""
    return -full_stress(state, tables, matter).diagonal(dim1=-2, dim2=-1).mean(-1)


def equivalent_stress(state: ParticleState, tables: Tables, matter: Matter) -> Tensor:
    """q = sqrt(3/2) |dev sigma| [Pa], [batch, particle]: of a bar under tension, its stress [von Mises 1913]"""
    sigma = full_stress(state, tables, matter)
    mean = sigma.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None]
    shear = (sigma - torch.diag_embed(mean.expand(*mean.shape[:-1], 3))).square().sum((-2, -1))
    loaded = shear > 0  # the root has no derivative at 0
    return torch.where(loaded, (1.5 * torch.where(loaded, shear, 1.0)).sqrt(), 0.0)


def each_body(
    state: ParticleState, tables: Tables, matter: Matter
) -> Iterator[tuple[BodyPart, tuple[Tensor, Tensor, Tensor, Tensor]]]:
    """What the stress of each depends on: row, F, h, C."""
    fields = (by_particle(tables.row, matter), state.deformation, state.history, state.affine)
    for body in matter.bodies:
        row, F, h, C = (field[:, body.slice] for field in fields)
        yield body, (row, F, h, C)
