"""What can be measured of the particles, as differentiable functions of state and params."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.solvers.mpm.contact import contact_energy
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.matter import Matter
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import Tables

__all__ = ["by_particle", "cauchy_stress", "center_of_mass", "energies", "masses", "momenta"]


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


def cauchy_stress(state: ParticleState, tables: Tables, matter: Matter) -> Tensor:
    """sigma = tau / J [Pa], [batch, particle, dim, dim]"""
    row = by_particle(tables.row, matter)
    tau = torch.cat(
        [
            b.law.stress(
                row[:, b.slice], state.deformation[:, b.slice], state.history[:, b.slice], state.affine[:, b.slice]
            )
            for b in matter.bodies
        ],
        dim=1,
    )
    return tau / torch.linalg.det(state.deformation)[..., None, None]
