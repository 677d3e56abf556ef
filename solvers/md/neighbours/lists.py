"""Verlet lists of a batch of periodic boxes [Verlet 1967], in matrix form: every atom has a row of its neighbours.

The list reaches `skin` beyond the cutoff and is made anew, system by system, when an atom of it has moved further than
half of that. Rows are sorted and a pair beyond the cutoff adds nothing, so results do not depend, to the last bit, on
when a list was made. The host reads one flag before each use. On a GPU that waits for the step before; the alternative,
to launch the kernels of the builder each time and let them find that nothing is to be done, costs more.
"""

from __future__ import annotations

import math

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.binning import (
    bin_atoms,
    gather_pairs,
    mark_stale,
    place_atoms,
    sort_rows,
    transpose_pairs,
)
from scenegrad.solvers.md.numbers import launch, numbers, view

__all__ = ["Neighbours"]

TRIGGER = 0.49  # of the skin; the rest is for rounding
FEW_ATOMS = 128  # below this, sorting into cells costs more than it saves


class Neighbours:
    """Full lists within cutoff + skin. box: as large as it will be; cutoff [batch], float64 and fixed.

    count [batch, atom] int32, rows [batch, atom, capacity] int32; `update` grows them where a row is too short.
    excluded: pairs that are left out, such as atoms with a bond [atom, most] int32: row i names the partners of atom i,
    and ends with -1 where it has fewer; a pair stands in the rows of both.
    builds: how often the list of each system was made [batch].
    """

    def __init__(
        self,
        box: Box,
        cutoff: Tensor,
        skin: float,
        atoms: int,
        dtype: torch.dtype,
        capacity: int | None = None,
        excluded: Tensor | None = None,
    ):
        edges, (batch, dim), device = box.finite, box.edges.shape, box.edges.device
        endless = torch.isinf(box.edges).any(dim=1)
        self.device, self.numbers, self.skin, self.atoms, self.dim = str(device), numbers(dim, dtype), skin, atoms, dim
        radius = cutoff + skin
        grid = (edges / (0.5 * radius[:, None])).floor().clamp(max=512)
        crowded = grid.prod(dim=1) > 4 * atoms  # a thin gas needs no more cells than atoms
        coarse = torch.minimum(grid, ((4 * atoms / edges.prod(dim=1)) ** (1 / dim))[:, None] * edges).floor()
        grid = torch.where(crowded[:, None], coarse, grid)
        whole = (grid < 5).any(dim=1) | (atoms <= FEW_ATOMS) | endless
        self.cells = torch.where(whole[:, None], 1, grid).to(torch.int32)
        self.box, self.radius = box, radius.to(dtype)
        ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1) * radius**dim
        expected = float((atoms * ball / edges.prod(dim=1)).max())
        self.count = torch.zeros(batch, atoms, dtype=torch.int32, device=device)
        self.cell, self.order, self.filled = (torch.zeros_like(self.count) for _ in range(3))
        self.left = self.count.new_zeros(batch, int(self.cells.prod(dim=1).max()))
        self.end = torch.zeros_like(self.left)
        self.stale = self.count.new_ones(batch)
        self.excluded = self.count.new_full((atoms, 1), -1) if excluded is None else mutual(excluded, atoms).to(device)
        self.excluding = bool((self.excluded >= 0).any())
        self.folded = torch.zeros(batch, atoms, dim, dtype=dtype, device=device)
        self.built = torch.full_like(self.folded, math.nan)  # positions of which the lists were made
        self.builds = torch.zeros(batch, dtype=torch.int64)
        self.watched = [view(self.built, self.numbers.vec), view(self.stale, wp.int32)]
        self.make_room(capacity or int(1.25 * expected) + 12)

    def make_room(self, capacity: int) -> None:
        capacity = max(min(capacity, self.atoms - 1), 1)
        self.rows = self.count.new_zeros(*self.count.shape, capacity)
        # As they are found, before they are sorted. The last place takes the candidates that come after a full row.
        self.raw = self.count.new_zeros(*self.count.shape, capacity + 1)
        self.table = [view(self.count, wp.int32), view(self.rows, wp.int32)]  # as kernels take it

    def update(self, position: Tensor, box: Box | None = None) -> None:
        """Makes the lists hold for these positions [batch, atom, dim], in this box where it is no longer the first."""
        box = box or self.box
        n = self.numbers
        shape = (position.shape[0], self.atoms)
        self.stale.zero_()
        seen = [n.real((TRIGGER * self.skin) ** 2), view(position, n.vec), *self.watched]
        launch(mark_stale(n.dim, n.dtype), shape, seen, self.device)
        if not bool(self.stale.any()):
            return
        self.build(position, box)
        while (longest := int(self.count.max())) > self.rows.shape[2]:
            self.make_room(int(1.2 * longest) + 4)
            self.stale.fill_(1)
            self.build(position, box)

    def build(self, position: Tensor, box: Box) -> None:
        n = self.numbers
        shape = (position.shape[0], self.atoms)
        vec, cells = n.vec, view(self.cells, wp.types.vector(n.dim, wp.int32))
        x, lengths = view(position, vec), view(box.lengths(n.dtype), vec)
        (built, stale), (count, rows) = self.watched, self.table
        cell, left, end = view(self.cell, wp.int32), view(self.left, wp.int32), view(self.end, wp.int32)
        order, folded = view(self.order, wp.int32), view(self.folded, vec)
        self.builds += (self.stale != 0).cpu()
        self.filled.zero_()
        launch(bin_atoms(n.dim, n.dtype), shape, [stale, lengths, cells, x, built, cell, left], self.device)
        torch.cumsum(self.left, dim=1, dtype=torch.int32, out=self.end)
        launch(place_atoms(n.dim, n.dtype), shape, [stale, lengths, x, cell, end, left, order, folded], self.device)
        raw, filled = view(self.raw, wp.int32), view(self.filled, wp.int32)
        search = [stale, lengths, view(self.radius, n.real), cells, x, cell, end, order, folded]
        search += [view(self.excluded, wp.int32), count, raw]
        launch(gather_pairs(n.dim, n.dtype, self.excluding), shape, search, self.device)
        launch(transpose_pairs(), shape, [stale, count, raw, filled, rows], self.device)
        # A pair at the very edge may be found by one of the two atoms only, by rounding: a row has as many atoms as
        # entered it. Where a row was too short to hold what was found, its count stays, and says how long it must be.
        made = (self.stale != 0)[:, None] & (self.count <= self.rows.shape[2])
        self.count.copy_(torch.where(made, self.filled, self.count))
        launch(sort_rows(), shape, [stale, count, rows], self.device)


def mutual(excluded: Tensor, atoms: int) -> Tensor:
    """A table of exclusions, in which every pair stands twice."""
    table = excluded.to(torch.int32).contiguous()
    first, place = (table >= 0).nonzero(as_tuple=True)
    second = table[first, place].long()
    if table.shape[0] != atoms or bool((second >= atoms).any()):
        raise EngineError(f"Exclusions of {table.shape[0]} atoms, up to atom {int(table.max())}, for {atoms} atoms.")
    one_sided = ~torch.isin(first * atoms + second, second * atoms + first)
    if bool(one_sided.any()):
        i, j = int(first[one_sided][0]), int(second[one_sided][0])
        raise EngineError(
            f"Atom {i} excludes atom {j}, but not the other way round; name each in the row of the other."
        )
    return table
