"""Projection solver of the incompressible Navier-Stokes equations on a staggered grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.navier_stokes.staggered.stepping import Stepper

__all__ = ["StaggeredSolver"]

PATH = 5.0  # cells that a path may cross in a step


@dataclass(frozen=True)
class StaggeredSolver(TorchAdjoint):
    """u_t + div(u u) = -grad p / density + viscosity laplace u + f,  div u = 0, and tracers that it carries.

    The pressure gradient of a step and its transpose are one fast solve each, for both are symmetric.
    """

    grid: Grid
    stepper: Stepper
    diagnostics: Diagnostics
    peaks: Callable[[Params], Tensor]  # largest speed that the sides impose, by component [batch, dim]
    program: Program[StaggeredState]
    replays: Replays | None = field(default=None, repr=False, compare=False)  # none beside obstacles: solves look back

    @property
    def order(self) -> int:
        return min(self.stepper.method.order, 2)

    def max_dt(self, state: StaggeredState, params: Params) -> Tensor:
        """1 / dt >= advective + viscous + acceleration, each the largest rate that the method can bear [batch].

        A force that acts for dt adds F dt to the velocity, so that dt solves  a dt + b F dt^2 = 1.
        """
        with torch.no_grad():
            method, physics = self.stepper.method, self.stepper.physics
            speeds = torch.stack([u.flatten(1).abs().amax(1) for u in state.velocity], dim=1).double()
            speeds = torch.maximum(speeds, self.peaks(params).to(speeds))
            inverse = torch.tensor([1.0 / h for h in self.grid.spacing], dtype=torch.float64, device=speeds.device)
            scheme = physics.transport.scheme
            reach = (
                max(1.0 / method.imaginary, scheme.upwind / method.real) if self.stepper.paths is None else 1.0 / PATH
            )
            rate = (speeds * inverse).sum(1) * reach
            spread = torch.zeros_like(rate)
            if physics.viscous and not physics.implicit:
                spread = params[f"{physics.fluid}.viscosity"].double()
            for one in physics.carried:
                if one.diffuses and not physics.implicit:
                    spread = torch.maximum(spread, params[f"{one.name}.diffusivity"].double())
            spread = spread + physics.largest_eddy(state.velocity, params)
            rate = rate + 4.0 * spread * inverse.square().sum() / method.real
            if physics.damped:
                rate = rate + params[f"{physics.fluid}.drag"].double() / method.real
            push = (physics.accelerations(state.tracers, params).double() * inverse).sum(1) * reach
            return 2.0 / (rate + (rate.square() + 4.0 * push).sqrt())

    def step(self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor) -> Step[StaggeredState]:
        after, error = self.stepper(state, params, time, dt)
        return Step(after, error)

    def observe(self, state: StaggeredState, params: Params) -> dict[str, Tensor]:
        return self.diagnostics.summary(state, params)
