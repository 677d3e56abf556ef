"""Fields with ghosts around them, in boxes of one size whatever the field, so that neighbours are a fixed step apart.

A ghost is a combination of a value at a side and of two samples. Which ones, is worked out once; a kernel then fills
all ghosts of all fields of a box, or takes their cotangents back to the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.ghosts import Ghost
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.launches import view

__all__ = ["RIM", "Box", "Rim"]

RIM = 2  # ghosts on either side, as many as the widest scheme wants

Ends = Callable[[int, int, int], Sequence[Ghost]]  # (field, axis, side) -> its ghosts, from the side outwards
Slabs = Mapping[tuple[int, int, int], tuple[int, Sequence[int]]]  # (field, axis, side) -> first value, their shape


@dataclass(frozen=True)
class Rim:
    """The ghosts of a box. ghosts [n]: where they are in a member; sources [n, 2] and weights [n, 2]: samples that they
    combine; entries, shares [n]: the value that they hold and how much of it. The same by sample: the ghosts of the m
    samples `ends` are `mine` from `starts` [m + 1] on, with weights `back`. And by value: `holders` [values, k] with
    `held`, filled up with shares of zero."""

    ghosts: Tensor
    sources: Tensor
    weights: Tensor
    entries: Tensor
    shares: Tensor
    ends: Tensor
    starts: Tensor
    mine: Tensor
    back: Tensor
    holders: Tensor
    held: Tensor

    @cached_property
    def filling(self) -> tuple[Any, ...]:
        """Tables as kernels see them."""
        return tuple(map(view, (self.ghosts, self.sources, self.weights, self.entries, self.shares)))

    @cached_property
    def folding(self) -> tuple[Any, ...]:
        return tuple(map(view, (self.ends, self.starts, self.mine, self.back)))


@dataclass(frozen=True)
class Box:
    """components: of the fields in it, an axis for a velocity component and None for what stands in the cells.

    A member of a batch holds its fields one after the other, each `size` numbers; sample 0 of a field is at `origin`.
    """

    grid: Grid
    components: tuple[int | None, ...]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of a field with its ghosts; the upper rim has room for the faces of cells + 1."""
        return tuple(n + 1 + 2 * RIM for n in self.grid.cells)

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Between neighbours along each axis."""
        return tuple(prod(self.shape[a + 1 :]) for a in range(self.grid.dim))

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def lead(self) -> int:
        """Numbers before and after all members, which neighbours of the outermost ghosts are."""
        return 4 * max(self.steps)

    @property
    def origin(self) -> int:
        return RIM * sum(self.steps)

    def start(self, number: int) -> int:
        """Of the samples of a field in the first member."""
        return self.lead + self.origin + number * self.size

    def room(self, batch: int) -> Tensor:
        """Zeros for a batch; flat."""
        total = batch * len(self.components) * self.size + 2 * self.lead
        return torch.zeros(total, device=self.grid.device, dtype=self.grid.dtype)

    def members(self, room: Tensor) -> Tensor:
        """[batch, fields * size]"""
        return room[self.lead : len(room) - self.lead].view(-1, len(self.components) * self.size)

    def inside(self, room: Tensor) -> list[Tensor]:
        """The samples of each field."""
        whole = self.members(room).view(-1, len(self.components), *self.shape)
        found = []
        for number, component in enumerate(self.components):
            field = whole[:, number]
            for axis in self.grid.axes:
                field = field.narrow(axis, RIM, self.grid.count(component, axis))
            found.append(field)
        return found

    # ---- ghosts

    def copies(self, room: Tensor) -> list[list[tuple[Tensor, Tensor]]]:
        """What goes around the periodic axes, one after the other: (ghosts, samples at the other end), all fields and
        what is beyond other axes at once."""
        whole, found = self.members(room).view(-1, len(self.components), *self.shape), []
        for axis, n in zip(self.grid.axes, self.grid.cells, strict=True):
            if self.grid.periodic[axis]:
                runs = [run for first, count in ((-RIM, RIM), (n, RIM + 1)) for run in pieces(first, count, n)]
                found.append([(whole.narrow(axis, RIM + g, k), whole.narrow(axis, RIM + g % n, k)) for g, k in runs])
        return found

    def rim(self, ends: Ends, slabs: Slabs) -> Rim:
        """slabs: where the values at the sides stand in a list of all; what is not there is zero."""
        columns = [self.ghosts_of(number, ends, slabs) for number in range(len(self.components))]
        ghosts, sources, weights, entries, shares = (np.concatenate(column) for column in zip(*columns, strict=True))
        pairs = weights.ravel() != 0.0
        samples, whose = sources.ravel()[pairs], np.repeat(ghosts, 2)[pairs]
        order = np.argsort(samples, kind="stable")
        ends_found, counts = np.unique(samples, return_counts=True)
        holders, held = by_value(ghosts, entries, shares, max((n + prod(s) for n, s in slabs.values()), default=0))

        def whole(numbers: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.int32)).to(self.grid.device)

        def real(numbers: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.grid.device, self.grid.dtype)

        return Rim(
            ghosts=whole(ghosts),
            sources=whole(sources),
            weights=real(weights),
            entries=whole(entries),
            shares=real(shares),
            ends=whole(ends_found),
            starts=whole(np.concatenate([[0], np.cumsum(counts)])),
            mine=whole(whose[order]),
            back=real(weights.ravel()[pairs][order]),
            holders=whole(holders),
            held=real(held),
        )

    def ghosts_of(self, number: int, ends: Ends, slabs: Slabs) -> tuple[np.ndarray, ...]:
        """Of one field, beyond sides that are not periodic; beyond the corner of two of them nobody looks."""
        grid, steps = self.grid, np.array(self.steps)
        counts = np.array([grid.count(self.components[number], axis) for axis in grid.axes])
        places = around(counts, np.where(grid.periodic, 0, RIM))
        out = (places < 0) | (places >= counts)
        sources = np.stack([places, places], axis=1)
        weights = np.tile([1.0, 0.0], (len(places), 1))
        entries, shares = np.zeros(len(places), dtype=np.int64), np.zeros(len(places))
        for axis in range(grid.dim):
            for side in (0, 1) if not grid.periodic[axis] else ():
                n = int(counts[axis])
                mine = out[:, axis] & ((places[:, axis] < 0) == (side == 0))
                kinds = ends(number, axis - grid.dim, side)
                k = -1 - places[mine, axis] if side == 0 else places[mine, axis] - n
                sources[mine, 0, axis] = 0 if side == 0 else n - 1
                sources[mine, 1, axis] = min(1, n - 1) if side == 0 else max(n - 2, 0)
                weights[mine] = np.array([[kind.edge, kind.within] for kind in kinds])[k]
                if (number, axis, side) in slabs:
                    first, shape = slabs[number, axis, side]
                    stride = [0 if one == 1 else prod(shape[a + 1 :]) for a, one in enumerate(shape)]
                    along = np.where(np.arange(grid.dim) == axis, 0, places[mine])
                    entries[mine] = first + along @ np.array(stride)
                    shares[mine] = np.array([kind.value for kind in kinds])[k]
        start = self.origin + number * self.size
        return start + places @ steps, start + sources @ steps, weights, entries, shares


def pieces(first: int, count: int, n: int) -> list[tuple[int, int]]:
    """(start, length) of stretches of [first, first + count) that do not cross a multiple of n."""
    end, found = first + count, []
    while first < end:
        length = min(end - first, n - first % n)
        found.append((first, length))
        first += length
    return found


def around(counts: np.ndarray, rims: np.ndarray) -> np.ndarray:
    """Places [n, dim] beyond one of the faces of a block of `counts`."""
    found = []
    for axis, rim in enumerate(rims):
        ranges = [np.arange(n) for n in counts]
        ranges[axis] = np.concatenate([np.arange(-rim, 0), np.arange(counts[axis], counts[axis] + rim)])
        found.append(np.stack([each.ravel() for each in np.meshgrid(*ranges, indexing="ij")], axis=1))
    return np.concatenate(found)


def by_value(ghosts: np.ndarray, entries: np.ndarray, shares: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Ghosts that hold each value, and their shares [count, k], filled up with zeros."""
    holding = np.flatnonzero(shares)
    order = holding[np.argsort(entries[holding], kind="stable")]
    each = np.bincount(entries[order], minlength=count)
    column = np.arange(len(order)) - np.repeat(np.cumsum(each) - each, each)
    holders = np.zeros((count, max(each.max(initial=0), 1)), dtype=np.int64)
    held = np.zeros(holders.shape)
    holders[entries[order], column], held[entries[order], column] = ghosts[order], shares[order]
    return holders, held
