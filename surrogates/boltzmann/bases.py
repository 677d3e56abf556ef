"""Distributions that flows begin with: drawn from and known in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["Base", "CenteredNormal", "Coordinates", "drawn"]


class Base(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...  # of one member

    @property
    def free(self) -> int: ...  # directions in which a member can move

    def sample(self, count: int, random: torch.Generator | None, like: Tensor) -> Tensor:
        """[count, *shape], of the kind and device of `like`."""
        ...

    def log_density(self, x: Tensor) -> Tensor: ...

    def noise(self, like: Tensor, random: torch.Generator | None) -> Tensor:
        """White noise in the directions in which members can move: for moves of Langevin's equation."""
        ...

    def at(self, temperature: float) -> Base:
        """Density ~ p^(1/temperature)."""
        ...


@dataclass(frozen=True)
class Coordinates:
    """Numbers and angles, each for itself: N(0, temperature) where `circles` says False, even on [-pi, pi) where it
    says True."""

    circles: tuple[bool, ...]
    temperature: float = 1.0

    def __post_init__(self) -> None:
        warm(self.temperature)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.circles),)

    @property
    def free(self) -> int:
        return len(self.circles)

    def sample(self, count: int, random: torch.Generator | None, like: Tensor) -> Tensor:
        normal = drawn((count, *self.shape), random, like) * math.sqrt(self.temperature)
        even = torch.rand((count, *self.shape), generator=random, dtype=like.dtype).to(like.device)
        return torch.where(self.mask(like), (2.0 * even - 1.0) * math.pi, normal)

    def log_density(self, x: Tensor) -> Tensor:
        normal = -0.5 * (x**2 / self.temperature + math.log(2.0 * math.pi * self.temperature))
        return torch.where(self.mask(x), -math.log(2.0 * math.pi), normal).sum(dim=1)

    def noise(self, like: Tensor, random: torch.Generator | None) -> Tensor:
        return drawn(like.shape, random, like)

    def at(self, temperature: float) -> Coordinates:
        return replace(self, temperature=self.temperature * temperature)

    def mask(self, like: Tensor) -> Tensor:
        return torch.tensor(self.circles, device=like.device)


@dataclass(frozen=True)
class CenteredNormal:
    """Particles [particle, dim] whose mean is zero: N(0, temperature) on the (particles - 1) dim directions that are
    left [Kohler, Klein & Noe 2020, arXiv:2006.02425]. The density is by the volume of that space."""

    particles: int
    dim: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        warm(self.temperature)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.particles, self.dim)

    @property
    def free(self) -> int:
        return (self.particles - 1) * self.dim

    def sample(self, count: int, random: torch.Generator | None, like: Tensor) -> Tensor:
        return centered(drawn((count, *self.shape), random, like)) * math.sqrt(self.temperature)

    def log_density(self, x: Tensor) -> Tensor:
        """Of the configuration about its mean."""
        square = centered(x).square().sum(dim=(1, 2)) / self.temperature
        return -0.5 * (square + self.free * math.log(2.0 * math.pi * self.temperature))

    def noise(self, like: Tensor, random: torch.Generator | None) -> Tensor:
        return centered(drawn(like.shape, random, like))

    def at(self, temperature: float) -> CenteredNormal:
        return replace(self, temperature=self.temperature * temperature)


def centered(x: Tensor) -> Tensor:
    return x - x.mean(dim=1, keepdim=True)


def drawn(shape: tuple[int, ...], random: torch.Generator | None, like: Tensor) -> Tensor:
    """Normal numbers, drawn on the CPU, so that they are the same on every device."""
    return torch.randn(shape, generator=random, dtype=like.dtype).to(like.device)


def warm(temperature: float) -> None:
    if not temperature > 0.0:
        raise EngineError(f"A temperature of {temperature} was given; it is a positive number, such as 1.0.")
