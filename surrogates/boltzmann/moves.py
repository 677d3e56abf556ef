"""Moves of a population along the slope of a log-density and by noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["MALA", "Langevin", "Move", "Noise"]

Noise = Callable[[Tensor, torch.Generator | None], Tensor]
"""White noise like x, in the directions that x can move in."""

Density = Callable[[Tensor], Tensor]


class Move(Protocol):
    def __call__(
        self, x: Tensor, log_density: Density, noise: Noise, random: torch.Generator | None
    ) -> tuple[Tensor, Tensor, float]:
        """x after the move, what it adds to ln w [batch], and the share of members that moved."""
        ...


@dataclass(frozen=True)
class Proposal:
    """x' = x + step g(x) + sqrt(2 step) xi with g = grad ln gamma; step in length^2."""

    step: float
    steps: int = 5

    def __post_init__(self) -> None:
        if not (self.step > 0.0 and self.steps > 0):
            raise EngineError(
                f"{type(self).__name__} got step={self.step}, steps={self.steps}; both are positive numbers."
            )

    def proposed(self, x: Tensor, slope: Tensor, noise: Tensor) -> Tensor:
        return x + self.step * slope + (2.0 * self.step) ** 0.5 * noise

    def log_turn(self, x: Tensor, slope: Tensor, y: Tensor, slope_y: Tensor) -> Tensor:
        """ln k(y -> x) - ln k(x -> y)."""
        back, forth = x - y - self.step * slope_y, y - x - self.step * slope
        return (forth.square() - back.square()).flatten(1).sum(dim=1) / (4.0 * self.step)


@dataclass(frozen=True)
class MALA(Proposal):
    """Langevin steps that are accepted or refused, so that gamma stays as it is [Roberts & Tweedie 1996]."""

    def __call__(
        self, x: Tensor, log_density: Density, noise: Noise, random: torch.Generator | None
    ) -> tuple[Tensor, Tensor, float]:
        value, slope = with_slope(x, log_density)
        moved = 0.0
        for _ in range(self.steps):
            y = self.proposed(x, slope, noise(x, random))
            value_y, slope_y = with_slope(y, log_density)
            chance = value_y - value + self.log_turn(x, slope, y, slope_y)
            drawn = torch.rand(len(x), generator=random, dtype=x.dtype).to(x.device)
            taken = drawn.log() < chance  # False where chance is nan: no place is left for one without a density
            wide = taken.view(-1, *[1] * (x.ndim - 1))
            x, slope = torch.where(wide, y, x), torch.where(wide, slope_y, slope)
            value = torch.where(taken, value_y, value)
            moved += float(taken.double().mean()) / self.steps
        return x, x.new_zeros(len(x)), moved


@dataclass(frozen=True)
class Langevin(Proposal):
    """Langevin steps that are all taken, and paid for in weight: ln w grows by ln gamma(x') k(x' -> x) -
    ln gamma(x) k(x -> x'), which leaves averages exact for any step [Nilmeier et al. 2011; Wu, Kohler & Noe 2020,
    Stochastic normalizing flows, arXiv:2002.06707]."""

    def __call__(
        self, x: Tensor, log_density: Density, noise: Noise, random: torch.Generator | None
    ) -> tuple[Tensor, Tensor, float]:
        value, slope = with_slope(x, log_density)
        extra = torch.zeros_like(value)
        for _ in range(self.steps):
            y = self.proposed(x, slope, noise(x, random))
            value_y, slope_y = with_slope(y, log_density)
            extra = extra + value_y - value + self.log_turn(x, slope, y, slope_y)
            x, value, slope = y, value_y, slope_y
        return x, extra, 1.0


def with_slope(x: Tensor, log_density: Density) -> tuple[Tensor, Tensor]:
    """ln gamma and its gradient."""
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        value = log_density(at)
        (slope,) = torch.autograd.grad(value.sum(), at)
    return value.detach(), slope
