"""Sparse systems of equations of a batch, solved directly: SuperLU on the host, in double precision.

A factorisation is kept, and serves all steps that have the same matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import SuperLU, splu
from torch import Tensor

from scenegrad.engine.errors import Diverged
from scenegrad.solvers.navier_stokes.finite_element.linear import Forms, Local, Reference

__all__ = ["Direct", "Factors"]

KEPT = 2  # factorisations of a member: that of the first step of a multi-step method, and that of the others


@dataclass(frozen=True, eq=False)
class Factors:
    """Factorisations of the matrices of each member."""

    members: Sequence[SuperLU]

    @property
    def size(self) -> int:
        """[bytes]"""
        return sum(12 * lu.nnz for lu in self.members)  # a number and the place of its row

    def solve(
        self, b: Tensor, transposed: bool = False, reference: Reference | None = None, share: Tensor | None = None
    ) -> Tensor:
        rows = b.detach().cpu().double().numpy()
        found = [lu.solve(row, "T" if transposed else "N") for lu, row in zip(self.members, rows, strict=True)]
        return torch.from_numpy(np.stack(found)).to(b)


@dataclass(frozen=True, eq=False)
class Direct:
    """dofs: unknowns of each element [element, m]; held: unknowns whose value is given [n] bool."""

    dofs: Tensor
    held: Tensor
    memory: dict[int, list[tuple[tuple[Tensor, ...], SuperLU]]] = field(
        default_factory=dict
    )  # by member: (key, factorisation)

    def __post_init__(self) -> None:
        n, rows = len(self.held), self.dofs.cpu().numpy()
        m = rows.shape[1]
        row, column = np.repeat(rows, m, axis=1).ravel(), np.tile(rows, (1, m)).ravel()
        diagonal = np.arange(n, dtype=row.dtype)
        keys = np.concatenate([column, diagonal]) * n + np.concatenate([row, diagonal])  # by columns, as SuperLU wants
        kept, slot = np.unique(keys, return_inverse=True)
        free = ~self.held.cpu().numpy()
        object.__setattr__(self, "size", n)
        object.__setattr__(self, "indices", (kept % n).astype(np.int32))
        object.__setattr__(self, "starts", np.searchsorted(kept // n, np.arange(n + 1)).astype(np.int32))
        object.__setattr__(self, "slots", slot[: len(row)])
        object.__setattr__(self, "weights", free[row].astype(float))
        object.__setattr__(self, "ones", (slot[len(row) :], (~free).astype(float)))

    size: int = field(init=False)
    indices: np.ndarray = field(init=False)
    starts: np.ndarray = field(init=False)
    slots: np.ndarray = field(init=False)
    weights: np.ndarray = field(init=False)
    ones: tuple[np.ndarray, np.ndarray] = field(init=False)

    def matrix(self, local: np.ndarray) -> csc_matrix:
        """From matrices of elements [element, m, m]; held rows are those of the unit matrix."""
        values = np.bincount(self.slots, local.ravel() * self.weights, minlength=len(self.indices))
        values[self.ones[0]] += self.ones[1]
        return csc_matrix((values, self.indices, self.starts), shape=(self.size, self.size))

    def inverse(self, local: Local, keys: tuple[Tensor, ...] | None, forms: Forms | None) -> Factors:
        batch = 0 if keys is None else len(keys[0])
        mine = [tuple(part[b].clone() for part in keys or ()) for b in range(batch)]
        if keys is not None:
            known = [next((lu for k, lu in self.memory.get(b, ()) if same(k, key)), None) for b, key in enumerate(mine)]
            if all(lu is not None for lu in known):
                return Factors([lu for lu in known if lu is not None])
        made = [factorised(self.matrix(one)) for one in local(False).detach().cpu().numpy()]
        for b, (key, lu) in enumerate(zip(mine, made, strict=False)):
            self.memory[b] = [(key, lu), *self.memory.get(b, [])][:KEPT]
        return Factors(made)


def same(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def factorised(matrix: csc_matrix) -> SuperLU:
    try:
        # the pattern is symmetric: pivots near the diagonal keep it so, which halves the fill of the default ordering
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01)
    except RuntimeError as error:
        raise Diverged(
            "The equations of this mesh have no unique solution: their matrix is singular. Nothing may hold the "
            "solution in place; give one side a condition that does, such as Outflow() or Stick()."
        ) from error
