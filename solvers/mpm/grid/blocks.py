"""Which blocks of nodes are kept where the grid follows the particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import torch
import warp as wp
from numpy.typing import NDArray
from torch import Tensor

from scenegrad.solvers.mpm.grid.grid import Clinging, Grid, holds
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Blocks", "blocks"]

BITS = 18  # of a block's place along an axis, and one for its sign: three of them and six more fit into 63
FAR = 2**BITS - 4


@dataclass(frozen=True)
class Blocks:
    """Blocks of 4^dim nodes in the order of their places; members of a batch share them. Periodic axes have a whole
    number of them.

    home: block of each particle [batch, particle]; near: numbers of the 3^dim blocks around each, -1 for none."""

    grid: Grid
    places: Tensor  # of the blocks, in units of 4 dx [block, dim]
    near: Tensor  # [block, 3^dim]
    home: Tensor

    @property
    def nodes(self) -> int:
        return len(self.places) * 4**self.grid.dim

    @property
    def whole(self) -> bool:
        """They may be too few at any time."""
        return False

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Of the nodes [node, dim], in m."""
        inner = np.stack(np.meshgrid(*[np.arange(4)] * self.grid.dim, indexing="ij"), axis=-1)
        numbers = 4.0 * self.places.cpu().numpy()[:, None] + inner.reshape(-1, self.grid.dim)
        return np.asarray(self.grid.dx * numbers.reshape(-1, self.grid.dim), dtype=np.float64)

    def lattice(self, n: Numbers, offset: int = 0) -> Any:
        """As kernels know it; offset: number of its first node in the flat arrays of nodes."""
        found, grid = n.lattice(), self.grid
        found.inv_dx, found.offset = 1.0 / grid.dx, offset
        found.pad, found.count = n.ivec(*grid.pad), n.ivec(*grid.count)
        found.wrap = n.ivec(*[int(grid.unbounded or wraps) for wraps in grid.wraps])
        found.blocks, found.near = wp.from_torch(self.places, dtype=n.ivec), wp.from_torch(self.near)
        found.home = wp.from_torch(self.home)
        return found

    def holds(self, members: Sequence[Sequence[Clinging]]) -> tuple[Tensor, Tensor]:
        """See grid.holds."""
        return holds(self, members)


def blocks(grid: Grid, position: Tensor) -> Blocks:
    """Those with a node that a particle touches now, or if it moves by dx in any direction.

    Nothing here is differentiated, and no sum depends on which blocks there are or how they are numbered. A place that
    is no number asks for the block at the origin: the loop that marches finds it in the state and says so."""
    support, dim = grid.scheme.support, grid.dim
    at = (position.detach() * (1 / grid.dx)).nan_to_num().clamp(-4.0 * FAR, 4.0 * FAR)
    first = torch.floor(at - 0.5 * (support - 2)).to(torch.int64)
    low, high = (first - 1) >> 2, (first + support) >> 2
    span = packed(high - low, 2)
    touched = torch.unique_consecutive((packed(low + 2**BITS, BITS + 1) << (2 * dim) | span).flatten())
    touched = torch.unique(touched)
    low = unpacked(touched >> (2 * dim), BITS + 1, dim)
    span = unpacked(touched & (4**dim - 1), 2, dim)
    found = []
    for shift in product(range(3), repeat=dim):
        away = torch.tensor(shift, device=low.device)
        found.append(packed(low + away, BITS + 1)[(away <= span).all(1)])
    every = torch.unique(torch.cat(found))
    places = unpacked(every, BITS + 1, dim) - 2**BITS
    if any(grid.wraps):
        places = torch.unique(wrapped(places, grid), dim=0)
    keys = packed(places + 2**BITS, BITS + 1)
    around = torch.tensor(list(product((-1, 0, 1), repeat=dim)), device=low.device)
    wanted = packed(wrapped(places[:, None] + around, grid) + 2**BITS, BITS + 1)
    near = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    near = torch.where(keys[near] == wanted, near, -1)
    home = torch.searchsorted(keys, packed(wrapped(first >> 2, grid) + 2**BITS, BITS + 1))
    return Blocks(grid, places.to(torch.int32), near.to(torch.int32), home.to(torch.int32))


def wrapped(places: Tensor, grid: Grid) -> Tensor:
    """Places of blocks [..., dim] within the box along periodic axes."""
    if not any(grid.wraps):
        return places
    count = torch.tensor(grid.cells, device=places.device) // 4
    return torch.where(torch.tensor(grid.wraps, device=places.device), places % count.clamp(min=1), places)


def packed(numbers: Tensor, bits: int) -> Tensor:
    """One key of the numbers of each row [..., dim], ordered like them."""
    key = numbers[..., 0]
    for axis in range(1, numbers.shape[-1]):
        key = key << bits | numbers[..., axis]
    return key


def unpacked(key: Tensor, bits: int, dim: int) -> Tensor:
    return torch.stack([key >> bits * (dim - 1 - axis) & (2**bits - 1) for axis in range(dim)], dim=-1)
