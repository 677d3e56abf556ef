"""Squares of fields on a grid by their wavenumbers along its periodic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["WaveShells"]


@dataclass(frozen=True)
class WaveShells:
    """Shells of |k|, k of the waves along the periodic axes, as wide as the wavenumber of the longest of them.

    Along the other axes squares are summed as they are, so that the shells sum up to the whole. All modes that the
    samples hold are counted.
    """

    cells: tuple[int, ...]
    size: tuple[float, ...]  # [m]
    periodic: tuple[bool, ...]
    device: str | torch.device

    @property
    def axes(self) -> tuple[int, ...]:
        dim = len(self.cells)
        return tuple(axis - dim for axis in range(dim) if self.periodic[axis])

    @property
    def coordinates(self) -> dict[str, Tensor]:
        """Of a series of spectra; none where no axis is periodic."""
        return {"wavenumber": self.shells[1]} if self.axes else {}

    @cached_property
    def shells(self) -> tuple[Tensor, Tensor]:
        """Shell of each mode, to broadcast over [*samples], and the wavenumbers of the shells [shell] (1/length)."""
        dim = len(self.cells)
        unit = 2 * math.pi / max(self.size[axis] for axis in self.axes)
        square = torch.zeros([1] * dim, dtype=torch.float64)
        for axis in self.axes:
            k = (
                2
                * math.pi
                * torch.fft.fftfreq(self.cells[axis], self.size[axis] / self.cells[axis], dtype=torch.float64)
            )
            square = square + k.square().view([-1 if a - dim == axis else 1 for a in range(dim)])
        index = (square.sqrt() / unit).round().to(torch.int64)
        return index.to(self.device), torch.arange(int(index.max()) + 1, dtype=torch.float64) * unit

    def power(self, fields: Sequence[Tensor], weights: Sequence[Tensor | float]) -> Tensor:
        """Sum of weight * field^2 [batch, shell]; fields: [batch, *samples], as many along periodic axes as cells."""
        index, wavenumbers = self.shells
        total = fields[0].new_zeros(len(fields[0]), len(wavenumbers))
        count = math.prod(self.cells[axis] for axis in self.axes)
        for field, weight in zip(fields, weights, strict=True):
            size = torch.view_as_real(torch.fft.fftn(field, dim=self.axes)).square().sum(-1) * weight / count
            total = total.index_add(1, index.expand(size.shape[1:]).flatten(), size.flatten(1))
        return total
