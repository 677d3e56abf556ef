"""A steady flow and what it carries, as one system of equations: each moves the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.flow import FlowEquations, Moment
from scenegrad.solvers.navier_stokes.finite_element.transport import Carriage, Transport

__all__ = ["Convection", "lifted"]


def lifted(now: Moment, tracers: Sequence[Tensor], buoyancies: Sequence[Tensor | None]) -> Moment:
    """The moment of a fluid that tracers [batch, node] lift by their buoyancies [batch, dim]."""
    for c, buoyancy in zip(tracers, buoyancies, strict=True):
        if buoyancy is not None:
            push = c[..., None] * buoyancy[:, None]
            now = replace(now, memory=-push if now.memory is None else now.memory - push)
    return now


@dataclass(frozen=True, eq=False)
class Convection:
    """Unknowns of the flow, then the values of each of `count` tracers at the nodes, which the flow carries."""

    flow: FlowEquations
    count: int

    @property
    def dofs(self) -> Tensor:
        space = self.flow.space
        first = space.count * space.dim + len(space.vertices)
        return torch.cat([self.flow.dofs, *(space.nodes + first + space.count * k for k in range(self.count))], dim=1)

    def join(self, flow: Tensor, tracers: Sequence[Tensor]) -> Tensor:
        return torch.cat([flow, *tracers], dim=1)

    def split(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Unknowns of the flow, and each tracer [batch, node]."""
        space = self.flow.space
        flow, *tracers = x.split([space.count * space.dim + len(space.vertices), *[space.count] * self.count], dim=1)
        return flow, tuple(tracers)

    def left(
        self, x: Tensor, now: Moment, carriages: Sequence[Carriage], buoyancies: Sequence[Tensor | None]
    ) -> Tensor:
        flow, tracers = self.split(x)
        wind, transport = self.flow.split(flow)[0], Transport(self.flow.space)
        return self.join(
            self.flow.left(flow, lifted(now, tracers, buoyancies)),
            [transport.left(c, replace(one, wind=wind)) for c, one in zip(tracers, carriages, strict=True)],
        )

    def local(
        self,
        x: Tensor,
        now: Moment,
        carriages: Sequence[Carriage],
        buoyancies: Sequence[Tensor | None],
        early: bool,
    ) -> Tensor:
        """Derivatives of `left` by element; early: tracers are carried by the velocity as it is."""
        space, transport = self.flow.space, Transport(self.flow.space)
        flow, tracers = self.split(x)
        inner = self.flow.local(flow, now, early)
        if not self.count:
            return inner
        wind, nodes = self.flow.split(flow)[0], space.nodes.shape[1]
        first = inner.shape[-1]
        out = torch.nn.functional.pad(inner, (0, nodes * self.count, 0, nodes * self.count))
        at = space.element
        masses = torch.einsum("xe,q,qa,qb->xeab", now.shape.measure, at.weights, at.value, at.value)
        for k, (c, one, buoyancy) in enumerate(zip(tracers, carriages, buoyancies, strict=True)):
            one, rows = replace(one, wind=wind), slice(first + nodes * k, first + nodes * (k + 1))
            out[:, :, rows, rows] = transport.local(one)
            if not early:
                out[:, :, rows, : nodes * space.dim] = transport.by_wind(c, one)
            if buoyancy is not None:
                for i in range(space.dim):
                    out[:, :, nodes * i : nodes * (i + 1), rows] = -buoyancy[:, i].view(-1, 1, 1, 1) * masses
        return out
