"""A distribution that can be drawn from and whose density is known: a base, and invertible maps behind it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from scenegrad.surrogates.boltzmann.bases import Base
from scenegrad.surrogates.boltzmann.continuous import Continuous

__all__ = ["Affine", "Bijection", "NormalizingFlow"]


class Bijection(Protocol):
    """An nn.Module that is invertible."""

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y and ln |det dy/dx| [batch]."""
        ...

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """x and ln |det dx/dy| [batch]."""
        ...


class NormalizingFlow(nn.Module):
    """ln q(x) = ln q0(z) - sum of ln |det| along z -> x [Rezende & Mohamed 2015, arXiv:1505.05770]."""

    def __init__(self, base: Base, *bijections: Bijection):
        super().__init__()
        self.base = base
        self.bijections = nn.ModuleList(bijections)  # type: ignore[arg-type]  # they are modules
        self.register_buffer("like", torch.zeros(()), persistent=False)  # follows .to(device, dtype)
        self.like: Tensor

    def sample(self, count: int, random: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """x [count, *shape] and ln q(x) [count]; autograd knows how both come of the numbers of the flow."""
        x = self.base.sample(count, random, self.like)
        log_density = self.base.log_density(x)
        for bijection in self.bijections:
            x, log_det = bijection(x)
            log_density = log_density - log_det
        return x, log_density

    @torch.no_grad()
    def draw(self, count: int, random: torch.Generator | None = None) -> Tensor:
        """x [count, *shape] alone: the numbers that `sample` draws, without the cost of their density."""
        x = self.base.sample(count, random, self.like)
        for bijection in self.bijections:
            x = bijection.moved(x) if isinstance(bijection, Continuous) else bijection(x)[0]
        return x

    def log_density(self, x: Tensor) -> Tensor:
        total = x.new_zeros(len(x))
        for bijection in reversed(self.bijections):
            x, log_det = bijection.inverse(x)  # type: ignore[operator]
            total = total + log_det
        return self.base.log_density(x) + total

    def at(self, temperature: float) -> NormalizingFlow:
        """The same maps, their very parameters, behind a base of another temperature.

        Where |det| is the same everywhere, this is q^(1/temperature), normalised [Dibak et al. 2022, Temperature
        steerable flows, arXiv:2108.01590]; elsewhere it is near, and `importance` weights the difference away.
        """
        flow = NormalizingFlow(self.base.at(temperature), *self.bijections)
        return flow.to(self.like.device, self.like.dtype)


class Affine(nn.Module):
    """y = exp(a) x + b, each coordinate with its own numbers; angles stand still."""

    def __init__(self, circles: tuple[bool, ...]):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(len(circles)))
        self.shift = nn.Parameter(torch.zeros(len(circles)))
        self.register_buffer("moves", ~torch.tensor(circles), persistent=False)
        self.moves: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.log_scale * self.moves, self.shift * self.moves
        return x * log_scale.exp() + shift, log_scale.sum().expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.log_scale * self.moves, self.shift * self.moves
        return (y - shift) * (-log_scale).exp(), -log_scale.sum().expand(len(y))
