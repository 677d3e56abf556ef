"""Projection solver of the incompressible Navier-Stokes equations on a staggered grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.bounds import Bounds
from scenegrad.solvers.navier_stokes.staggered.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.lagrangian import along_paths
from scenegrad.solvers.navier_stokes.staggered.state import StaggeredState
from scenegrad.solvers.navier_stokes.staggered.stepping import Stepper
from scenegrad.solvers.navier_stokes.staggered.told import faces_told

__all__ = ["StaggeredSolver"]


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
        return self.stepper.method.order

    @cached_property
    def bounds(self) -> Bounds:
        return Bounds(self.stepper.physics, self.stepper.method, self.stepper.paths is not None)

    @torch.no_grad()
    def max_dt(self, state: StaggeredState, params: Params) -> Tensor:
        """1 / dt >= advective + viscous + acceleration, each the largest rate that the method can bear [batch]."""
        return self.bounds.longest(state, params, self.peaks(params))

    @torch.no_grad()
    def limit(self, state: StaggeredState, params: Params, member: int) -> str:
        """What bounds the step of a member, and what can be done about it."""
        return self.bounds.limit(state, params, self.peaks(params), member)

    def step(self, state: StaggeredState, params: Params, time: Tensor, dt: Tensor) -> Step[StaggeredState]:
        if self.stepper.paths is not None:
            return Step(along_paths(self.stepper, self.stepper.paths, state, params, time, dt))
        after, error = self.stepper(state, params, time, dt)
        return Step(after, error)

    def fields(self, state: StaggeredState, params: Params) -> dict[str, Tensor]:
        """The velocity in the middles of the cells, and the tracers by name."""
        names = [one.name for one in self.stepper.physics.carried]
        tracers = () if state.tracers is None else state.tracers.unbind(1)
        return {"velocity": self.diagnostics.velocity(state), **dict(zip(names, tracers, strict=True))}

    def with_fields(
        self, state: StaggeredState, params: Params, fields: Mapping[str, Tensor], time: Tensor
    ) -> StaggeredState:
        """Faces move with the cells beside them; then the flow keeps to the sides and loses its divergence. What the
        step before left is forgotten."""
        here, faces = self.fields(state, params), list(state.velocity)
        if "velocity" in fields:
            faces = faces_told(self.grid, faces, self.diagnostics.means, fields["velocity"])
        tracers = [fields.get(name, value) for name, value in here.items() if name != "velocity"]
        return replace(self.stepper.begin(faces, tracers, params, time), felt=state.felt)

    def observe(self, state: StaggeredState, params: Params) -> dict[str, Tensor]:
        return self.diagnostics.summary(state, params)
