"""The equations of incompressible flow on Taylor-Hood elements (P2 velocity, P1 pressure) and their derivatives.

For all test functions v and q, with pi the pressure over the density,

    integral of  v . (a + (w . grad) u + drag u - f) + viscosity grad u : grad v - pi div v  =  - pi_out v . n  outside
    integral of  q div u  =  0

which leaves viscosity du/dn - pi n = - pi_out n where nothing else is said, exact for what leaves a channel [Heywood,
Rannacher & Turek 1996, Int. J. Numer. Methods Fluids 22, 325-352].

Elements are straight, so all integrals are sums over a quadrature that is exact, written as products of small
tensors for all elements and members at once. torch differentiates them: by viscosity, forces, boundary values, and by
the places of the vertices. The same forms in warp.fem are compiled for each space and precision, and their sparse
matrices carry no gradient to the vertices; it serves the tests as a second opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.space import Shape, Space
from scenegrad.solvers.navier_stokes.finite_element.transport import Carriage, Transport

__all__ = ["FlowEquations", "Moment", "PressureForms"]


@dataclass(frozen=True, eq=False)
class Moment:
    """What the equations are told; all of one batch, float64.

    pace: a = pace u + memory [1/s]; memory: at nodes [batch, node, dim]. carrier: what carries the
    momentum, where it is known beforehand [batch, node, dim]. load: of sides [batch, node, dim].
    """

    shape: Shape
    viscosity: Tensor  # [batch]
    drag: Tensor  # [batch]
    pace: Tensor  # [batch]
    force: Tensor  # acceleration [batch, dim]
    load: Tensor
    memory: Tensor | None = None
    carrier: Tensor | None = None


@dataclass(frozen=True, eq=False)
class PressureForms:
    """How linear functions would meet in the equation of the velocity, by element [batch, element, corner, corner];
    viscosity and rate (of change, and drag) [batch]."""

    mass: Tensor
    stiffness: Tensor
    transport: Tensor | None  # by what carries the velocity
    streamline: Tensor | None  # diffusion of the velocity along it [batch, element, node, node]
    viscosity: Tensor
    rate: Tensor


@dataclass(frozen=True, eq=False)
class FlowEquations:
    """advected: whether the velocity carries itself; False where its carrier is known, or is left out (Stokes)."""

    space: Space
    advected: bool

    @property
    def dofs(self) -> Tensor:
        """[element, unknown]: components of the velocity one after the other, then the pressure."""
        n, dim = self.space.count, self.space.dim
        return torch.cat([self.space.nodes + n * i for i in range(dim)] + [self.space.cells + n * dim], dim=1)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity [batch, node, dim] and pressure over density [batch, vertex]."""
        n, dim = self.space.count, self.space.dim
        return x[:, : n * dim].unflatten(1, (dim, n)).transpose(1, 2), x[:, n * dim :]

    def join(self, velocity: Tensor, pressure: Tensor) -> Tensor:
        return torch.cat([velocity.transpose(1, 2).flatten(1), pressure], dim=1)

    def left(self, x: Tensor, now: Moment) -> Tensor:
        """What is left of momentum and continuity [batch, unknown], before anything is held."""
        space, at = self.space, self.space.element
        u, pressure = self.split(x)
        slopes = now.shape.gradient(at.slope)
        volume = now.shape.measure[:, :, None] * at.weights  # [batch, element, q]
        local = space.gather(u)
        grad = torch.einsum("xeqaj,xeai->xeqij", slopes, local)  # d u_i / d x_j
        stress = now.viscosity.view(-1, 1, 1, 1, 1) * grad
        p = torch.einsum("qk,xek->xeq", at.linear, pressure[:, space.cells])
        stress = stress - p[..., None, None] * torch.eye(space.dim, device=x.device, dtype=x.dtype)
        rate = (now.pace + now.drag).view(-1, 1, 1) * u
        if now.memory is not None:
            rate = rate + now.memory
        push = torch.einsum("qa,xeai->xeqi", at.value, space.gather(rate)) - now.force[:, None, None, :]
        carrier = u if self.advected else now.carrier
        if carrier is not None:
            wind = torch.einsum("qa,xeai->xeqi", at.value, space.gather(carrier))
            push = push + torch.einsum("xeqj,xeqij->xeqi", wind, grad)
        momentum = torch.einsum("xeqaj,xeqij->xeai", slopes, stress * volume[..., None, None])
        momentum = momentum + torch.einsum("qa,xeqi->xeai", at.value, push * volume[..., None])
        divergence = torch.einsum("xeqii->xeq", grad)
        mass = torch.einsum("qk,xeq->xek", at.linear, divergence * volume).flatten(1)
        continuity = torch.zeros_like(pressure).index_add(1, space.cells.flatten(), -mass)
        return self.join(space.scatter(momentum) + now.load, continuity)

    def local(self, x: Tensor, now: Moment, early: bool) -> Tensor:
        """Derivatives of `left` by element [batch, element, unknown, unknown]; early: those of Picard's iteration."""
        space, at = self.space, self.space.element
        dim, corners, nodes = space.dim, space.dim + 1, space.nodes.shape[1]
        slopes = now.shape.gradient(at.slope)
        volume = now.shape.measure[:, :, None] * at.weights
        weighted = slopes * volume[..., None, None]
        block = now.viscosity.view(-1, 1, 1, 1) * torch.einsum("xeqaj,xeqbj->xeab", weighted, slopes)
        block = block + (now.pace + now.drag).view(-1, 1, 1, 1) * torch.einsum(
            "xeq,qa,qb->xeab", volume, at.value, at.value
        )
        out = x.new_zeros(len(x), len(space.nodes), dim * nodes + corners, dim * nodes + corners)
        carrier = self.split(x)[0] if self.advected else now.carrier
        if carrier is not None:
            u = space.gather(carrier)
            wind = torch.einsum("qa,xeai->xeqi", at.value, u)
            blown = torch.einsum("xeqj,xeqbj->xeqb", wind, weighted)
            block = block + torch.einsum("qa,xeqb->xeab", at.value, blown)
            if self.advected and not early:
                grad = torch.einsum("xeqaj,xeai->xeqij", weighted, u)
                cross = torch.einsum("qa,qb,xeqij->xeijab", at.value, at.value, grad)
                for i in range(dim):
                    for j in range(dim):
                        out[:, :, i * nodes : (i + 1) * nodes, j * nodes : (j + 1) * nodes] = cross[:, :, i, j]
        for i in range(dim):
            rows = slice(i * nodes, (i + 1) * nodes)
            out[:, :, rows, rows] += block
            press = -torch.einsum("xeqa,qk->xeak", weighted[..., i], at.linear)
            out[:, :, rows, dim * nodes :] = press
            out[:, :, dim * nodes :, rows] = press.transpose(-1, -2)
        return out

    def pressure(self, x: Tensor, now: Moment) -> PressureForms:
        space, at = self.space, self.space.element
        slopes, measure = now.shape.slopes, now.shape.measure
        carrier = self.split(x)[0] if self.advected else now.carrier
        transport = streamline = None
        if carrier is not None:
            wind = torch.einsum("qa,xeai->xeqi", at.value, space.gather(carrier))
            along = torch.einsum("xeqi,xeli->xeql", wind, slopes)
            # by parts, which lets in nothing with the wind: a constant that blew in would be no answer to anything
            transport = -torch.einsum("xe,q,ql,xeqk->xekl", measure, at.weights, at.linear, along)
            carriage = Carriage(now.shape, carrier, now.viscosity, now.pace + now.drag, now.load[..., 0])
            streamline = Transport(space).streamline(carriage)
        return PressureForms(
            torch.einsum("xe,q,qk,ql->xekl", measure, at.weights, at.linear, at.linear),
            torch.einsum("xe,xeki,xeli->xekl", measure, slopes, slopes),
            transport,
            streamline,
            now.viscosity,
            now.pace + now.drag,
        )
