"""The boxes that atoms live in: edges, volume, images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Box"]

ENDLESS = 1e15  # [length]


@dataclass(frozen=True)
class Box:
    """Boxes of a batch whose images fill space. edges: their lengths, float64 [batch, dim]; infinite along an axis on
    which nothing repeats."""

    edges: Tensor

    @property
    def dim(self) -> int:
        return self.edges.shape[1]

    @property
    def volume(self) -> Tensor:
        """[batch], float64"""
        return self.edges.prod(dim=1)

    @cached_property
    def finite(self) -> Tensor:
        """The edges, where an infinite one is only very long: so it can be divided by and multiplied with zero."""
        return self.edges.clamp(max=ENDLESS)

    @cached_property
    def matrix(self) -> Tensor:
        """Rows are the finite edges as vectors [batch, dim, dim], float64."""
        return torch.diag_embed(self.finite)

    @cached_property
    def single(self) -> Tensor:
        return self.finite.to(torch.float32)

    def lengths(self, dtype: torch.dtype) -> Tensor:
        """Finite edges as kernels of a precision take them [batch, dim]."""
        return self.finite if dtype == torch.float64 else self.single

    def nearest(self, apart: Tensor) -> Tensor:
        """The shortest image of a difference of positions [batch, ..., dim]."""
        edges = self.lengths(apart.dtype).view(len(self.edges), *[1] * (apart.ndim - 2), self.dim)
        return apart - edges * torch.round(apart / edges)
