"""Point masses joined by springs that damp and pull, among walls with friction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.solver import Program, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.mass_spring.measures import energies, momenta
from scenegrad.solvers.mass_spring.state import SpringState
from scenegrad.solvers.mass_spring.stepping import Stepper
from scenegrad.solvers.mass_spring.truss import Constants, Truss

__all__ = ["MassSpringSolver"]

SAFE = 0.9  # of the bound of the linear motion; large turns add to it


class MassSpringSolver:
    """m dv/dt = f_springs + f_walls + m g - m drag v.

    Semi-implicit Euler: the forces of the old places give the new velocities, which give the new places; drag is
    implicit, and friction acts on the new velocity.
    """

    order = 1

    def __init__(self, matter: Truss, program: Program[SpringState]):
        self.matter, self.program = matter, program
        self.stepper, self.replays = Stepper(matter), Replays()
        self.last: tuple[list[tuple[Tensor, int]], Constants, dict[str, Any]] | None = None

    @torch.no_grad()
    def max_dt(self, state: SpringState, params: Params) -> Tensor:
        """SAFE * 4 / (c + sqrt(c^2 + 4 w^2)), where w^2 and c bound the eigenvalues of M^-1 K and M^-1 C by the sums of
        the rows [Gershgorin]: 2 sum k / m, and the wall; 2 sum c / m."""
        constants, _ = self.known(params)
        mass = constants.mass.double()
        square = (2.0 * self.matter.gather(constants.stiffness) + constants.wall).double() / mass
        damping = 2.0 * self.matter.gather(constants.damping).double() / mass
        bounds = 4.0 / (damping + torch.sqrt(damping.square() + 4.0 * square))
        return SAFE * bounds.amin(dim=1)

    @torch.no_grad()
    def step(self, state: SpringState, params: Params, time: Tensor, dt: Tensor) -> Step[SpringState]:
        activation = self.matter.activation(params, time)
        position, velocity = self.stepper.step(
            self.known(params)[1], self.matter.contraction(activation), dt.to(state.position), state.position,
            state.velocity,
        )  # fmt: skip
        return Step(SpringState(position, velocity, activation))

    def vjp(
        self, state: SpringState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        told = [address for muscle in self.matter.muscles for address in muscle.addresses()]
        learning = {a: params[a] for a in dict.fromkeys(told) if params[a].requires_grad}
        with torch.enable_grad():
            activation = self.matter.activation(params, time)
        with torch.no_grad():
            bars = [cotangent.get(name, torch.zeros_like(state.position)) for name in ("position", "velocity")]
            position, velocity, pull, constants = self.stepper.transposed(
                self.known(params)[1], self.matter.contraction(activation), dt.to(state.position), state.position,
                state.velocity, (bars[0], bars[1]),
            )  # fmt: skip
            felt = self.matter.contraction_back(pull) + cotangent.get("activation", torch.zeros_like(activation))
            found = self.matter.constants_back(constants, params)
        if learning:
            gathered = torch.autograd.grad(activation, [*learning.values()], felt, allow_unused=True)
            found |= {a: bar for a, bar in zip(learning, gathered, strict=True) if bar is not None}
        return {"position": position, "velocity": velocity}, found

    def observe(self, state: SpringState, params: Params) -> dict[str, Tensor]:
        """Energies [J], momentum, angular momentum, mass, center of mass."""
        constants = self.matter.constants(params)
        mass = constants.mass
        return {
            **{f"{name}_energy": value for name, value in energies(state, self.matter, constants).items()},
            **momenta(state, constants),
            "mass": mass.sum(1),
            "center_of_mass": (mass[..., None] * state.position).sum(1) / mass.sum(1, keepdim=True),
        }

    def known(self, params: Params) -> tuple[Constants, dict[str, Any]]:
        """Constants, as tensors and as kernels see them; made once as long as the numbers stay what they are.

        A detached view of a number is that number: it shares its memory and its count of changes. What was seen is
        kept alive, so that no other tensor can come to lie in its place.
        """
        told = {address for muscle in self.matter.muscles for address in muscle.addresses()}
        now = [(value.detach(), value._version) for address, value in params.items() if address not in told]
        if self.last is None or not same(self.last[0], now):
            with torch.no_grad():
                constants = self.matter.constants(params)
            self.last = (now, constants, self.stepper.known(constants))
        return self.last[1], self.last[2]


def same(seen: list[tuple[Tensor, int]], now: list[tuple[Tensor, int]]) -> bool:
    return len(seen) == len(now) and all(
        value.data_ptr() == other.data_ptr() and value.shape == other.shape and version == then
        for (value, version), (other, then) in zip(now, seen, strict=True)
    )
