"""The boxes that atoms live in: edges, tilt, volume, images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Box"]

ENDLESS = 1e15  # [length]


@dataclass(frozen=True)
class Box:
    """Boxes of a batch whose images fill space. edges: their lengths along the axes, float64 [batch, dim]; infinite
    along an axis on which nothing repeats.

    lean: of a triclinic box, float64 [batch, 1] in two dimensions and [batch, 3] in three: xy/lx, and xz/lx, yz/ly, in
    the notation of its edge vectors (lx, 0, 0), (xy, ly, 0), (xz, yz, lz). As fractions of edges they stay the same in
    a box that is stretched along its axes.
    """

    edges: Tensor
    lean: Tensor | None = None

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
        rows = torch.diag_embed(self.finite)
        if self.lean is None:
            return rows
        below = torch.zeros_like(rows)
        for place, (row, column) in enumerate(((1, 0), (2, 0), (2, 1))[: self.lean.shape[1]]):
            below[:, row, column] = self.lean[:, place] * self.finite[:, column]
        return rows + below

    @cached_property
    def widths(self) -> Tensor:
        """Distances between opposite sides [batch, dim], float64; the edges of a box with right angles."""
        return self.finite if self.lean is None else 1.0 / torch.linalg.inv(self.matrix).norm(dim=1)

    @cached_property
    def single(self) -> Tensor:
        return self.finite.to(torch.float32)

    def lengths(self, dtype: torch.dtype) -> Tensor:
        """Finite edges as kernels of a precision take them [batch, dim]."""
        return self.finite if dtype == torch.float64 else self.single

    @cached_property
    def slants(self) -> dict[torch.dtype, Tensor]:
        batch = self.edges.shape[0]
        lean = self.edges.new_zeros(batch, 3)
        if self.lean is not None:
            lean[:, : self.lean.shape[1]] = self.lean
        return {dtype: lean.to(dtype) for dtype in (torch.float32, torch.float64)}

    def leaning(self, dtype: torch.dtype) -> Tensor:
        """The tilt as kernels of a precision take it [batch, 3]; zero in a box with right angles."""
        return self.slants[dtype]

    def nearest(self, apart: Tensor) -> Tensor:
        """The shortest image of a difference of positions [batch, ..., dim], if that is shorter than half an edge."""
        inner = [1] * (apart.ndim - 2)
        edges = self.lengths(apart.dtype).view(len(self.edges), *inner, self.dim)
        if self.lean is None:
            return apart - edges * torch.round(apart / edges)
        rows = self.matrix.to(apart.dtype).view(len(self.edges), *inner, self.dim, self.dim)
        for axis in reversed(range(self.dim)):
            turns = torch.round(apart[..., axis] / edges[..., axis])
            apart = apart - turns[..., None] * rows[..., axis, :]
        return apart
