"""Pairs of charges, one by one: all of them, or those within a cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.coulomb.charges import Charges
from scenegrad.solvers.md.coulomb.kernels import ChargeLaw, force, force_adjoint, stiffest, sums, sums_adjoint
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.md.numbers import launch, numbers, view

__all__ = ["ChargePairs", "Shape"]


@dataclass(frozen=True)
class Shape:
    """How pairs of charges act, see `screening`. table: (r_c^2, alpha, c, shift) of each member, float64 [batch, 4]."""

    kind: str
    table: Tensor


class ChargePairs:
    """U = sum_{i<j} q_i q_j g(|x_i - x_j|); see `Term`. Without neighbours, over all pairs."""

    def __init__(self, shape: Shape, charges: Charges, dim: int, dtype: torch.dtype, neighbours: Neighbours | None):
        self.charges, self.neighbours, self.dtype = charges, neighbours, dtype
        self.addresses = charges.addresses
        tilted = neighbours is not None and neighbours.tilted
        self.law = ChargeLaw(shape.kind, dim, dtype, all_pairs=neighbours is None, tilted=tilted)
        self.numbers = numbers(dim, dtype)
        self.table = shape.table.to(dtype).contiguous()
        self.nobody = torch.zeros(1, 1, 1, dtype=torch.int32, device=self.table.device)

    def system(self, x: Tensor, box: Box, q: Tensor) -> list[Any]:
        """What every kernel begins with."""
        n = self.numbers
        if self.neighbours is None:
            rows = [view(self.nobody[0], wp.int32), view(self.nobody, wp.int32)]
        else:
            self.neighbours.update(x, box)
            rows = self.neighbours.table
        cell = [view(box.lengths(self.dtype), n.vec), view(box.leaning(self.dtype), n.three)]
        return [*cell, view(self.table, n.edge), view(q, n.real), *rows, view(x, n.vec)]

    def add_force(self, x: Tensor, box: Box, params: Params, force_out: Tensor) -> None:
        q = self.charges(params)
        launch(
            force(self.law), x.shape[:2], [*self.system(x, box, q), view(force_out, self.numbers.vec)], str(x.device)
        )

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        n, q = self.numbers, self.charges(params)
        q_bar = torch.empty_like(q)
        outputs = [view(w, n.vec), view(x_bar, n.vec), view(q_bar, n.real)]
        launch(force_adjoint(self.law), x.shape[:2], [*self.system(x, box, q), *outputs], str(x.device))
        return self.charges.parts(q_bar, params)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        q = self.charges(params)
        parts = torch.empty(*x.shape[:2], 1 + box.dim**2, dtype=torch.float64, device=x.device)
        launch(sums(self.law), x.shape[:2], [*self.system(x, box, q), view(parts, self.numbers.sums)], str(x.device))
        return parts.sum(dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        n, q, dim = self.numbers, self.charges(params), box.dim
        bar = bar.to(self.dtype)
        u_bar, w_bar = bar[:, 0].contiguous(), bar[:, 1:].reshape(-1, dim, dim).contiguous()
        q_bar = torch.empty_like(q)
        outputs = [view(u_bar, n.real), view(w_bar, n.mat), view(x_bar, n.vec), view(q_bar, n.real)]
        launch(sums_adjoint(self.law), x.shape[:2], [*self.system(x, box, q), *outputs], str(x.device))
        return self.charges.parts(q_bar, params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """Of the stiffest pair now. What keeps unlike charges apart, another term, knows of their encounters."""
        n, q = self.numbers, self.charges(params)
        now = torch.empty_like(q)
        outputs = [view(mass.contiguous(), n.real), view(now, n.real)]
        launch(stiffest(self.law), x.shape[:2], [*self.system(x, box, q), *outputs], str(x.device))
        return now.amax(dim=1)
