"""Islands: a few cells that hang together far more than they hang on all others.

A relaxation cell by cell changes the mean of an island as slowly as its shore is weak, and a coarse grid that has none
of its cells, or one that it shares with others, cannot move it by itself. In three dimensions phases that a grid does
not resolve leave many such islands, and each costs conjugate gradients an iteration or so of its own. Here their means
are relaxed as if they were cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

__all__ = ["Islands", "has_weak_links", "islands"]

WEAK = 0.1  # of the strongest conductance of either cell: less than that does not tie them together
LARGEST = 0.05  # of the cells of a grid; a larger region is no island, and coarse grids know it

Array = NDArray[np.float64]
Box = tuple[int, int, int]
Link = tuple[Array, NDArray[np.int64], NDArray[np.int64]]  # conductances, and the cells at both ends


@dataclass(frozen=True)
class Islands:
    """cells: one island after the other. counts: how many cells each has. inverse: of the conductances that leave it
    and of what holds it, those to other islands twice, so that all can move at once."""

    cells: Tensor
    counts: Tensor
    inverse: Tensor

    def relax(self, r: Tensor, x: Tensor) -> None:
        """x += E D^-1 E' r, E the indicators of the islands."""
        sums = torch.segment_reduce(r.view(-1)[self.cells], "sum", lengths=self.counts, unsafe=True)
        moved = torch.repeat_interleave(sums * self.inverse, self.counts, output_size=len(self.cells))
        x.view(-1)[self.cells] += moved


def islands(entries: Tensor, cells: Box, wraps: Box, dim: int, members: Tensor | None = None) -> Islands | None:
    """Of a stencil [batch * 3^dim, *cells]; None where there are none. Found on the host. members [batch]: which to
    look at, all if not told."""
    a = entries.detach().cpu().double().numpy().reshape(-1, 3**dim, int(np.prod(cells)))
    batch, _, count = a.shape
    middle = (3**dim - 1) // 2
    links = list(links_of(a, cells, wraps, dim))
    strongest = np.zeros(batch * count)
    for c, here, there in links:
        np.maximum.at(strongest, here, c)
        np.maximum.at(strongest, there, c)
    ties = [(here, there) for c, here, there in (tied(link, strongest) for link in links)]
    rows, columns = (np.concatenate(ends) for ends in zip(*ties, strict=True))
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(batch * count,) * 2)
    number, region = connected_components(graph, directed=False)
    size = np.bincount(region, minlength=number)
    chosen = (size > 1) & (size <= LARGEST * count)
    if members is not None:
        of = np.zeros(number, dtype=np.int64)
        of[region] = np.arange(batch * count) // count
        chosen &= np.broadcast_to(members.cpu().numpy(), batch)[of]
    if not chosen.any():
        return None
    name = np.where(chosen, np.cumsum(chosen) - 1, -1)[region]  # of the island of each cell
    inside = np.flatnonzero(name >= 0)
    total = np.bincount(name[inside], a[:, middle].ravel()[inside])
    for c, here, there in links:
        leaves = name[here] != name[there]
        for own, other in ((name[here], name[there]), (name[there], name[here])):
            out = leaves & (own >= 0)
            np.add.at(total, own[out], np.where(other[out] >= 0, 2.0, 1.0) * c[out])
    order = inside[np.argsort(name[inside], kind="stable")]
    inverse = np.where(total > 0.0, 1.0 / np.where(total > 0.0, total, 1.0), 0.0)
    device = entries.device
    return Islands(
        torch.from_numpy(order).to(device),
        torch.from_numpy(size[chosen]).to(device),
        torch.from_numpy(inverse).to(device, entries.dtype),
    )


def tied(link: Link, strongest: Array) -> Link:
    c, here, there = link
    strong = c > WEAK * np.maximum(strongest[here], strongest[there])
    return c[strong], here[strong], there[strong]


def links_of(a: Array, cells: Box, wraps: Box, dim: int) -> Iterator[Link]:
    """Every pair of cells once for each way between them that conducts. a: [member, entry, cell]."""
    batch, entries, count = a.shape
    place = np.arange(batch * count).reshape(batch, *cells)
    for entry, step in enumerate(product((-1, 0, 1), repeat=dim)):
        if entry <= entries // 2:
            continue
        shift = (0,) * (3 - dim) + step
        there = np.roll(place, [-s for s in shift], axis=(1, 2, 3))
        inside = np.ones(cells, dtype=bool)
        for axis, s in enumerate(shift):
            if s and not wraps[axis]:
                edge = [slice(None)] * 3
                edge[axis] = slice(-1, None) if s > 0 else slice(0, 1)
                inside[tuple(edge)] = False
        c = a[:, entry].reshape(place.shape)
        open_ = inside & (c > 0.0)
        yield c[open_], place[open_], there[open_]


def has_weak_links(weights: tuple[Tensor, ...]) -> Tensor:
    """Whether some conductance of a member is far below its others, so that it may have islands [batch]. weights: of
    faces."""
    least = torch.stack([torch.where(w > 0.0, w, torch.inf).flatten(1).amin(1) for w in weights]).amin(0)
    return least < WEAK * torch.stack([w.flatten(1).amax(1) for w in weights]).amax(0)
