"""Convolutions with kernels that are functions, so that they mean the same on every grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.precision import in_full_precision

__all__ = ["Differential", "Integral", "Local", "LocalConv"]

CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


class Local(Protocol):
    @property
    def knots(self) -> int: ...  # along each axis, numbers of a kernel that are learnt

    def kernel(self, weight: Tensor, grid: Sequence[int]) -> Tensor:
        """What a periodic grid is convolved with [outputs, inputs, *taps], an odd number of taps along each axis."""
        ...


@dataclass(frozen=True)
class Differential:
    """sum_j k_j u(x + h j) / h with sum_j k_j = 0 over the neighbours of a point: a derivative along some direction as
    h goes to zero [Liu-Schiaffini et al. 2024, arXiv:2402.16845, section 3.1].

    cells: along the longest axis of a typical grid, on which what comes out is of the order of u. knots: neighbours
    along each axis, the point itself included, an odd number.
    """

    cells: int
    knots: int = 3

    def __post_init__(self) -> None:
        if self.cells < 1 or self.knots < 3 or self.knots % 2 == 0:
            raise EngineError(
                f"Differential got cells={self.cells}, knots={self.knots}; cells is positive, and knots an odd number "
                f"from 3 on."
            )

    def kernel(self, weight: Tensor, grid: Sequence[int]) -> Tensor:
        taps = tuple(range(2, weight.ndim))
        return (weight - weight.mean(dim=taps, keepdim=True)) * (max(grid) / self.cells)


@dataclass(frozen=True)
class Integral:
    """The mean of k(y) u(x + y) over the y within `radius` along each axis, a fraction of the edge; k is linear between
    its knots [Liu-Schiaffini et al. 2024, arXiv:2402.16845, section 3.2, on a regular grid]."""

    radius: float
    knots: int = 5

    def __post_init__(self) -> None:
        if not 0.0 < self.radius < 0.5 or self.knots < 2:
            raise EngineError(
                f"Integral got radius={self.radius}, knots={self.knots}; the radius is a fraction of the edge below a "
                f"half, and there are two knots or more."
            )

    @in_full_precision
    def kernel(self, weight: Tensor, grid: Sequence[int]) -> Tensor:
        for axis, n in enumerate(grid, start=2):
            weight = torch.tensordot(weight, self.hats(n, weight), dims=([axis], [0])).movedim(-1, axis)
        return weight

    def hats(self, n: int, like: Tensor) -> Tensor:
        """What each knot adds to each tap of an axis of n points [knot, tap], the trapezoidal rule included."""
        reach = math.floor(self.radius * n * (1.0 + 1e-9))
        at = torch.arange(-reach, reach + 1, device=like.device, dtype=like.dtype) / (self.radius * n)
        knots = torch.linspace(-1.0, 1.0, self.knots, device=like.device, dtype=like.dtype)
        height = (1.0 - (at - knots[:, None]).abs() * (0.5 * (self.knots - 1))).clamp(min=0.0)
        ends = torch.where((at.abs() - 1.0).abs() < 1e-6, 0.5, 1.0)
        return height * ends / (2.0 * self.radius * n)


class LocalConv(nn.Module):
    """A local kernel between `width` channels of a periodic grid, u [batch, *grid, width]."""

    def __init__(self, width: int, dim: int, local: Local):
        super().__init__()
        self.local = local
        size = [local.knots] * dim
        self.weight = nn.Parameter(torch.randn(width, width, *size) / math.sqrt(width * math.prod(size)))

    def forward(self, u: Tensor) -> Tensor:
        grid = u.shape[1:-1]
        kernel = self.local.kernel(self.weight, grid)
        pads = [taps // 2 for taps in reversed(kernel.shape[2:]) for _ in range(2)]
        around = functional.pad(u.movedim(-1, 1), pads, mode="circular")
        return CONVOLVE[len(grid)](around, kernel).movedim(1, -1)
