"""Verlet lists of a batch of boxes [Verlet 1967], in matrix form: every atom has a row of its neighbours.

There are two lists [Pall & Hess 2013]. The far one is found cell by cell and reaches several skins beyond the cutoff.
From it the near one is picked, which reaches one skin beyond the cutoff and which forces run over. Either is made anew,
system by system, when an atom of it has moved further than half of what it has to spare; a box that shrinks takes from
that too. Rows are sorted and a pair beyond the cutoff adds nothing, so results do not depend, to the last bit, on when
a list was made. The host reads one flag before each use. On a GPU that waits for the step before; the alternative, to
launch the kernels of the builder each time and let them find that nothing is to be done, costs more.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.solvers.md.box import ENDLESS, Box
from scenegrad.solvers.md.neighbours.binning import bin_atoms, mark_stale, place_atoms
from scenegrad.solvers.md.neighbours.exclusions import mutual
from scenegrad.solvers.md.neighbours.rows import pick_pairs, sort_rows, transpose_pairs
from scenegrad.solvers.md.neighbours.search import gather_pairs, gather_slanted
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.shares import launch_shared
from scenegrad.solvers.md.wide import spans
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["Neighbours"]

TRIGGER = 0.49  # of what a list has to spare; the rest is for rounding
FAR = 4.0  # skins that the far list reaches beyond the cutoff
FEW_ATOMS = 128  # below this, sorting into cells costs more than it saves
ALL_ATOMS = 32  # up to here a list holds every pair and is made once
MOST_CELLS = 16  # of an atom
LINE = 16  # neighbours, of which rows have a multiple, for kernels that read whole lines; any atom fills them up
MARGIN = 1.01  # of the far radius around atoms in open space, so that they meet no images


class Neighbours:
    """Lists within cutoff + skin, of pairs whose images are nearest; cutoff [batch], float64 and fixed.

    `update` brings them up to date; then `table` has the pairs of every atom, as kernels take them: count
    [batch, atom] int32 and rows [batch, atom, capacity] int32. `once` has every pair in one of its two rows; on a CPU
    that is what is searched for until somebody asks for the table.
    builds: how often the near list of each system was made [batch]; searches: the far one.
    excluded: pairs that are left out, such as atoms with a bond [atom, most] int32: row i names the partners of atom i,
    and ends with -1 where it has fewer; a pair stands in the rows of both.
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
        (batch, dim), device = box.edges.shape, box.edges.device
        self.device, self.numbers, self.skin, self.atoms, self.dim = str(device), numbers(dim, dtype), skin, atoms, dim
        self.batch, self.box, self.tilted = batch, box, box.lean is not None
        self.open = torch.isinf(box.edges)
        self.complete = atoms <= ALL_ATOMS
        self.cutoff = cutoff
        self.near = torch.full_like(cutoff, ENDLESS) if self.complete else cutoff + skin
        self.far = self.near if self.complete else cutoff + FAR * skin
        self.radii = torch.stack([self.near, self.far]).to(dtype)

        self.count = torch.zeros(batch, atoms, dtype=torch.int32, device=device)  # of the far list
        self.cell, self.filled = torch.zeros_like(self.count), torch.zeros_like(self.count)
        # With room at the end for kernels that read whole lines.
        self.order = self.count.new_zeros(batch * atoms + LINE)[:-LINE].view(batch, atoms)
        folded = torch.zeros(batch * atoms + LINE, dim, dtype=dtype, device=device)
        self.folded = folded[:-LINE].view(batch, atoms, dim)
        self.made_at = torch.full((2, batch, atoms, dim), math.nan, dtype=dtype, device=device)  # near and far
        self.made_in = box.finite.expand(2, batch, dim).clone()
        self.stale = self.count.new_ones(2, batch)
        self.excluded = self.count.new_full((atoms, 1), -1) if excluded is None else mutual(excluded, atoms).to(device)
        self.excluding = bool((self.excluded >= 0).any())
        self.builds, self.searches = (torch.zeros(batch, dtype=torch.int64) for _ in range(2))
        self.single = self.device == "cpu"  # each pair stands in one row of the far list
        self.picked: dict[bool, tuple[Tensor, Tensor]] = {}
        self.views: dict[bool, list[Any]] = {}
        self.grid_of, self.watch_of = Fingerprint(()), Fingerprint(())
        self.ends = self.count.new_zeros(batch, 0)
        ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1) * self.far**dim
        expected = float((atoms * ball / box.finite.prod(dim=1)).max())
        expected = min((0.7 if self.single else 1.2) * expected, atoms)
        self.make_room(capacity or int(expected) + 12)
        fixed = (self.made_at[0], self.made_at[1])
        self.seen = [*(view(made, self.numbers.vec) for made in fixed), view(self.stale, wp.int32)]
        self.watch(box)

    def make_room(self, capacity: int) -> None:
        self.capacity = max(min(capacity, self.atoms - 1), 1)
        self.far_rows = self.count.new_zeros(*self.count.shape, in_lines(self.capacity))
        # As they are found, before they are sorted. The last place takes the candidates that come after a full row.
        self.raw = self.count.new_zeros(*self.count.shape, self.capacity + 1)
        self.picked.clear()
        self.views.clear()

    def update(self, position: Tensor, box: Box | None = None) -> None:
        """Makes the lists hold for these positions [batch, atom, dim], in this box where it is no longer the first."""
        box = box or self.box
        if not self.watch_of.fits([box.edges]):
            self.watch(box)
        if self.complete and bool(self.builds[0]):
            return
        n = self.numbers
        self.stale.zero_()
        seen = [*self.watched, view(position, n.vec), *self.seen]
        span, blocks = spans(*self.shape, self.device)
        launch(mark_stale(n.dim, n.dtype, span), blocks, seen, self.device)
        if bool(self.stale[0].any()):
            self.build(position, box)

    @property
    def shape(self) -> tuple[int, int]:
        return self.batch, self.atoms

    @property
    def table(self) -> list[Any]:
        """count and rows of all pairs of every atom, as kernels take them."""
        self.pairs(once=False)
        return self.views[False]

    @property
    def once(self) -> list[Any]:
        """count and rows, each pair in one of them."""
        self.pairs(once=True)
        return self.views[True]

    def watch(self, box: Box) -> None:
        """How far atoms may go in this box before a list is stale.

        A list of radius R that was made for pairs within r, in a box that has stretched by s since, holds while atoms,
        seen in the box, moved less than (s R - r)/2.
        """
        self.refuse_narrow(box)
        n = self.numbers
        stretch = box.finite / self.made_in
        spare = stretch.amin(dim=2) * torch.stack([self.near, self.far]) - torch.stack([self.cutoff, self.near])
        limit = torch.where(spare > 0.0, (TRIGGER * spare).square(), -1.0)
        self.watched = [view(self.keep("limit", limit), n.real), view(self.keep("stretch", stretch), n.vec)]
        self.watch_of = Fingerprint([box.edges])

    def refuse_narrow(self, box: Box) -> None:
        """A box that changed may have become too small."""
        narrow = (box.finite < 2.0 * (1.0 - 1e-12) * self.cutoff[:, None]).any(dim=1)
        if box is not self.box and bool(narrow.any()):
            member = int(narrow.nonzero()[0])
            raise EngineError(
                f"The box of member {member} has shrunk to {[round(float(e), 6) for e in box.finite[member]]}, where "
                f"an atom would feel two images of a neighbour within the cutoff {float(self.cutoff[member]):.4g}. "
                "Take more atoms or a shorter cutoff."
            )

    def keep(self, name: str, value: Tensor) -> Tensor:
        """In the precision of kernels, for as long as they look at it."""
        value = value.to(self.numbers.dtype).contiguous()
        setattr(self, f"watched_{name}", value)
        return value

    def build(self, position: Tensor, box: Box) -> None:
        """The near list of stale systems, and before it the far one where that is stale as well."""
        self.stale[1] *= self.stale[0]
        if bool(self.stale[1].any()):
            self.search(position, box)
        near, far = self.stale != 0
        self.builds += near.cpu()
        self.made_at[0] = torch.where(near[:, None, None], position, self.made_at[0])
        if not bool((self.made_in == box.finite).all()):
            self.made_in[0] = torch.where(near[:, None], box.finite, self.made_in[0])
            self.made_in[1] = torch.where(far[:, None], box.finite, self.made_in[1])
            self.watch(box)
        for once in list(self.picked):
            self.pick(once, self.stale[0])

    def search(self, position: Tensor, box: Box) -> None:
        """The far list of systems where it is stale; where a row is too short, of all of them with longer rows."""
        longest = self.enter(position, box)
        while longest > self.capacity:
            self.make_room(int(1.2 * longest) + 4)
            self.stale.fill_(1)
            longest = self.enter(position, box)
        self.searches += (self.stale[1] != 0).cpu()
        # A pair at the very edge may be found by one of the two atoms only, by rounding: a row has as many atoms as
        # entered it.
        self.count.copy_(torch.where((self.stale[1] != 0)[:, None], self.filled, self.count))
        if self.device != "cpu":  # where atoms enter rows one by one, and so in order
            seen = [view(one, wp.int32) for one in (self.stale[1], self.count, self.far_rows)]
            launch(sort_rows(), self.shape, seen, self.device)

    def enter(self, position: Tensor, box: Box) -> int:
        """Atoms into rows of the far list, as far as these have room; returns how many the longest row would have.

        Where a pair stands in one row only, that is the row of the atom which did not find it.
        """
        self.find(position, box)
        longest = int(self.count.max())
        if longest > self.capacity:
            return longest
        self.filled.zero_()
        seen = [view(one, wp.int32) for one in (self.stale[1], self.count, self.raw, self.filled, self.far_rows)]
        launch(transpose_pairs(), self.shape, seen, self.device)
        return int(self.filled.max())

    def find(self, position: Tensor, box: Box) -> None:
        """Atoms into cells, and from there into rows as they come."""
        n = self.numbers
        edges = self.fit(position, box).to(n.dtype)
        flag, x, lengths = view(self.stale[1], wp.int32), view(position, n.vec), view(edges, n.vec)
        lean, cells = view(box.leaning(n.dtype), n.three), view(self.cells, wp.types.vector(n.dim, wp.int32))
        built, folded = view(self.made_at[1], n.vec), view(self.folded, n.vec)
        cell, order, left, end = (view(one, wp.int32) for one in (self.cell, self.order, self.left, self.ends))
        launch(bin_atoms(n.dim, n.dtype), self.shape, [flag, lengths, lean, cells, x, built, cell, left], self.device)
        torch.cumsum(self.left, dim=1, dtype=torch.int32, out=self.ends)
        placed = [flag, lengths, x, cell, end, left, order, folded]
        launch(place_atoms(n.dim, n.dtype), self.shape, placed, self.device)
        radius = view(self.radii[1], n.real)
        rows = [view(one, wp.int32) for one in (self.excluded, self.count, self.raw)]
        if self.tilted:
            slanted = [flag, lengths, lean, radius, cells, x, cell, end, order, *rows]
            launch_shared(gather_slanted(n.dim, n.dtype, self.excluding, self.single), self.shape, slanted, self.device)
        else:
            upright = [flag, lengths, radius, cells, x, cell, end, order, folded, *rows]
            kernel = gather_pairs(n.dim, n.dtype, self.excluding, self.single, self.device == "cpu")
            launch_shared(kernel, self.shape, upright, self.device)

    def fit(self, position: Tensor, box: Box) -> Tensor:
        """Cells for this box; returns its edges [batch, dim], float64, those of a region around the atoms where they
        are in open space."""
        if not bool(self.open.any()):
            if not self.grid_of.fits([box.edges]):
                self.lay(box.finite, box.widths)
                self.grid_of = Fingerprint([box.edges])
            return box.finite
        extent = (position.amax(dim=1) - position.amin(dim=1)).double().nan_to_num(0.0)
        far = MARGIN * self.far[:, None]
        edges = torch.where(self.open, torch.maximum(extent + far, 2.0 * far).clamp(max=ENDLESS), box.finite)
        self.lay(edges, edges)
        return edges

    def lay(self, edges: Tensor, widths: Tensor) -> None:
        """As many cells, half the radius wide or more, as a box has room for; no more than a thin gas has use for."""
        grid = (widths / (0.5 * self.far[:, None])).floor().clamp(max=512)
        crowded = grid.prod(dim=1) > MOST_CELLS * self.atoms
        coarse = torch.minimum(
            grid, ((MOST_CELLS * self.atoms / edges.prod(dim=1)) ** (1 / self.dim))[:, None] * edges
        ).floor()
        grid = torch.where(crowded[:, None], coarse, grid)
        whole = (grid < 5).any(dim=1) | (self.atoms <= FEW_ATOMS)
        self.cells = torch.where(whole[:, None], 1, grid).to(torch.int32)
        most = int(self.cells.prod(dim=1).max())
        if most != self.ends.shape[1]:
            self.left = self.count.new_zeros(self.batch, most)
            self.ends = torch.zeros_like(self.left)

    def pairs(self, once: bool) -> tuple[Tensor, Tensor]:
        """count [batch, atom] and rows [batch, atom, capacity] of the near list."""
        if self.single and not once:
            self.single = False
            self.search_again()
        if once not in self.picked:
            self.picked[once] = (torch.zeros_like(self.count), torch.zeros_like(self.far_rows))
            self.views[once] = [view(one, wp.int32) for one in self.picked[once]]
            self.pick(once, self.count.new_ones(self.batch))
        return self.picked[once]

    def search_again(self) -> None:
        """The far list as it would have been, had it been made with the near one."""
        if not bool(self.builds.any()):
            return
        self.stale.fill_(1)
        self.search(self.made_at[0].clone(), Box(self.made_in[0].clone(), self.box.lean))
        self.made_in[1] = self.made_in[0]
        self.watch_of = Fingerprint(())
        self.picked.clear()

    def pick(self, once: bool, stale: Tensor) -> None:
        """The near list from the far one, at the positions of which it is made."""
        n = self.numbers
        edges = self.made_in[0].to(n.dtype)
        box = [view(edges, n.vec), view(self.box.leaning(n.dtype), n.three), view(self.radii[0], n.real)]
        far = [view(self.made_at[0], n.vec), view(self.count, wp.int32), view(self.far_rows, wp.int32)]
        near = [view(one, wp.int32) for one in self.picked[once]]
        kernel = pick_pairs(n.dim, n.dtype, self.tilted, once and not self.single, self.device == "cpu")
        launch_shared(kernel, self.shape, [view(stale, wp.int32), *box, *far, *near], self.device)


def in_lines(capacity: int) -> int:
    return -(-capacity // LINE) * LINE
