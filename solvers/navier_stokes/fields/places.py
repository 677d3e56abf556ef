"""Where the values of a field are wanted: on a grid of points, or at points anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

__all__ = ["GridPlaces", "Places", "ScatteredPlaces"]

CHUNK = 1 << 22  # products of points and modes at a time

Array = np.ndarray


@dataclass(frozen=True)
class GridPlaces:
    """Point i along an axis stands at (i + offset) cells from the lower corner of the box [0, size].

    wraps: which axes are periodic. own: offset of the samples that a file of this grid holds. more: points beyond one
    for each cell, as faces between walls have.
    """

    cells: tuple[int, ...]
    size: tuple[float, ...]
    offset: tuple[float, ...]
    wraps: tuple[bool, ...]
    own: float = 0.0
    more: tuple[int, ...] = field(default=())

    @staticmethod
    def lattice(cells: tuple[int, ...], size: tuple[float, ...]) -> GridPlaces:
        """The lower corners of the cells of a periodic box."""
        dim = len(cells)
        return GridPlaces(cells, size, (0.0,) * dim, (True,) * dim)

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(n + extra for n, extra in zip(self.cells, self.more or (0,) * self.dim, strict=True))

    def coordinates(self) -> list[Tensor]:
        """Along each axis, float64 on the host, to broadcast over [*shape]."""
        found = []
        for axis, (count, n, length) in enumerate(zip(self.shape, self.cells, self.size, strict=True)):
            x = (torch.arange(count, dtype=torch.float64) + self.offset[axis]) * (length / n)
            found.append(x.view([-1 if other == axis else 1 for other in range(self.dim)]))
        return found

    def summed(self, n: Array, c: Tensor) -> Tensor:
        """Sum over modes of c exp(i k.x) + its conjugate, k = 2 pi n / size: n [mode, dim], c [batch, mode]."""
        turn = np.exp(2j * math.pi * (n @ (np.array(self.offset) / np.array(self.cells))))
        flat = np.ravel_multi_index(tuple(n[:, a] % count for a, count in enumerate(self.cells)), self.cells)
        samples = math.prod(self.cells)
        spectrum = c.new_zeros(len(c), samples).index_add(1, torch.from_numpy(flat), c * torch.from_numpy(turn))
        values = 2.0 * samples * torch.fft.ifftn(spectrum.view(-1, *self.cells), dim=tuple(range(1, self.dim + 1))).real
        for axis, extra in enumerate(self.more):
            values = torch.cat([values, values.narrow(axis + 1, 0, extra)], dim=axis + 1) if extra else values
        return values


@dataclass(frozen=True, eq=False)
class ScatteredPlaces:
    """Points [point, dim], measured from the lower corner of a box of this size around them.

    cells: of a grid as fine as the points; it says which waves they can carry.
    """

    points: Array
    cells: tuple[int, ...]
    size: tuple[float, ...]

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.points),)

    def coordinates(self) -> list[Tensor]:
        return [torch.from_numpy(self.points[:, axis].astype(np.float64)) for axis in range(self.dim)]

    def summed(self, n: Array, c: Tensor) -> Tensor:
        total = c.new_zeros(len(c), len(self.points), dtype=torch.float64)
        step = max(1, CHUNK // max(1, len(self.points)))
        for begin in range(0, len(n), step):
            few = n[begin : begin + step]
            wave = torch.from_numpy(np.exp(2j * math.pi * ((self.points / np.array(self.size)) @ few.T)))
            total = total + 2.0 * torch.einsum("bm,pm->bp", c[:, begin : begin + step], wave).real
        return total


Places = GridPlaces | ScatteredPlaces
