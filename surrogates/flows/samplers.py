"""From a velocity field to a sample by steps fixed beforehand: dx/ds = v(x, s) from s = 0 to s = 1."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.field import Field, Velocity

__all__ = ["RK4", "Euler", "Heun", "Sampler", "evenly"]


class Sampler(Protocol):
    def __call__(self, field: Field, x: Tensor) -> Tensor:
        """x at s = 1 from x at s = 0."""
        ...


@dataclass(frozen=True)
class RungeKutta:
    """An explicit method on `steps` equal steps, or between the given times, which begin with 0 and end with 1."""

    steps: int = 16
    times: tuple[float, ...] = ()

    nodes: ClassVar[tuple[float, ...]]  # c of the Butcher tableau
    stages: ClassVar[tuple[tuple[float, ...], ...]]  # A, its rows below the diagonal
    weights: ClassVar[tuple[float, ...]]  # b

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in pairwise(self.times))
        if self.steps < 1 or (self.times and not (rising and self.times[0] == 0.0 and self.times[-1] == 1.0)):
            raise EngineError(
                f"{type(self).__name__} got steps={self.steps}, times={self.times}; it takes a positive number of "
                f"steps, or times that rise from 0 to 1."
            )

    @property
    def evaluations(self) -> int:
        """Of the network, for one sample."""
        return len(self.weights) * (len(self.times) - 1 if self.times else self.steps)

    def __call__(self, field: Field, x: Tensor) -> Tensor:
        for begin, end in pairwise(self.times or evenly(self.steps)):
            x = self.step(field.velocity, x, begin, end - begin)
        return x

    def step(self, velocity: Velocity, x: Tensor, s: float, ds: float, slope: Tensor | None = None) -> Tensor:
        """slope: v(x, s), where it is known already."""
        slopes: list[Tensor] = [] if slope is None else [slope]
        for node, row in list(zip(self.nodes, self.stages, strict=True))[len(slopes) :]:
            at = x + ds * combined(row, slopes) if slopes else x
            slopes.append(velocity(at, torch.full((len(x),), s + node * ds, dtype=x.dtype, device=x.device)))
        return x + ds * combined(self.weights, slopes)


def evenly(steps: int) -> tuple[float, ...]:
    return tuple(n / steps for n in range(steps + 1))


def combined(weights: tuple[float, ...], slopes: list[Tensor]) -> Tensor:
    parts = [weight * slope for weight, slope in zip(weights, slopes, strict=True) if weight]
    return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class Euler(RungeKutta):
    """First order, one evaluation a step; exact for straight paths."""

    nodes = (0.0,)
    stages = ((),)
    weights = (1.0,)


@dataclass(frozen=True)
class Heun(RungeKutta):
    """Second order, two evaluations a step."""

    nodes = (0.0, 1.0)
    stages = ((), (1.0,))
    weights = (0.5, 0.5)


@dataclass(frozen=True)
class RK4(RungeKutta):
    """Fourth order, four evaluations a step [Kutta 1901]."""

    nodes = (0.0, 0.5, 0.5, 1.0)
    stages = ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0))
    weights = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
