"""Few numbers, each rounded to a few values: tokens without a book of codes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError

__all__ = ["FiniteScalars"]


class FiniteScalars(nn.Module):
    """Finite scalar quantisation [Mentzer et al. 2023, arXiv:2309.15505]: number i of a token takes one of levels[i]
    values evenly in [-1, 1], so that there are prod(levels) tokens and none can fall out of use.

    Gradients pass the rounding as if it were not there [Bengio, Leonard & Courville 2013].
    """

    def __init__(self, levels: Sequence[int]):
        super().__init__()
        if not levels or min(levels) < 2:
            raise EngineError(f"FiniteScalars got levels={tuple(levels)}; each has two or more, such as (8, 5, 5, 5).")
        self.levels = tuple(levels)
        self.register_buffer("steps", torch.tensor(levels) - 1, persistent=False)
        self.register_buffer(
            "places", torch.tensor([math.prod(levels[:n]) for n in range(len(levels))]), persistent=False
        )
        self.steps: Tensor
        self.places: Tensor

    @property
    def tokens(self) -> int:
        return math.prod(self.levels)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """What z [..., len(levels)] is rounded to, and which token that is [...]."""
        share = torch.sigmoid(2.0 * z) * self.steps  # from 0 to levels - 1
        level = share.round()
        return self.spread(share + (level - share).detach()), (level.long() * self.places).sum(dim=-1)

    def values(self, token: Tensor) -> Tensor:
        """[..., len(levels)] of tokens [...]."""
        level = (token[..., None] // self.places) % (self.steps + 1)
        return self.spread(level.to(torch.get_default_dtype()))

    def spread(self, level: Tensor) -> Tensor:
        return 2.0 * level / self.steps - 1.0
