"""What can be measured of masses and springs, as differentiable functions of state and constants."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.solvers.mass_spring.state import SpringState
from scenegrad.solvers.mass_spring.truss import Constants, Truss

__all__ = ["energies", "momenta"]


def lengths(position: Tensor, truss: Truss) -> Tensor:
    """[m] [batch, spring]"""
    d = position[:, truss.pairs[:, 1]] - position[:, truss.pairs[:, 0]]
    return torch.sqrt((d * d).sum(-1))


def depths(position: Tensor, truss: Truss, constants: Constants) -> Tensor:
    """How deep each mass stands in each wall, 0 outside [m] [batch, mass, wall]."""
    along = (position[:, :, None] * truss.normals[:, None]).sum(-1)
    return torch.clamp(constants.offset[:, None] - along, min=0.0)


def energies(state: SpringState, truss: Truss, constants: Constants) -> dict[str, Tensor]:
    """[J], each [batch]. Kinetic; potential: of springs, of gravity (zero at the origin), of walls."""
    kinetic = 0.5 * (constants.mass * state.velocity.square().sum(-1)).sum(1)
    stretch = lengths(state.position, truss) - (1.0 - truss.contraction(state.activation)) * constants.length
    elastic = 0.5 * (constants.stiffness * stretch.square()).sum(1)
    lift = -(constants.mass[..., None] * constants.gravity[:, None] * state.position).sum((1, 2))
    touch = 0.5 * (constants.wall[..., None] * depths(state.position, truss, constants).square()).sum((1, 2))
    potential = elastic + lift + touch
    return {
        "kinetic": kinetic, "potential": potential, "total": kinetic + potential, "elastic": elastic,
        "gravitational": lift, "contact": touch,
    }  # fmt: skip


def momenta(state: SpringState, constants: Constants) -> dict[str, Tensor]:
    """Linear [kg m/s] and, about the origin, angular momentum [kg m^2/s], a scalar in the plane."""
    p, x = constants.mass[..., None] * state.velocity, state.position
    if x.shape[2] == 2:
        angular = (x[..., 0] * p[..., 1] - x[..., 1] * p[..., 0]).sum(1)
    else:
        angular = torch.linalg.cross(x, p).sum(1)
    return {"momentum": p.sum(1), "angular_momentum": angular}
