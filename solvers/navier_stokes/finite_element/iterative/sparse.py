"""Sparse matrices whose places are known beforehand, on the device where their numbers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import warp as wp
from scipy.sparse import csr_matrix
from torch import Tensor

from scenegrad.engine.streams import on_torch_stream
from scenegrad.solvers.navier_stokes.finite_element.iterative.kernels import sparse_kernels
from scenegrad.solvers.shared.hush import hush_warp

__all__ = ["Combination", "Entries", "Places", "launch", "recorded"]

Array = np.ndarray


def recorded(kernel: Any, shape: tuple[int, ...], arguments: list[Any], device: torch.device) -> Callable[[], None]:
    """A launch that can be made again and again, of arrays that stay where they are."""
    views = [wp.from_torch(one.detach()) if isinstance(one, Tensor) else one for one in arguments]
    command = wp.launch(kernel, dim=shape, inputs=views, device=str(device), record_cmd=True)
    return command.launch


def launch(kernel: Any, shape: tuple[int, ...], arguments: list[Any], device: torch.device) -> None:
    hush_warp()
    views = [wp.from_torch(one.detach(), return_ctype=True) if isinstance(one, Tensor) else one for one in arguments]
    with on_torch_stream(device):
        wp.launch(kernel, dim=shape, inputs=views, device=str(device))


@dataclass(frozen=True, eq=False)
class Places:
    """Where a matrix has entries, by rows. starts [rows + 1], columns [entry]: int32; width: number of columns."""

    starts: Tensor
    columns: Tensor
    width: int

    @classmethod
    def of(cls, matrix: csr_matrix, device: str) -> Places:
        return cls(
            torch.from_numpy(matrix.indptr.astype(np.int32)).to(device),
            torch.from_numpy(matrix.indices.astype(np.int32)).to(device),
            matrix.shape[1],
        )

    @property
    def rows(self) -> int:
        return len(self.starts) - 1

    @property
    def count(self) -> int:
        """Of entries."""
        return len(self.columns)


@dataclass(frozen=True, eq=False)
class Combination:
    """A matrix that is the same for all members and steps: sums of numbers with weights."""

    places: Places
    weights: Tensor  # [entry]

    @classmethod
    def of(cls, matrix: csr_matrix, device: str, dtype: torch.dtype = torch.float64) -> Combination:
        return cls(Places.of(matrix, device), torch.from_numpy(matrix.data).to(device, dtype))

    def of_numbers(self, x: Tensor) -> Tensor:
        """[batch, width] to [batch, rows]"""
        y = x.new_empty(len(x), self.places.rows)
        arguments = self.arguments(x.contiguous(), y, 0.0)
        launch(sparse_kernels(x.dtype).combine, tuple(y.shape), arguments, x.device)
        return y

    def recorded(self, x: Tensor, y: Tensor, keep: float) -> Callable[[], None]:
        """y = keep y + W x"""
        return recorded(sparse_kernels(x.dtype).combine, tuple(y.shape), self.arguments(x, y, keep), x.device)

    def arguments(self, x: Tensor, y: Tensor, keep: float) -> list[Any]:
        return [self.places.starts, self.places.columns, self.weights, x, keep, y]


@dataclass(frozen=True, eq=False)
class Entries:
    """Matrices of a batch with entries at the same places. turned: the number of the entry that stands across the
    diagonal from each; where that is not None, the places are symmetric."""

    places: Places
    values: Tensor  # [batch, entry]
    turned: Tensor | None = None

    def times(self, x: Tensor) -> Tensor:
        """[batch, width] to [batch, rows]"""
        y = x.new_empty(len(x), self.places.rows)
        arguments = [self.places.starts, self.places.columns, self.values, x.contiguous(), y]
        launch(sparse_kernels(x.dtype).multiply, tuple(y.shape), arguments, x.device)
        return y

    @cached_property
    def transposed(self) -> Entries:
        assert self.turned is not None
        return Entries(self.places, self.values[:, self.turned], self.turned)


def turned(matrix: csr_matrix) -> Array:
    """Number of the entry across the diagonal from each, of symmetric places with rising columns."""
    numbered = csr_matrix((np.arange(matrix.nnz, dtype=np.int64), matrix.indices, matrix.indptr), shape=matrix.shape)
    return numbered.T.tocsr().data
