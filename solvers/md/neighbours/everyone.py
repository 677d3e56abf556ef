"""Rows of neighbours that name every other atom: for small systems, and for potentials without a cutoff.

Nothing is ever made anew and the host reads no flag. The systems of a batch share one table: N (N - 1) numbers.
"""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.numbers import view

__all__ = ["Everyone"]


class Everyone:
    """Takes the place of `Neighbours`: count [batch, atom] and rows [batch, atom, atom - 1], int32."""

    def __init__(self, batch: int, atoms: int, dim: int, device: torch.device | str):
        others = torch.arange(atoms - 1, dtype=torch.int32, device=device).repeat(atoms, 1)
        others += others >= torch.arange(atoms, device=device)[:, None]  # skips the atom itself
        self.dim, self.atoms = dim, atoms
        self.count = torch.full((1, atoms), atoms - 1, dtype=torch.int32, device=device).expand(batch, -1)
        self.rows = others[None].expand(batch, -1, -1)
        self.builds = torch.zeros(batch, dtype=torch.int64)
        self.table = [view(self.count, wp.int32), view(self.rows, wp.int32)]

    def update(self, position: Tensor, box: Box | None = None) -> None:
        """Everyone stays everyone."""
