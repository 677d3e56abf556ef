"""Multigrid on functions of a mesh: one V-cycle is about the inverse of a matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.navier_stokes.finite_element.iterative.chebyshev import shares
from scenegrad.solvers.navier_stokes.finite_element.iterative.kernels import sparse_kernels
from scenegrad.solvers.navier_stokes.finite_element.iterative.sparse import (
    Combination,
    Entries,
    Places,
    recorded,
    turned,
)
from scenegrad.solvers.shared.hush import hush_warp

__all__ = ["Cycle", "Level", "Multigrid"]

Plan = tuple[list[Callable[[], object]], Tensor, Tensor, list[Tensor]]

Array = np.ndarray

STEPS = 3  # relaxations before and after each coarser level
LOW, HIGH = 0.2, 1.1  # of the largest eigenvalue: what they damp
STREAM = 1.3  # over that eigenvalue: damping of what a stream carries, whose spectrum is a disc
POWER = 10  # iterations that find that eigenvalue


@dataclass(frozen=True, eq=False)
class Level:
    """One level, and what leads to the next coarser one where there is one.

    up: P; down: P'; half: from the entries of A to those of A P; whole: from those to P' A P.
    """

    places: Places
    turned: Tensor
    diagonal: Tensor  # number of the entry
    start: Tensor  # of the power method [unknown]
    up: Combination | None = None
    down: Combination | None = None
    half: Combination | None = None
    whole: Combination | None = None


def products(left: csr_matrix, right: csr_matrix, known: str) -> tuple[csr_matrix, csr_matrix]:
    """Places of left right, and the weights with which the entries of the factor that is not `known` make it."""
    ones_left, ones_right = (
        csr_matrix((np.ones(one.nnz), one.indices, one.indptr), shape=one.shape) for one in (left, right)
    )
    made = (ones_left @ ones_right).tocsr()
    made.sort_indices()
    lengths = np.diff(right.indptr)[left.indices]
    entry = np.repeat(np.arange(left.nnz), lengths)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    other = right.indptr[left.indices][entry] + within
    row = np.repeat(np.arange(left.shape[0]), np.diff(left.indptr))[entry]
    keys = row.astype(np.int64) * right.shape[1] + right.indices[other]
    own = np.repeat(np.arange(made.shape[0], dtype=np.int64), np.diff(made.indptr)) * right.shape[1] + made.indices
    slot = np.searchsorted(own, keys)
    number, weight, count = (
        (entry, right.data[other], left.nnz) if known == "right" else (other, left.data[entry], right.nnz)
    )
    order = np.argsort(slot, kind="stable")
    starts = np.searchsorted(slot[order], np.arange(made.nnz + 1))
    return made, csr_matrix((weight[order], number[order], starts), shape=(made.nnz, count))


@dataclass(frozen=True, eq=False)
class Multigrid:
    """Levels of functions, each made of those of the finer one [Brandt 1977; Briggs, Henson & McCormick 2000].

    Relaxation is by Chebyshev's polynomials [Adams, Brezina, Hu & Tuminaro 2003, J. Comput. Phys. 188, 593-610]: the
    same before and after, so that the cycle of a symmetric matrix is symmetric; nothing in it has an order, and so it
    is the same on every device.
    """

    levels: tuple[Level, ...]

    @classmethod
    def of(cls, places: csr_matrix, steps: Sequence[csr_matrix], device: str) -> Multigrid:
        """places: of the matrix, symmetric, its columns rising; steps: from each level to the one above it."""
        levels = []
        for step in [*steps, None]:
            own = csr_matrix((np.ones(places.nnz), places.indices, places.indptr), shape=places.shape)
            rows = np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))
            fixed = Places.of(own, device)
            across = torch.from_numpy(turned(own)).to(device)
            middle = torch.from_numpy(np.flatnonzero(rows == own.indices)).to(device)
            start = torch.from_numpy(np.random.default_rng(0).random(fixed.rows) - 0.5).to(device)
            if step is None:
                levels.append(Level(fixed, across, middle, start))
                break
            step = step.tocsr()
            step.sort_indices()
            half, first = products(own, step, "right")
            down = step.T.tocsr()
            places, second = products(down, half, "left")
            maps = [Combination.of(one, device) for one in (step, down, first, second)]
            levels.append(Level(fixed, across, middle, start, *maps))
        return cls(tuple(levels))

    def prepare(self, values: Tensor, streamline: Tensor | None = None) -> Cycle:
        """values: entries of the matrices of a batch [batch, entry]; streamline: those of a diffusion along the stream
        that carries the unknowns, in the width of elements, and so more of it on coarser levels."""
        found = [values if streamline is None else values + streamline]
        for depth, level in enumerate(self.levels[:-1]):
            assert level.half is not None
            assert level.whole is not None
            wider = found[-1]
            if streamline is not None:
                growth = 3.0 if depth else 2.0
                wider = wider + (growth - 1.0) * streamline
                streamline = growth * level.whole.of_numbers(level.half.of_numbers(streamline))
            found.append(level.whole.of_numbers(level.half.of_numbers(wider)))
        matrices = [Entries(one.places, v, one.turned) for one, v in zip(self.levels, found, strict=True)]
        inverses = [scaled(one, level) for one, level in zip(matrices[:-1], self.levels, strict=False)]
        last = matrices[-1]
        n, batch = last.places.rows, len(values)
        rows = torch.repeat_interleave(
            torch.arange(n, device=values.device), last.places.starts.long().diff(), output_size=last.places.count
        )
        dense = values.new_zeros(batch, n * n)
        dense[:, rows * n + last.places.columns.long()] = last.values
        steps = shares(STEPS, LOW, HIGH) if streamline is None else ((0.0, STREAM),) * STEPS
        return Cycle(self, tuple(matrices), tuple(inverses), torch.linalg.inv(dense.view(batch, n, n)), steps)


@dataclass(frozen=True, eq=False)
class Cycle:
    """A V-cycle with its numbers. inverses: 1 / (largest eigenvalue of D^-1 A times D) of each level; bottom: the
    inverse of the matrix of the last one."""

    multigrid: Multigrid
    matrices: tuple[Entries, ...]
    inverses: tuple[Tensor, ...]
    bottom: Tensor
    steps: tuple[tuple[float, float], ...]

    @property
    def size(self) -> int:
        """[bytes]"""
        held = [*(one.values for one in self.matrices), *self.inverses, self.bottom]
        return sum(one.numel() * one.element_size() for one in held)

    @cached_property
    def transposed(self) -> Cycle:
        return Cycle(
            self.multigrid,
            tuple(one.transposed for one in self.matrices),
            self.inverses,
            self.bottom.transpose(1, 2).contiguous(),
            self.steps,
        )

    def __call__(self, b: Tensor) -> Tensor:
        """[batch, unknown] to [batch, unknown]"""
        launches, inlet, outlet, _ = self.plan
        inlet.copy_(b)
        with on_torch_stream(b.device):
            for one in launches:
                one()
        return outlet.clone()

    @cached_property
    def plan(self) -> Plan:
        hush_warp()
        with on_torch_stream(self.bottom.device):
            return self.descent(0)

    def descent(self, depth: int) -> Plan:
        """Launches of the cycle from this level down, what they begin with, what they leave, and what they need."""
        matrix, level = self.matrices[depth], self.multigrid.levels[depth]
        batch, n = len(matrix.values), matrix.places.rows
        device, kernels = matrix.values.device, sparse_kernels(matrix.values.dtype)
        b, d, r, *two = (matrix.values.new_zeros(batch, n) for _ in range(5))
        if level.up is None or level.down is None:
            bottom = self.bottom
            return [lambda: torch.bmm(bottom, b[:, :, None], out=two[0][:, :, None])], b, two[0], []
        inverse, entries = self.inverses[depth], [matrix.places.starts, matrix.places.columns, matrix.values]
        launches: list[Callable[[], object]] = []
        now = 0

        def run(kernel: Any, *arguments: Any) -> None:
            launches.append(recorded(kernel, (batch, n), [*arguments], device))

        def relax(going: float, share: float) -> None:
            nonlocal now
            run(kernels.relax, *entries, b, inverse, two[now], going, share, d, two[1 - now])
            now = 1 - now

        first, *others = self.steps
        run(kernels.begin, b, inverse, first[1], d, two[now])
        for pair in others:
            relax(*pair)
        run(kernels.residual, *entries, b, two[now], r)
        below, inlet, outlet, needs = self.descent(depth + 1)
        launches.append(level.down.recorded(r, inlet, 0.0))
        launches += below
        launches.append(level.up.recorded(outlet, two[now], 1.0))
        for pair in (first, *others):
            relax(*pair)
        return launches, b, two[now], [b, d, r, *two, *needs, inlet, outlet]


def scaled(matrix: Entries, level: Level) -> Tensor:
    """1 / (l D), with l the largest eigenvalue of D^-1 A, found by the power method [batch, unknown]."""
    diagonal = matrix.values[:, level.diagonal]
    x, size = level.start.expand_as(diagonal), diagonal.new_ones(len(diagonal), 1)
    for _ in range(POWER):
        x = matrix.times(x / size) / diagonal
        size = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return 1.0 / (size * diagonal)
