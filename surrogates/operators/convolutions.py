"""Convolutions that know what lies beyond the sides of their domain."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.grids import Surroundings

__all__ = ["Conv", "Modulation", "doubled", "groups_of", "refuse_indivisible"]

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


class Conv(nn.Module):
    """A convolution that keeps the grid, or with a stride of 2 halves it: [batch, inputs, *grid] to outputs.

    What is beyond the sides comes from the surroundings: the other side of a torus, zeros beyond walls.
    """

    def __init__(
        self, inputs: int, outputs: int, dim: int, surroundings: Surroundings, *, size: int = 3, stride: int = 1
    ):
        super().__init__()
        self.inner = CONVOLUTIONS[dim](inputs, outputs, size, stride=stride)
        self.surroundings, self.reach = surroundings, size // 2

    def forward(self, u: Tensor) -> Tensor:
        return self.inner(self.surroundings.pad(u, self.reach) if self.reach else u)


class Modulation(nn.Module):
    """u (1 + scale(c)) + shift(c): what the constants c say, at every point [Perez et al. 2018, arXiv:1709.07871].

    Nothing at the beginning of a training.
    """

    def __init__(self, constants: int, width: int):
        super().__init__()
        self.linear = nn.Linear(constants, 2 * width)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        scale, shift = self.linear(functional.silu(constants)).view(len(u), 2, -1, *[1] * (u.ndim - 2)).unbind(1)
        return u * (1.0 + scale) + shift


def groups_of(width: int, most: int = 8) -> int:
    """The largest number of equal groups of channels, at most `most`."""
    return next(count for count in range(min(most, width), 0, -1) if width % count == 0)


def refuse_indivisible(grid: Sequence[int], factor: int, name: str) -> None:
    if any(n % factor for n in grid):
        raise EngineError(
            f"{name} halves its grid until it is {factor} times coarser, and was given {tuple(grid)} points. Take a "
            f"grid whose axes {factor} divides, or fewer levels."
        )


def doubled(u: Tensor) -> Tensor:
    """Every point twice along each axis."""
    for axis in range(2, u.ndim):
        u = torch.repeat_interleave(u, 2, dim=axis)
    return u
