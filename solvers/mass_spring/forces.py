"""Forces of springs and walls."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.solvers.mass_spring.state import SpringState
from scenegrad.solvers.mass_spring.truss import Constants, Truss

__all__ = ["depths", "lengths", "rub", "spring_forces", "wall_pushes"]


def lengths(position: Tensor, truss: Truss) -> tuple[Tensor, Tensor]:
    """|d| [m] [batch, spring] and d / |d| [batch, spring, dim], from the first mass of each spring to the second."""
    d = position[:, truss.pairs[:, 1]] - position[:, truss.pairs[:, 0]]
    length = torch.sqrt((d * d).sum(-1))
    return length, d / length[..., None]


def spring_forces(state: SpringState, truss: Truss, constants: Constants, contraction: Tensor) -> Tensor:
    """f = (k (|d| - (1 - a) L) + c d|d|/dt) d/|d| on the first mass, -f on the second [N] [batch, mass, dim]."""
    first, second = truss.pairs.unbind(1)
    length, direction = lengths(state.position, truss)
    opening = ((state.velocity[:, second] - state.velocity[:, first]) * direction).sum(-1)
    pull = constants.stiffness * (length - (1.0 - contraction) * constants.length) + constants.damping * opening
    force = pull[..., None] * direction
    return torch.zeros_like(state.position).index_add(1, first, force).index_add(1, second, -force)


def depths(position: Tensor, truss: Truss, constants: Constants) -> Tensor:
    """How deep each mass stands in each wall, 0 outside [m] [batch, mass, wall]."""
    along = (position[:, :, None] * truss.normals[:, None]).sum(-1)
    return torch.clamp(constants.offset[:, None] - along, min=0.0)


def wall_pushes(depth: Tensor, constants: Constants) -> Tensor:
    """A wall gives way like a spring [N] [batch, mass, wall]."""
    return constants.wall[..., None] * depth


def rub(velocity: Tensor, push: Tensor, truss: Truss, constants: Constants, h: Tensor) -> Tensor:
    """v_t' = v_t max(0, 1 - mu N dt / (m |v_t|)), rough wall after rough wall: Coulomb's law, with sticking.

    push: N [N] [batch, mass, wall].
    """
    for wall, face in enumerate(truss.faces):
        if not face.rough:
            continue
        normal = face.normal[:, None]
        across = (velocity * normal).sum(-1, keepdim=True) * normal
        along = velocity - across
        square = (along * along).sum(-1, keepdim=True)
        speed = torch.sqrt(torch.where(square > 0.0, square, 1.0))
        lost = constants.friction[:, None, wall, None] * push[..., wall, None] * h / (constants.mass * speed)
        velocity = across + along * torch.clamp(1.0 - lost, min=0.0)
    return velocity
