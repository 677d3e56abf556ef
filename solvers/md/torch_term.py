"""A term of the force field that is written in torch: its derivatives come from autograd.

For what is small or new: a network, a toy target, a sum that is cheap. Terms that cost something have kernels instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.speeds import Speed

__all__ = ["TorchTerm", "nearest"]

Energy = Callable[[Tensor, Tensor, Params], Tensor]
BENDS = 8  # products with the Hessian that the highest frequency is sought with


class TorchTerm:
    """U(x, matrix, params) [batch] of positions [batch, atom, dim], the edges of the box as rows of a matrix
    [batch, dim, dim], and params; made of torch operations that can be differentiated twice. See `Term`."""

    def __init__(self, energy: Energy, addresses: Sequence[str], speed: Speed = Speed.PAIRS):
        self.energy, self.addresses, self.speed = energy, tuple(addresses), speed

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        with torch.enable_grad():
            place = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.energy(place, matrix(box, x), params.detach()).sum(), place)
        force.sub_(slope)

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            place, live = x.detach().requires_grad_(), awake(params)
            (slope,) = torch.autograd.grad(
                self.energy(place, matrix(box, x), live).sum(), place, create_graph=True, materialize_grads=True
            )
            return self.pulled(slope, -w, place, live, x_bar)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        with torch.enable_grad():
            return self.strained(x.detach(), box, params.detach())[0].detach()

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            place, live = x.detach().requires_grad_(), awake(params)
            sums, _ = self.strained(place, box, live)
            return self.pulled(sums, bar.to(sums), place, live, x_bar)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """Largest eigenvalue of M^-1/2 H M^-1/2 by the power method, with a tenth to spare [batch]."""
        root = mass.to(x.dtype).rsqrt()[..., None]
        asleep = params.detach()
        v = torch.linspace(0.5, 1.5, x[0].numel(), dtype=x.dtype, device=x.device).view(1, *x.shape[1:]).expand_as(x)
        v = v * torch.where(torch.arange(x.shape[1], device=x.device)[:, None] % 2 == 0, 1.0, -1.0)
        size = x.new_ones(len(x))
        for _ in range(BENDS):
            v = v / v.flatten(1).norm(dim=1).clamp(min=1e-30).view(-1, 1, 1)
            bent = torch.zeros_like(x)
            self.add_product(x, box, asleep, root * v, bent)
            v = root * bent
            size = v.flatten(1).norm(dim=1)
        return 1.1 * size.double()

    def strained(self, x: Tensor, box: Box, params: Params) -> tuple[Tensor, Tensor]:
        """Energy and virial [batch, 1 + dim dim], and the strain 0 by which the second is a derivative."""
        dim = x.shape[2]
        strain = x.new_zeros(len(x), dim, dim).requires_grad_()
        stretch = strain + torch.eye(dim, dtype=x.dtype, device=x.device)
        edges = matrix(box, x) @ stretch.transpose(1, 2)
        u = self.energy(x @ stretch.transpose(1, 2), edges, params)
        (slope,) = torch.autograd.grad(u.sum(), strain, create_graph=True, materialize_grads=True)
        return torch.cat([u.double()[:, None], -slope.flatten(1).double()], dim=1), strain

    def pulled(self, made: Tensor, bar: Tensor, place: Tensor, live: Params, x_bar: Tensor) -> dict[str, Tensor]:
        """Adds the cotangent of the position; returns those of the params that ask for one."""
        asking = {a: live[a] for a in self.addresses if live[a].requires_grad}
        if not made.requires_grad:
            return {}
        found = torch.autograd.grad(made, [place, *asking.values()], bar.to(made.dtype), allow_unused=True)
        if found[0] is not None:
            x_bar.add_(found[0])
        return {a: bar for a, bar in zip(asking, found[1:], strict=True) if bar is not None}


def matrix(box: Box, like: Tensor) -> Tensor:
    return box.matrix.to(like.dtype)


def awake(params: Params) -> Params:
    """The same params as leaves of a graph of their own."""
    return Params({a: value.detach().requires_grad_(value.requires_grad) for a, value in params.items()})


def nearest(apart: Tensor, edges: Tensor) -> Tensor:
    """The image of differences [batch, ..., dim] that is nearest by rounding, for edges [batch, dim, dim] as rows."""
    rows = edges.view(len(edges), *[1] * (apart.ndim - 3), *edges.shape[1:])
    turns = torch.round(torch.linalg.solve(rows.transpose(-1, -2), apart.detach().transpose(-1, -2)))
    return apart - turns.transpose(-1, -2) @ rows
