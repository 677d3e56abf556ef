"""Which nodes of the grid are kept, for particles at given places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenegrad.solvers.mpm.grid.blocks import Blocks, blocks
from scenegrad.solvers.mpm.grid.grid import Clinging, Grid, holds
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["Layout", "layout_of"]

MARGIN = 4  # cells that particles may move before the nodes are chosen anew


@dataclass(frozen=True)
class Window:
    """The nodes of a box within the grid, in the order of their numbers."""

    grid: Grid
    first: tuple[int, ...]  # place of the first node along each axis, in units of dx
    count: tuple[int, ...]

    @property
    def nodes(self) -> int:
        return prod(self.count)

    @property
    def whole(self) -> bool:
        """Whether these are all nodes of the grid."""
        return self.count == self.grid.count

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Of the nodes [node, dim], in m."""
        axes = [self.grid.dx * (np.arange(n) + first) for n, first in zip(self.count, self.first, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, self.grid.dim)

    def lattice(self, n: Numbers, offset: int = 0) -> Any:
        """As kernels know it; offset: number of its first node in the flat arrays of nodes."""
        found = n.lattice()
        found.inv_dx, found.offset = 1.0 / self.grid.dx, offset
        found.pad, found.count = n.ivec(*(-first for first in self.first)), n.ivec(*self.count)
        found.wrap = n.ivec(*map(int, self.grid.wraps))
        return found

    def holds(self, members: Sequence[Sequence[Clinging]]) -> tuple[Tensor, Tensor]:
        """See grid.holds."""
        return holds(self, members)


Layout = Window | Blocks


def layout_of(grid: Grid, position: Tensor) -> Layout:
    """Nodes for particles at these places."""
    return blocks(grid, position) if grid.sparse else window(grid, position)


def window(grid: Grid, position: Tensor) -> Window:
    """All nodes on a device whose host would have to wait for the places of the particles; elsewhere those near them,
    so that no time is spent on empty nodes. Periodic axes are kept whole.

    A place that is no number asks for no nodes: the loop that marches finds it in the state and says so."""
    support = grid.scheme.support
    if position.is_cuda:
        return Window(grid, tuple(-pad for pad in grid.pad), grid.count)
    lowest, highest = torch.aminmax((position.detach() / grid.dx).flatten(0, 1).nan_to_num(), dim=0)
    begins, counts = [], []
    for axis, (wrap, pad, count) in enumerate(zip(grid.wraps, grid.pad, grid.count, strict=True)):
        begin, end = -pad, count - pad
        if not wrap:
            low, high = float(lowest[axis]) - 0.5 * (support - 2), float(highest[axis]) - 0.5 * (support - 2)
            begin = min(max(begin, int(max(low, -1e9) // 1) - MARGIN), end - support)
            end = max(min(end, int(min(high, 1e9) // 1) + MARGIN + support), begin + support)
        begins.append(begin)
        counts.append(end - begin)
    return Window(grid, tuple(begins), tuple(counts))
