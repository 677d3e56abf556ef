"""The boxes that atoms live in: edges, volume, images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Box"]


@dataclass(frozen=True)
class Box:
    """Boxes of a batch whose images fill space. edges: their lengths, float64 [batch, dim]."""

    edges: Tensor

    @property
    def dim(self) -> int:
        return self.edges.shape[1]

    @property
    def volume(self) -> Tensor:
        """[batch], float64"""
        return self.edges.prod(dim=1)

    @cached_property
    def matrix(self) -> Tensor:
        """Rows are the edges as vectors [batch, dim, dim], float64."""
        return torch.diag_embed(self.edges)

    @cached_property
    def single(self) -> Tensor:
        return self.edges.to(torch.float32)

    def lengths(self, dtype: torch.dtype) -> Tensor:
        """Edges as kernels of a precision take them [batch, dim]."""
        return self.edges if dtype == torch.float64 else self.single

    def nearest(self, apart: Tensor) -> Tensor:
        """The shortest image of a difference of positions [batch, ..., dim]."""
        edges = self.edges.to(apart.dtype).view(len(self.edges), *[1] * (apart.ndim - 2), self.dim)
        return apart - edges * torch.round(apart / edges)
