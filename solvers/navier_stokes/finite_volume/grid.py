"""The box of cells, and the same with a margin of ghost cells around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
import warp as wp
from torch import Tensor

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Cells along each edge of a box, and how many ghost cells lie beyond each of its sides.

    Kernels count along three axes; those that the box does not have are one cell long and have no margin.
    """

    cells: tuple[int, ...]
    size: tuple[float, ...]  # [m]
    ghosts: int

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def spacing(self) -> tuple[float, ...]:
        return tuple(length / count for length, count in zip(self.size, self.cells, strict=True))

    @property
    def volume(self) -> float:
        """Of a cell [m^dim]."""
        return prod(self.spacing)

    @property
    def count(self) -> int:
        return prod(self.cells)

    @property
    def along(self) -> tuple[int, int, int]:
        """Cells along three axes."""
        x, y, z = (*self.cells, 1, 1)[:3]
        return x, y, z

    def across(self, axis: int) -> tuple[int, int, int]:
        """Faces across one axis, along three of them."""
        x, y, z = (count + (a == axis) for a, count in enumerate(self.along))
        return x, y, z

    @property
    def margin(self) -> tuple[int, int, int]:
        """Ghost cells below each of three axes."""
        x, y, z = (*(self.ghosts,) * self.dim, 0, 0)[:3]
        return x, y, z

    @property
    def padded(self) -> tuple[int, int, int]:
        x, y, z = (count + 2 * pad for count, pad in zip(self.along, self.margin, strict=True))
        return x, y, z

    @property
    def stride(self) -> tuple[int, int, int]:
        """How far apart neighbours lie in the array of padded cells."""
        _, y, z = self.padded
        return y * z, z, 1

    @cached_property
    def views(self) -> dict[str, object]:
        """The same for kernels."""
        inverse = (*(1.0 / h for h in self.spacing), 0.0, 0.0)[:3]
        return {
            "cells": wp.vec3i(*self.along),
            "margin": wp.vec3i(*self.margin),
            "stride": wp.vec3i(*self.stride),
            "1/dx 32": wp.vec3f(*inverse),
            "1/dx 64": wp.vec3d(*inverse),
        }

    def middles(self) -> Tensor:
        """Of the cells, float64 on the host [*cells, dim]."""
        edges = [
            (torch.arange(n, dtype=torch.float64) + 0.5) * h for n, h in zip(self.cells, self.spacing, strict=True)
        ]
        return torch.stack(torch.meshgrid(*edges, indexing="ij"), dim=-1)
