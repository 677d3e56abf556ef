"""Steady flow through a porous medium: one step solves it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.elliptic.axes import End
from scenegrad.solvers.elliptic.darcy.sides import Sides
from scenegrad.solvers.elliptic.darcy.state import DarcyState
from scenegrad.solvers.elliptic.diffusion import WALL, between, diffusion, right_side
from scenegrad.solvers.elliptic.solver import EllipticSolver, Outcome

__all__ = ["DarcySolver"]


@dataclass(frozen=True)
class DarcySolver(TorchAdjoint):
    """-div(permeability grad p) + reaction p = source on cells, order 2; harmonic means on faces keep the flux through
    layers exact [Patankar 1980, section 4.2-3]. The gradient is a second solve with the transposed, which is the same,
    operator.

    Where no side holds a pressure, the sources lose their mean and p has mean zero.
    """

    elliptic: EllipticSolver
    sides: Sides
    reaction: str  # its address in Params
    program: Program[DarcyState]

    @property
    def order(self) -> int:
        return 1

    def max_dt(self, state: DarcyState, params: Params) -> Tensor:
        """None: nothing changes in time [batch, float64]."""
        return torch.full((state.pressure.shape[0],), torch.inf, dtype=torch.float64)

    def step(self, state: DarcyState, params: Params, time: Tensor, dt: Tensor) -> Step[DarcyState]:
        return Step(replace(state, pressure=self.solve(state, params).x))

    def solve(self, state: DarcyState, params: Params) -> Outcome:
        """The pressure, and how well it was found."""
        faces, b = self.equation(state, params)
        return self.elliptic.solve(b, faces, params[self.reaction], guess=state.pressure)

    def equation(self, state: DarcyState, params: Params) -> tuple[tuple[Tensor, ...], Tensor]:
        """Permeability on the faces across each axis, and the sources with what the sides add."""
        axes = self.elliptic.axes
        faces = between(axes, state.permeability)
        return faces, right_side(axes, faces, state.source, self.sides.values(params))

    def residual(self, state: DarcyState, params: Params) -> Tensor:
        """source + div(permeability grad p) - reaction p [batch, *cells] [1/s]"""
        faces, b = self.equation(state, params)
        return b - diffusion(self.elliptic.axes, faces, params[self.reaction]).apply(state.pressure)

    def velocity(self, state: DarcyState, params: Params) -> Tensor:
        """-permeability grad p: the mean of the two faces of a cell [batch, *cells, dim] [m/s]."""
        axes, p = self.elliptic.axes, state.pressure
        faces, held = between(axes, state.permeability), self.sides.values(params)
        found = []
        for number, (axis, beta) in enumerate(zip(axes, faces, strict=True)):
            dim, h = 1 + number, axis.spacing
            if axis.periodic:
                flux = -beta * (p - p.roll(1, dim)) / h
                found.append(0.5 * (flux + flux.roll(-1, dim)))
                continue
            inner = -beta.narrow(dim, 1, axis.count - 1) * p.diff(dim=dim) / h
            lo = self.through(p.narrow(dim, 0, 1), axis.lo, beta.narrow(dim, 0, 1) / h, held.get((number, "lo")))
            last = axis.count - 1
            hi = self.through(
                p.narrow(dim, last, 1), axis.hi, beta.narrow(dim, last + 1, 1) / h, held.get((number, "hi"))
            )
            flux = torch.cat((lo, inner, -hi), dim)
            found.append(0.5 * (flux.narrow(dim, 0, axis.count) + flux.narrow(dim, 1, axis.count)))
        return torch.stack(found, dim=-1)

    def through(self, p: Tensor, end: End, conductance: Tensor, value: Tensor | None) -> Tensor:
        """Velocity into the box through a wall; p: in the cells before it."""
        if value is None:
            return torch.zeros_like(p)
        value = value.view(-1, *[1] * (p.ndim - 1))
        return WALL[end] * conductance * (value - p) if end == "dirichlet" else value.expand_as(p)

    def observe(self, state: DarcyState, params: Params) -> dict[str, Tensor]:
        """Mean pressure [Pa]; source, all that is fed in [m^dim/s]; residual, what is left of the
        equation over |source and sides|, 1 before the solve."""
        left, (_, b) = self.residual(state, params).flatten(1), self.equation(state, params)
        cell = 1.0
        for axis in self.elliptic.axes:
            cell *= axis.spacing
        size = torch.linalg.vector_norm(b.flatten(1), dim=1)
        return {
            "mean_pressure": state.pressure.flatten(1).mean(1),
            "source": state.source.flatten(1).sum(1) * cell,
            "residual": torch.linalg.vector_norm(left, dim=1) / torch.where(size > 0.0, size, 1.0),
        }
