"""Porous media and heat on a mesh: -div(k grad p) + reaction p + p_t = source, by quadratic functions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_element.marching import before_last, rates
from scenegrad.solvers.navier_stokes.finite_element.sides import Sides
from scenegrad.solvers.navier_stokes.finite_element.space import Shape, Space
from scenegrad.solvers.navier_stokes.finite_element.state import DiffusionState
from scenegrad.solvers.navier_stokes.finite_element.system import System, solve

__all__ = ["DiffusionSolver"]


@dataclass(frozen=True)
class DiffusionSolver(TorchAdjoint):
    """Order 3 of the value and 2 of its gradient in the width of elements; BDF2 in time, or one step where steady.

    Permeabilities and diffusivities are constant in each element, and may jump from one to the next.
    """

    space: Space
    system: System
    sides: Sides
    reaction: str | None  # its address
    steady: bool
    program: Program[DiffusionState]

    @property
    def order(self) -> int:
        return 1 if self.steady else 2

    def max_dt(self, state: DiffusionState, params: Params) -> Tensor:
        """None: everything is implicit [batch, float64]."""
        return torch.full((len(state.value),), torch.inf, dtype=torch.float64)

    def step(self, state: DiffusionState, params: Params, time: Tensor, dt: Tensor) -> Step[DiffusionState]:
        u, vertices, k = state.value.double(), state.vertices.double(), state.coefficient.double()
        shape, later = self.space.shape(vertices), time + dt
        pace, memory = u.new_zeros(len(u)), torch.zeros_like(u)
        if not self.steady:
            pace, memory, _ = rates(u, state.before.double(), state.pace[:, 0].double(), dt.to(u))
        loss = pace if self.reaction is None else pace + params[self.reaction].double()
        given = self.sides.values(params, later, len(u))[..., 0]
        load = self.sides.load(params, later, vertices)[..., 0]
        held = self.system.held
        parts = (loss.detach(), k.detach(), vertices.detach())
        x = solve(
            self.system,
            u,
            lambda x: torch.where(held, x - given, self.left(x, shape, k, loss, memory, state.source.double()) + load),
            lambda x, early: self.local(shape, k, loss),
            keys=parts,
        )
        kind = state.value.dtype
        after = (0.0 if self.steady else 1.0) / dt.to(u)[:, None]
        return Step(
            DiffusionState(
                x.to(kind),
                before_last(state.value, self.steady, x).to(kind),
                after.to(kind),
                state.coefficient,
                state.source,
                state.vertices,
            )
        )

    def left(self, u: Tensor, shape: Shape, k: Tensor, loss: Tensor, memory: Tensor, source: Tensor) -> Tensor:
        """What is left of the equation of each node [batch, node], before any is held."""
        at, local = self.space.element, self.space.gather(u)
        volume, slopes = shape.measure[:, :, None] * at.weights, shape.gradient(at.slope)
        flux = torch.einsum("xeqai,xea->xeqi", slopes, local) * (k[:, :, None] * volume)[..., None]
        rate = torch.einsum("qa,xea->xeq", at.value, self.space.gather(loss[:, None] * u + memory)) - source[:, :, None]
        found = torch.einsum("xeqai,xeqi->xea", slopes, flux) + torch.einsum("qa,xeq->xea", at.value, rate * volume)
        return self.space.scatter(found)

    def local(self, shape: Shape, k: Tensor, loss: Tensor) -> Tensor:
        at = self.space.element
        volume, slopes = shape.measure[:, :, None] * at.weights, shape.gradient(at.slope)
        stiff = torch.einsum("xeq,xeqai,xeqbi->xeab", k[:, :, None] * volume, slopes, slopes)
        return stiff + loss.view(-1, 1, 1, 1) * torch.einsum("xeq,qa,qb->xeab", volume, at.value, at.value)

    def flux(self, state: DiffusionState) -> Tensor:
        """-k grad p, mean over each element [batch, element, dim]."""
        shape, at = self.space.shape(state.vertices.double()), self.space.element
        slopes = torch.einsum("q,xeqai->xeai", at.weights, shape.gradient(at.slope))
        gradient = torch.einsum("xeai,xea->xei", slopes, self.space.gather(state.value.double()))
        return -state.coefficient.double()[..., None] * gradient

    def observe(self, state: DiffusionState, params: Params) -> dict[str, Tensor]:
        """Mean value; content, its integral; source, all that is fed in."""
        shape, at = self.space.shape(state.vertices.double()), self.space.element
        inside = torch.einsum("q,qa,xea->xe", at.weights, at.value, self.space.gather(state.value.double()))
        content = (inside * shape.measure).sum(1)
        return {
            "mean": content / shape.measure.sum(1),
            "content": content,
            "source": (state.source.double() * shape.measure).sum(1),
        }
