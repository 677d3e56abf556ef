"""From fields to a coarse grid of tokens and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from scenegrad.surrogates.operators.convolutions import Conv, doubled, groups_of
from scenegrad.surrogates.operators.grids import Surroundings
from scenegrad.surrogates.tokens.finite_scalars import FiniteScalars

__all__ = ["Codec"]


class Block(nn.Module):
    """u + conv(silu(norm(conv(silu(norm(u))))))"""

    def __init__(self, width: int, dim: int, surroundings: Surroundings):
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(groups_of(width), width) for _ in range(2))
        self.convs = nn.ModuleList(Conv(width, width, dim, surroundings) for _ in range(2))

    def forward(self, u: Tensor) -> Tensor:
        v = u
        for norm, conv in zip(self.norms, self.convs, strict=True):
            v = conv(functional.silu(norm(v)))
        return u + v


class Codec(nn.Module):
    """Convolutions down to a grid 2^(len(widths) - 1) times coarser, `FiniteScalars` there, and convolutions up again.

    Tokens are in the order of the coarse grid, its last axis first to run."""

    def __init__(
        self, channels: int, dim: int, widths: Sequence[int], levels: Sequence[int], surroundings: Surroundings
    ):
        super().__init__()
        self.quantiser = FiniteScalars(levels)
        finest, coarsest = widths[0], widths[-1]
        down: list[nn.Module] = [Conv(channels, finest, dim, surroundings), Block(finest, dim, surroundings)]
        up: list[nn.Module] = [Conv(len(levels), coarsest, dim, surroundings), Block(coarsest, dim, surroundings)]
        for fine, coarse in pairwise(widths):
            down += [Conv(fine, coarse, dim, surroundings, stride=2), Block(coarse, dim, surroundings)]
        for fine, coarse in reversed(list(pairwise(widths))):
            up += [Doubled(), Conv(coarse, fine, dim, surroundings), Block(fine, dim, surroundings)]
        self.down = nn.Sequential(*down, Conv(coarsest, len(levels), dim, surroundings, size=1))
        self.up = nn.Sequential(*up, Conv(finest, channels, dim, surroundings))

    def encode(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Of u [batch, channel, *grid] the rounded numbers [batch, len(levels), *coarse] and tokens [batch, token]."""
        values, tokens = self.quantiser(self.down(u).movedim(1, -1))
        return values.movedim(-1, 1), tokens.flatten(1)

    def decode(self, values: Tensor) -> Tensor:
        """u of numbers [batch, len(levels), *coarse]."""
        return self.up(values)

    def read(self, tokens: Tensor, coarse: Sequence[int]) -> Tensor:
        """u of tokens [batch, token] on a coarse grid."""
        return self.decode(self.quantiser.values(tokens).unflatten(1, tuple(coarse)).movedim(-1, 1))


class Doubled(nn.Module):
    def forward(self, u: Tensor) -> Tensor:
        return doubled(u)
