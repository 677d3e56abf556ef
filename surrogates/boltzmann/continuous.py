"""A velocity field as an invertible map: dx/ds = v(x, s) from s = 0 to s = 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.samplers import RK4

__all__ = ["Continuous"]

Velocity = Callable[[Tensor, Tensor], Tensor]
"""v(x [batch, ...], s [batch]); a network, or any function"""


class Continuous(nn.Module):
    """ln |det| = integral of div v along the way [Chen et al. 2018, arXiv:1806.07366], both by RK4.

    steps: the error of x and of ln |det| falls with their fourth power. probes: 0 takes the divergence exactly, one
    transposed derivative for each number of a member; otherwise it is the mean over so many random signs [Hutchinson
    1990; Grathwohl et al. 2019], drawn once for the whole way from `random`: ln |det| is then right on the average,
    and weights made of it are not.
    """

    def __init__(self, velocity: Velocity, *, steps: int = 16, probes: int = 0, random: torch.Generator | None = None):
        super().__init__()
        if steps < 1 or probes < 0:
            raise EngineError(
                f"Continuous got steps={steps}, probes={probes}; it takes a positive number of steps, and 0 (exact) or "
                f"more probes."
            )
        self.velocity, self.steps, self.probes, self.random = velocity, steps, probes, random

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.carried(x, 0.0, 1.0)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.carried(y, 1.0, 0.0)

    def moved(self, x: Tensor) -> Tensor:
        """y alone."""
        ds = 1.0 / self.steps
        for n in range(self.steps):
            x = RK4().step(self.velocity, x, n * ds, ds)
        return x

    def carried(self, x: Tensor, begin: float, end: float) -> tuple[Tensor, Tensor]:
        total, ds = x.new_zeros(len(x)), (end - begin) / self.steps
        along = self.directions(x)
        for n in range(self.steps):
            s = begin + n * ds
            v1, d1 = self.slope(x, s, along)
            v2, d2 = self.slope(x + 0.5 * ds * v1, s + 0.5 * ds, along)
            v3, d3 = self.slope(x + 0.5 * ds * v2, s + 0.5 * ds, along)
            v4, d4 = self.slope(x + ds * v3, s + ds, along)
            x = x + ds / 6.0 * (v1 + 2.0 * (v2 + v3) + v4)
            total = total + ds / 6.0 * (d1 + 2.0 * (d2 + d3) + d4)
        return x, total

    def directions(self, x: Tensor) -> Tensor:
        """w with E[w w^T] = 1, in [direction, batch or 1, *member]; the unit vectors where nothing is drawn."""
        if self.probes:
            signs = torch.randint(0, 2, (self.probes, *x.shape), generator=self.random)
            return signs.to(x) * 2.0 - 1.0
        flat = x[0].numel()
        return torch.eye(flat, dtype=x.dtype, device=x.device).view(flat, 1, *x.shape[1:])

    def slope(self, x: Tensor, s: float, along: Tensor) -> tuple[Tensor, Tensor]:
        """v and div v = sum w . (dv/dx)^T w. Where nobody asks for a gradient, each evaluation forgets its own."""
        wanted = torch.is_grad_enabled()
        with torch.enable_grad():
            at = x if x.requires_grad else x.detach().requires_grad_()
            v = self.velocity(at, torch.full((len(x),), s, dtype=x.dtype, device=x.device))
            w = along.expand(-1, *x.shape)
            (bars,) = torch.autograd.grad(v, at, w, create_graph=wanted, is_grads_batched=True)
            divergence = (bars * w).flatten(2).sum(dim=(0, 2)) / (self.probes or 1)
        return (v, divergence) if wanted else (v.detach(), divergence.detach())
