"""Solids in small strain on a mesh, by quadratic functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.solver import Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_element.sides import Sides
from scenegrad.solvers.navier_stokes.finite_element.space import Shape, Space
from scenegrad.solvers.navier_stokes.finite_element.state import ElasticState
from scenegrad.solvers.navier_stokes.finite_element.system import System, solve

__all__ = ["ElasticSolver", "loose_motions", "stiffness"]


@dataclass(frozen=True)
class ElasticSolver(TorchAdjoint):
    """div sigma + density gravity = 0, sigma = lambda tr(e) I + 2 mu e, 2 e = grad u + grad u^T; plane strain in 2D.

    Quadratic functions bend without locking as long as Poisson's ratio is not within a few thousandths of 1/2.
    """

    space: Space
    system: System
    sides: Sides
    solid: str
    gravity: str | None  # its address
    program: Program[ElasticState]

    @property
    def order(self) -> int:
        return 1

    def max_dt(self, state: ElasticState, params: Params) -> Tensor:
        """None: nothing changes in time [batch, float64]."""
        return torch.full((len(state.displacement),), torch.inf, dtype=torch.float64)

    def join(self, field: Tensor) -> Tensor:
        """[batch, node, dim] to unknowns, components one after the other [batch, dim * node]."""
        return field.transpose(1, 2).flatten(1)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (self.space.dim, self.space.count)).transpose(1, 2)

    def moduli(self, state: ElasticState, params: Params) -> tuple[Tensor, Tensor]:
        """(lambda, mu) of each element [batch, element] [Pa]"""
        young, nu = state.youngs_modulus.double(), params[f"{self.solid}.poisson_ratio"].double()[:, None]
        return young * nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), young / (2.0 * (1.0 + nu))

    def step(self, state: ElasticState, params: Params, time: Tensor, dt: Tensor) -> Step[ElasticState]:
        vertices = state.vertices.double()
        shape, moduli, later = self.space.shape(vertices), self.moduli(state, params), time + dt
        given = self.join(self.sides.values(params, later, len(vertices)))
        load = self.sides.load(params, later, vertices)
        weight = vertices.new_zeros(len(vertices), self.space.dim)
        if self.gravity is not None:
            weight = params[f"{self.solid}.density"].double()[:, None] * params[self.gravity].double()
        held = self.system.held
        parts = (*(m.detach() for m in moduli), vertices.detach())
        x = solve(
            self.system,
            self.join(state.displacement.double()),
            lambda x: torch.where(held, x - given, self.join(self.left(self.split(x), shape, moduli, weight) + load)),
            lambda x, early: stiffness(self.space, shape, moduli),
            keys=parts,
        )
        return Step(replace(state, displacement=self.split(x).to(state.displacement.dtype)))

    def strain(self, u: Tensor, shape: Shape) -> Tensor:
        """At the points of the quadrature [batch, element, q, dim, dim]."""
        slopes = shape.gradient(self.space.element.slope)
        grad = torch.einsum("xeqaj,xeai->xeqij", slopes, self.space.gather(u))
        return 0.5 * (grad + grad.transpose(-1, -2))

    def stress(self, strain: Tensor, moduli: tuple[Tensor, Tensor]) -> Tensor:
        lame, mu = (m[:, :, None, None, None] for m in moduli)
        trace = strain.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        return lame * trace * torch.eye(self.space.dim, dtype=strain.dtype, device=strain.device) + 2.0 * mu * strain

    def left(self, u: Tensor, shape: Shape, moduli: tuple[Tensor, Tensor], weight: Tensor) -> Tensor:
        """What is left of the balance of forces at each node [batch, node, dim]."""
        at = self.space.element
        volume, slopes = shape.measure[:, :, None] * at.weights, shape.gradient(at.slope)
        stress = self.stress(self.strain(u, shape), moduli)
        force = torch.einsum("xeqaj,xeqij->xeai", slopes, stress * volume[..., None, None])
        return self.space.scatter(force - torch.einsum("xeq,qa,xi->xeai", volume, at.value, weight))

    def observe(self, state: ElasticState, params: Params) -> dict[str, Tensor]:
        """Elastic energy [J], per unit of depth in two dimensions."""
        shape = self.space.shape(state.vertices.double())
        strain = self.strain(state.displacement.double(), shape)
        density = 0.5 * (strain * self.stress(strain, self.moduli(state, params))).sum((-1, -2))
        volume = shape.measure[:, :, None] * self.space.element.weights
        return {"elastic_energy": (density * volume).sum((1, 2))}


def stiffness(space: Space, shape: Shape, moduli: tuple[Tensor, Tensor]) -> Tensor:
    """Of each element [batch, element, unknown, unknown]; moduli: lambda and mu [batch, element]."""
    at, dim = space.element, space.dim
    volume, slopes = shape.measure[:, :, None] * at.weights, shape.gradient(at.slope)
    lame, mu = (m[:, :, None, None, None, None] for m in moduli)
    pairs = torch.einsum("xeq,xeqai,xeqbj->xeiajb", volume, slopes, slopes)
    laplace = torch.einsum("xeiaib->xeab", pairs)
    block = lame * pairs + mu * pairs.transpose(2, 4)
    for i in range(dim):
        block[:, :, i, :, i] += mu[:, :, 0, 0] * laplace
    return block.flatten(4, 5).flatten(2, 3)


def loose_motions(space: Space, held: Tensor) -> int:
    """How many rigid motions nothing hinders, of the piece of the mesh that has most; with none, the shape is unique.

    held: [node, component], where displacements are given.
    """
    places, known = space.places(space.vertices[None])[0].cpu().numpy(), held.cpu().numpy()
    dim, most = space.dim, 0
    for mine in space.pieces():
        arm = places[mine] - places[mine].mean(axis=0)
        arm /= np.abs(arm).max()
        turns = []
        for i, j in combinations(range(dim), 2):
            turn = np.zeros_like(arm)
            turn[:, i], turn[:, j] = arm[:, j], -arm[:, i]
            turns.append(turn)
        shifts = [np.broadcast_to(unit, arm.shape) for unit in np.eye(dim)]
        motions = np.stack([*shifts, *turns], axis=-1)[known[mine]]  # [held, motion]
        hindered = np.linalg.matrix_rank(motions, tol=1e-8 * len(motions) ** 0.5) if len(motions) else 0
        most = max(most, len(shifts) + len(turns) - int(hindered))
    return most
