"""Equations of a mesh without the unknowns that are held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.iterative.sparse import Combination, Entries, Places, turned

__all__ = ["Part", "Reduction", "assembly", "ends", "numbered", "symmetric"]

Array = np.ndarray


def assembly(row: Array, column: Array, shape: tuple[int, int], width: int) -> tuple[csr_matrix, csr_matrix]:
    """Places of a matrix of which entry k of `width` is added to (row[k], column[k]); what adds them up. Rows and
    columns of -1 are left out."""
    (chosen,) = np.nonzero((row >= 0) & (column >= 0))
    keys = row[chosen].astype(np.int64) * shape[1] + column[chosen]
    kept, slot = np.unique(keys, return_inverse=True)
    order = np.argsort(slot, kind="stable")
    starts = np.searchsorted(slot[order], np.arange(len(kept) + 1))
    sums = csr_matrix((np.ones(len(order)), chosen[order], starts), shape=(len(kept), width))
    ends = np.searchsorted(kept // shape[1], np.arange(shape[0] + 1))
    return csr_matrix((np.ones(len(kept)), kept % shape[1], ends), shape=shape), sums


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the matrix, as sums of entries of the matrices of elements."""

    places: Places
    sums: Combination
    turned: Tensor | None = None

    def entries(self, local: Tensor) -> Entries:
        """local: [batch, element, m, m]"""
        return Entries(self.places, self.sums.of_numbers(local.flatten(1)), self.turned)


def symmetric(row: Array, column: Array, count: int, width: int, device: str) -> tuple[csr_matrix, Part]:
    places, sums = assembly(row, column, (count, count), width)
    across = torch.from_numpy(turned(places)).to(device)
    return places, Part(Places.of(places, device), Combination.of(sums, device), across)


@dataclass(frozen=True, eq=False)
class Reduction:
    """Which equations are left. free, held: numbers of unknowns, rising; coupling: what held unknowns do to the others;
    back: the same transposed."""

    free: Tensor
    held: Tensor
    inner: Part
    coupling: Part
    back: Part

    @classmethod
    def of(cls, dofs: Tensor, held: Tensor) -> Reduction:
        """dofs: unknowns of each element [element, m]; held: [unknown] bool."""
        device, still, table = str(held.device), held.cpu().numpy(), dofs.cpu().numpy()
        row, column = ends(table)
        free, fixed = np.flatnonzero(~still), np.flatnonzero(still)
        inside, beside = numbered(free, len(still)), numbered(fixed, len(still))
        width = len(row)
        _, inner = symmetric(inside[row], inside[column], len(free), width, device)
        parts = []
        for rows, columns, shape in (
            (inside[row], beside[column], (len(free), len(fixed))),
            (beside[column], inside[row], (len(fixed), len(free))),
        ):
            places, sums = assembly(rows, columns, shape, width)
            parts.append(Part(Places.of(places, device), Combination.of(sums, device)))
        return cls(torch.from_numpy(free).to(device), torch.from_numpy(fixed).to(device), inner, *parts)


def ends(table: Array) -> tuple[Array, Array]:
    """Row and column of each entry of the matrices of elements with these unknowns [element, m]."""
    m = table.shape[1]
    return np.repeat(table, m, axis=1).ravel(), np.tile(table, (1, m)).ravel()


def numbered(chosen: Array, count: int) -> Array:
    """Of each of `count`, its number among those that are chosen, or -1."""
    number = np.full(count, -1, dtype=np.int64)
    number[chosen] = np.arange(len(chosen))
    return number
