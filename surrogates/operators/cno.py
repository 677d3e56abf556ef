"""The convolutional neural operator."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.convolutions import Conv, Modulation, groups_of
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus, with_places
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.operators.unet import Level

__all__ = ["CNO"]


def filtered_gelu(u: Tensor, grid: Sequence[int], surroundings: Surroundings) -> Tensor:
    """gelu of the function that u stands for, on `grid`: u goes to twice the points, and what its gelu has beyond the
    waves of `grid` is cut off, so that next to nothing of it is folded back upon the others."""
    fine = [2 * max(n, m) for n, m in zip(u.shape[2:], grid, strict=True)]
    return surroundings.resample(functional.gelu(surroundings.resample(u, fine)), grid)


class Block(nn.Module):
    """gelu(told(norm(conv(u)))) on a grid that may be another."""

    def __init__(self, inputs: int, width: int, dim: int, constants: int, surroundings: Surroundings):
        super().__init__()
        self.conv = Conv(inputs, width, dim, surroundings)
        self.norm, self.told = nn.GroupNorm(groups_of(width), width), Modulation(constants, width)

    def forward(self, u: Tensor, constants: Tensor, grid: Sequence[int]) -> Tensor:
        return filtered_gelu(self.told(self.norm(self.conv(u)), constants), grid, self.conv.surroundings)


class Residual(nn.Module):
    """u + norm(conv(block(u)))."""

    def __init__(self, width: int, dim: int, constants: int, surroundings: Surroundings):
        super().__init__()
        self.block = Block(width, width, dim, constants, surroundings)
        self.conv, self.norm = Conv(width, width, dim, surroundings), nn.GroupNorm(groups_of(width), width)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        return u + self.norm(self.conv(self.block(u, constants, u.shape[2:])))


class CNO(Operator):
    """Convolutional neural operator [Raonic et al. 2023, arXiv:2302.01178]: a U-shaped network all of whose layers take
    band-limited functions to band-limited functions, so that it hardly depends on how they are sampled.

    grid: the points along each axis on which it works; functions on other grids are brought there and back by their
    Fourier series on a Torus, and by their cosine series where they are Bounded. widths: channels on each level; each
    has half the points of the one before. blocks: residual ones on each level.
    """

    kind = "cno"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        grid: Sequence[int],
        widths: Sequence[int],
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        blocks: int = 1,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.grid, self.widths, self.blocks = tuple(grid), tuple(widths), blocks
        self.surroundings, dim = surroundings or Torus(), len(self.grid)
        self.grids = [tuple(-(-n // 2**level) for n in self.grid) for level in range(len(self.widths))]
        if not 1 <= dim <= 3 or min(self.widths, default=0) < 1 or blocks < 0 or min(self.grids[-1]) < 3:
            raise EngineError(
                f"CNO got grid={self.grid}, widths={self.widths}, blocks={blocks}; it takes 1 to 3 axes, a positive "
                f"width for each level, and three points or more along each axis on the coarsest one."
            )

        def block(inputs: int, width: int) -> Block:
            return Block(inputs, width, dim, self.constants, self.surroundings)

        def chain(width: int) -> Level:
            return Level(Residual(width, dim, self.constants, self.surroundings) for _ in range(blocks))

        finest, *coarser = self.widths
        pairs = list(zip(self.widths, coarser, strict=False))
        self.lift = block(self.channels_in + self.surroundings.channels(dim), finest)
        self.chains = nn.ModuleList(map(chain, self.widths))
        self.down = nn.ModuleList(block(fine, coarse) for fine, coarse in pairs)
        self.up = nn.ModuleList(block(coarse, fine) for fine, coarse in pairs)
        self.merge = nn.ModuleList(block(2 * fine, fine) for fine, _ in pairs)
        self.project = Conv(finest, self.channels_out, dim, self.surroundings)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        given, grids = u.shape[2:], self.grids
        v = with_places(self.surroundings.resample(u, self.grid), self.surroundings)
        v = self.lift(v, constants, self.grid)
        levels: list[Tensor] = []
        for number, chain in enumerate(self.chains):
            if number:
                v = self.down[number - 1](v, constants, grids[number])
            v = chain(v, constants)
            levels.append(v)
        for number in reversed(range(len(self.up))):
            v = self.up[number](v, constants, grids[number])
            v = self.merge[number](torch.cat([levels[number], v], dim=1), constants, grids[number])
        return self.surroundings.resample(self.project(v), given)
