"""Terms that are a function of what each atom sees around it, in torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.md.torch_term import TorchTerm, nearest

__all__ = ["Seen", "SurroundingsTerm"]


@dataclass(frozen=True)
class Seen:
    """apart: from every atom to its neighbours [batch, atom, neighbour, dim]; there: false where a row is padded
    [batch, atom, neighbour], and `apart` long; who: index of each neighbour."""

    apart: Tensor
    there: Tensor
    who: Tensor


class SurroundingsTerm(TorchTerm):
    """U = sum_i u_i(atoms around i), of a torch function `local` [batch, atom] of what is `Seen` and of params."""

    def __init__(self, local: Callable[[Seen, Params], Tensor], addresses: Sequence[str], neighbours: Neighbours):
        super().__init__(self.total, addresses)
        self.local, self.neighbours = local, neighbours

    def total(self, x: Tensor, matrix: Tensor, params: Params) -> Tensor:
        return self.local(self.seen(x, matrix), params).sum(dim=1)

    def seen(self, x: Tensor, matrix: Tensor) -> Seen:
        count, rows = self.listed
        longest = max(int(count.max()), 1)
        there = torch.arange(longest, device=x.device) < count[..., None]
        who = torch.where(there, rows[..., :longest], 0).long()
        members = torch.arange(len(x), device=x.device)[:, None, None]
        apart = nearest(x[members, who] - x[:, :, None], matrix)
        return Seen(torch.where(there[..., None], apart, self.neighbours.cutoff.max().to(x)), there, who)

    def look(self, x: Tensor, box: Box) -> None:
        """Brings the list up to date."""
        self.neighbours.update(x.detach().contiguous(), box)
        self.listed = self.neighbours.pairs(once=False)

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        self.look(x, box)
        super().add_force(x, box, params, force)

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        self.look(x, box)
        return super().add_product(x, box, params, w, x_bar)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        self.look(x, box)
        return super().sums(x, box, params)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        self.look(x, box)
        return super().add_sums_adjoint(x, box, params, bar, x_bar)
