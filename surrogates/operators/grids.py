"""What a network may know of the place it is at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from scenegrad.surrogates.resampling import cosine_resample, fourier_resample

__all__ = ["Bounded", "Surroundings", "Torus", "with_places"]


class Surroundings(Protocol):
    """How a network sees its domain."""

    def channels(self, dim: int) -> int:
        """How many features of position there are."""
        ...

    def features(self, like: Tensor) -> Tensor | None:
        """Features of position [1, channels, *grid] for fields `like` [batch, width, *grid], if there are any."""
        ...

    def extend(self, u: Tensor) -> Tensor:
        """The fields [batch, width, *grid] on the periodic grid on which they are transformed."""
        ...

    def cut(self, u: Tensor, grid: Sequence[int]) -> Tensor:
        """Undoes `extend`."""
        ...

    def pad(self, u: Tensor, reach: int) -> Tensor:
        """The fields with `reach` more points beyond each side."""
        ...

    def resample(self, u: Tensor, grid: Sequence[int]) -> Tensor:
        """The fields on another grid, without waves that either grid cannot hold."""
        ...


@dataclass(frozen=True)
class Torus:
    """A periodic domain. Without harmonics the network commutes with every shift.

    harmonics: along each axis, the highest k of the features cos and sin of 2 pi k x / L; they are needed where
    something is fixed in space, such as a forcing sin(4 y) that asks for harmonics=(0, 4). One entry per axis, or none.
    """

    harmonics: tuple[int, ...] = ()

    def channels(self, dim: int) -> int:
        return 2 * sum(self.harmonics)

    def features(self, like: Tensor) -> Tensor | None:
        grid = like.shape[2:]
        rows = []
        for axis, highest in enumerate(self.harmonics):
            angle = along(axis, torch.arange(grid[axis], device=like.device, dtype=like.dtype) / grid[axis], grid)
            for k in range(1, highest + 1):
                rows += [torch.cos(2 * math.pi * k * angle), torch.sin(2 * math.pi * k * angle)]
        return torch.stack(rows)[None] if rows else None

    def extend(self, u: Tensor) -> Tensor:
        return u

    def cut(self, u: Tensor, grid: Sequence[int]) -> Tensor:
        return u

    def pad(self, u: Tensor, reach: int) -> Tensor:
        return functional.pad(u, [reach] * (2 * (u.ndim - 2)), mode="circular")

    def resample(self, u: Tensor, grid: Sequence[int]) -> Tensor:
        return fourier_resample(u, grid)


@dataclass(frozen=True)
class Bounded:
    """A domain with walls: the network knows the coordinates, each from 0 to 1, and sees zeros beyond the upper ends.

    margin: width of those zeros as a fraction of the domain.
    """

    margin: float = 0.125

    def channels(self, dim: int) -> int:
        return dim

    def features(self, like: Tensor) -> Tensor | None:
        grid = like.shape[2:]
        rows = [
            along(axis, (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) / n, grid)
            for axis, n in enumerate(grid)
        ]
        return torch.stack(rows)[None]

    def extend(self, u: Tensor) -> Tensor:
        pads = [end for n in reversed(u.shape[2:]) for end in (0, round(self.margin * n))]
        return functional.pad(u, pads)

    def cut(self, u: Tensor, grid: Sequence[int]) -> Tensor:
        for axis, n in enumerate(grid):
            u = u.narrow(2 + axis, 0, n)
        return u

    def pad(self, u: Tensor, reach: int) -> Tensor:
        return functional.pad(u, [reach] * (2 * (u.ndim - 2)))

    def resample(self, u: Tensor, grid: Sequence[int]) -> Tensor:
        return cosine_resample(u, grid)


def along(axis: int, values: Tensor, grid: Sequence[int]) -> Tensor:
    """Values that vary along one axis, on the whole grid."""
    return values.view([-1 if a == axis else 1 for a in range(len(grid))]).expand(*grid)


def with_places(u: Tensor, surroundings: Surroundings) -> Tensor:
    """The fields [batch, channel, *grid], and below them what the surroundings tell of each place."""
    features = surroundings.features(u)
    return u if features is None else torch.cat([u, features.expand(len(u), *features.shape[1:])], dim=1)
