"""What a flow carries and what diffuses in it, kept from wiggling by streamline upwinding (SUPG).

For all test functions v, on quadratic elements,

    integral of  v (c_t + w . grad c) + diffusivity grad c : grad v
               + tau (w . grad v) (c_t + w . grad c - diffusivity laplace c)  =  integral of  v diffusivity dc/dn

with the right side on the boundary. The added part vanishes for the true solution, so that the order stays [Brooks &
Hughes 1982, Comput. Methods Appl. Mech. Eng. 32, 199-259]. It acts along the stream where that crosses elements faster
than diffusion does. With G the sum of the squares of the slopes of the barycentric coordinates, 2 / h^2 across an
element of width h, of which half counts for P2,

    tau = (pace^2 + 8 w.G w + 576 diffusivity^2 G:G)^(-1/2)   [Shakib, Hughes & Johan 1991, ibid. 89, 141-219]

which is smooth in the velocity and in the places of the vertices, and does not ask which corner comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.space import Shape, Space

__all__ = ["Carriage", "Transport"]

SPEED, SPREAD = 8.0, 576.0  # 2 * 2^2 and 4 * 3^2 * 2^4: of elements half as wide


@dataclass(frozen=True, eq=False)
class Carriage:
    """What the equation of one tracer is told; all of one batch, float64. pace, memory: c_t = pace c + memory."""

    shape: Shape
    wind: Tensor  # what carries it [batch, node, dim]
    diffusivity: Tensor  # [batch]
    pace: Tensor  # [batch]
    load: Tensor  # of sides [batch, node]
    memory: Tensor | None = None  # [batch, node]


@dataclass(frozen=True, eq=False)
class Stream:
    """The stream at the points of the quadrature. along: w . grad of each function [batch, element, q, node]; tilt:
    what it is tested with, v + tau w . grad v; lift: G w."""

    volume: Tensor  # [batch, element, q]
    slopes: Tensor  # [batch, element, q, node, dim]
    bend: Tensor  # laplacian of each function [batch, element, node]
    along: Tensor
    tau: Tensor  # [batch, element, q]
    tilt: Tensor
    lift: Tensor  # [batch, element, q, dim]


@dataclass(frozen=True, eq=False)
class Transport:
    space: Space

    def stream(self, now: Carriage) -> Stream:
        space, at = self.space, self.space.element
        slopes = now.shape.gradient(at.slope)
        wind = torch.einsum("qa,xeai->xeqi", at.value, space.gather(now.wind))
        metric = torch.einsum("xeki,xekj->xeij", now.shape.slopes, now.shape.slopes)
        lift = torch.einsum("xeij,xeqj->xeqi", metric, wind)
        spread = SPREAD * now.diffusivity.square()[:, None] * metric.square().sum((-1, -2))
        quick = now.pace.square().view(-1, 1, 1) + SPEED * (lift * wind).sum(-1) + spread[:, :, None]
        tau, along = quick.rsqrt(), torch.einsum("xeqai,xeqi->xeqa", slopes, wind)
        return Stream(
            now.shape.measure[:, :, None] * at.weights,
            slopes,
            torch.einsum("akl,xeki,xeli->xea", at.bend, now.shape.slopes, now.shape.slopes),
            along,
            tau,
            at.value + tau[..., None] * along,
            lift,
        )

    def remainder(self, c: Tensor, now: Carriage, stream: Stream) -> Tensor:
        """c_t + w . grad c - diffusivity laplace c [batch, element, q]"""
        space, local = self.space, self.space.gather(c)
        rate = now.pace[:, None] * c if now.memory is None else now.pace[:, None] * c + now.memory
        spread = now.diffusivity.view(-1, 1, 1) * torch.einsum("xea,xea->xe", stream.bend, local)[..., None]
        carried = torch.einsum("xeqa,xea->xeq", stream.along, local)
        return torch.einsum("qa,xea->xeq", space.element.value, space.gather(rate)) + carried - spread

    def left(self, c: Tensor, now: Carriage) -> Tensor:
        """What is left of the equation of each node [batch, node], before any is held."""
        stream, local = self.stream(now), self.space.gather(c)
        spread = now.diffusivity.view(-1, 1, 1) * torch.einsum("xea,xea->xe", stream.bend, local)[..., None]
        rest = self.remainder(c, now, stream)
        found = torch.einsum("xeqa,xeq->xea", stream.tilt, rest * stream.volume)
        # the unweighted test function sees the flux by parts in place of the laplacian
        found = found + torch.einsum("qa,xeq->xea", self.space.element.value, spread * stream.volume)
        flux = torch.einsum("xeqbi,xeb->xeqi", stream.slopes, local) * (
            now.diffusivity.view(-1, 1, 1, 1) * stream.volume[..., None]
        )
        return self.space.scatter(found + torch.einsum("xeqai,xeqi->xea", stream.slopes, flux)) + now.load

    def local(self, now: Carriage) -> Tensor:
        """Derivatives of `left` by the tracer, by element [batch, element, node, node]."""
        stream, value = self.stream(now), self.space.element.value
        spread = now.diffusivity.view(-1, 1, 1, 1)
        bend = spread * stream.bend[:, :, None, :]
        rest = now.pace.view(-1, 1, 1, 1) * value + stream.along - bend
        weighted = stream.volume[..., None] * rest
        found = torch.einsum("xeqa,xeqb->xeab", stream.tilt, weighted)
        found = found + torch.einsum("qa,xeqb->xeab", value, stream.volume[..., None] * bend)
        return found + torch.einsum(
            "xeq,xeqai,xeqbi->xeab", now.diffusivity.view(-1, 1, 1) * stream.volume, stream.slopes, stream.slopes
        )

    def streamline(self, now: Carriage) -> Tensor:
        """Diffusion along the stream, as large as upwinding asks for, by element [batch, element, node, node]."""
        stream = self.stream(now)
        return torch.einsum("xeqa,xeq,xeqb->xeab", stream.along, stream.tau * stream.volume, stream.along)

    def by_wind(self, c: Tensor, now: Carriage) -> Tensor:
        """Derivatives of `left` by the velocity that carries, by element [batch, element, node, dim * node]: those of
        the first component, then those of the next."""
        stream, value = self.stream(now), self.space.element.value
        rest, tau = self.remainder(c, now, stream), stream.tau[..., None]
        slope = torch.einsum("xeqai,xea->xeqi", stream.slopes, self.space.gather(c))
        gone = (SPEED * stream.tau**3 * rest)[..., None] * stream.lift  # as tau falls
        tilted = torch.einsum("xeqa,xeqj->xeqaj", stream.tilt, slope)
        turned = (tau * rest[..., None])[..., None] * stream.slopes
        slowed = torch.einsum("xeqa,xeqj->xeqaj", stream.along, gone)
        found = torch.einsum("xeqaj,xeq,qb->xeajb", tilted + turned - slowed, stream.volume, value)
        return found.flatten(3)
