"""Point masses joined by springs that damp and pull, among walls with friction."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.mass_spring.forces import depths, rub, spring_forces, wall_pushes
from scenegrad.solvers.mass_spring.measures import energies, momenta
from scenegrad.solvers.mass_spring.state import SpringState
from scenegrad.solvers.mass_spring.truss import Truss

__all__ = ["MassSpringSolver"]

SAFE = 0.9  # of the bound of the linear motion; large turns add to it


class MassSpringSolver(TorchAdjoint):
    """m dv/dt = f_springs + f_walls + m g - m drag v.

    Semi-implicit Euler: the forces of the old places give the new velocities, which give the new places; drag is
    implicit, and friction acts on the new velocity.
    """

    order = 1

    def __init__(self, matter: Truss, program: Program[SpringState]):
        self.matter, self.program = matter, program

    @torch.no_grad()
    def max_dt(self, state: SpringState, params: Params) -> Tensor:
        """SAFE * 4 / (c + sqrt(c^2 + 4 w^2)), where w^2 and c bound the eigenvalues of M^-1 K and M^-1 C by the sums of
        the rows [Gershgorin]: 2 sum k / m, and the wall; 2 sum c / m."""
        constants = self.matter.constants(params.detach())
        mass = constants.mass[..., 0].double()
        square = (2.0 * self.matter.gather(constants.stiffness) + constants.wall).double() / mass
        damping = 2.0 * self.matter.gather(constants.damping).double() / mass
        bounds = 4.0 / (damping + torch.sqrt(damping.square() + 4.0 * square))
        return SAFE * bounds.amin(dim=1)

    def step(self, state: SpringState, params: Params, time: Tensor, dt: Tensor) -> Step[SpringState]:
        truss, constants = self.matter, self.matter.constants(params)
        h = dt.to(state.position)[:, None, None]
        activation = truss.activation(params, time)
        force = spring_forces(state, truss, constants, truss.contraction(activation))
        push = wall_pushes(depths(state.position, truss, constants), constants)
        force = force + (push[..., None] * truss.normals[:, None]).sum(-2)
        velocity = state.velocity + h * (force / constants.mass + constants.gravity)
        velocity = velocity / (1.0 + h * constants.drag)
        velocity = rub(velocity, push, truss, constants, h)
        velocity = velocity * truss.free
        return Step(SpringState(state.position + h * velocity, velocity, activation))

    def observe(self, state: SpringState, params: Params) -> dict[str, Tensor]:
        """Energies [J], momentum, angular momentum, mass, center of mass."""
        constants = self.matter.constants(params)
        mass = constants.mass
        return {
            **{f"{name}_energy": value for name, value in energies(state, self.matter, constants).items()},
            **momenta(state, constants),
            "mass": mass.sum((1, 2)),
            "center_of_mass": (mass * state.position).sum(1) / mass.sum(1),
        }
