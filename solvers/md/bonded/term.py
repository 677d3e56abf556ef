"""Bonded potentials of one kind: groups of atoms, kernels over them, parameters by entity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.bonded.kernels import GroupLaw, gathered, product, pull, stiffest, sums, sums_product
from scenegrad.solvers.md.bonded.laws import LAWS
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.speeds import Speed

__all__ = ["BondedTerm", "Rows"]


class Rows(Protocol):
    """Parameters of a term [batch, row, parameter], and what their cotangents are by address; see `Joined`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def addresses(self) -> tuple[str, ...]: ...

    def __call__(self, params: Params) -> Tensor: ...

    def learning(self, params: Params) -> bool: ...

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]: ...


class BondedTerm:
    """U = sum over groups of u(q), q the length, cosine or twist of a group; see `Term`.

    groups: of each entity, atoms by number [group, atom of it]; names: of the entities, the first part of the addresses
    of their parameters theta [batch, entity, parameter], unless others are given that make up the rows of theta.
    """

    speed = Speed.BONDS

    def __init__(
        self,
        kind: str,
        names: Sequence[str],
        groups: Sequence[np.ndarray],
        box: Box,
        atoms: int,
        dtype: torch.dtype,
        theta: Rows | None = None,
    ):
        device, (self.batch, dim) = box.edges.device, box.edges.shape
        self.device, self.atoms, self.numbers = str(device), atoms, numbers(dim, dtype)
        self.law = GroupLaw(kind, dim, dtype, tilted=box.lean is not None)
        parameters = LAWS[kind].parameters
        own = Joined([f"{name}.{p}" for name in names for p in parameters], (len(names), len(parameters)))
        self.theta: Rows = own if theta is None else theta
        self.names = tuple(names)
        self.ends = np.cumsum([0, *map(len, groups)])
        group = np.concatenate(groups)
        self.count, self.size = group.shape
        row = np.repeat(np.arange(len(names)), np.diff(self.ends))
        self.group = torch.from_numpy(np.ascontiguousarray(group, dtype=np.int32)).to(device)
        self.row = torch.from_numpy(row.astype(np.int32)).to(device)
        self.slot = torch.from_numpy(slots(group, atoms)).to(device)
        self.part = torch.zeros(self.batch, self.count * self.size, dim, dtype=dtype, device=device)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.theta.addresses

    def groups(self, x: Tensor, box: Box, params: Params) -> list[Any]:
        """What every kernel over groups begins with."""
        n = self.numbers
        theta = view(self.theta(params), self.law.theta)
        placed = [theta, view(self.row, wp.int32), view(self.group, wp.int32), view(x, n.vec)]
        return [view(box.lengths(n.dtype), n.vec), view(box.leaning(n.dtype), n.three), *placed]

    def gather(self, total: Tensor) -> None:
        n = self.numbers
        inputs = [view(self.slot, wp.int32), view(self.part, n.vec), view(total, n.vec)]
        launch(gathered(n.dim, n.dtype), (self.batch, self.atoms), inputs, self.device)

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        inputs = [*self.groups(x, box, params), view(self.part, self.numbers.vec)]
        launch(pull(self.law), (self.batch, self.count), inputs, self.device)
        self.gather(force)

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        vec, p_bar = self.numbers.vec, self.by_group(x)
        outputs = [view(w, vec), view(self.part, vec), view(p_bar, self.law.theta)]
        inputs = [*self.groups(x, box, params), *outputs]
        launch(product(self.law), (self.batch, self.count), inputs, self.device)
        self.gather(x_bar)
        return self.theta.parts(self.by_entity(p_bar), params) if self.theta.learning(params) else {}

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        parts = torch.empty(self.batch, self.count, 1 + box.dim**2, dtype=torch.float64, device=x.device)
        inputs = [*self.groups(x, box, params), view(parts, self.numbers.sums)]
        launch(sums(self.law), (self.batch, self.count), inputs, self.device)
        return parts.sum(dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        n, dim, p_bar = self.numbers, box.dim, self.by_group(x)
        bar = bar.to(n.dtype)
        u_bar, w_bar = bar[:, 0].contiguous(), bar[:, 1:].reshape(-1, dim, dim).contiguous()
        outputs = [view(u_bar, n.real), view(w_bar, n.mat), view(self.part, n.vec), view(p_bar, self.law.theta)]
        inputs = [*self.groups(x, box, params), *outputs]
        launch(sums_product(self.law), (self.batch, self.count), inputs, self.device)
        self.gather(x_bar)
        return self.theta.parts(self.by_entity(p_bar), params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """The most that the groups of one atom make together: their squares add where all of them swing in step, not
        those of single encounters."""
        real = self.numbers.real
        square = torch.empty(self.batch, self.count, dtype=x.dtype, device=x.device)
        height = height.to(x).contiguous()
        inputs = [*self.groups(x, box, params), view(mass, real), view(height, real), view(square, real)]
        launch(stiffest(self.law), (self.batch, self.count), inputs, self.device)
        place = self.slot.long()
        by_atom = torch.where(place < 0, 0.0, square[:, (place.clamp(min=0) // self.size)])
        together = by_atom.amax(dim=2) if LAWS[self.law.kind].meets else by_atom.sum(dim=2)
        return together.amax(dim=1)

    def drawn_out(self, x: Tensor, box: Box, params: Params, member: int) -> tuple[str, tuple[int, int], float] | None:
        """Of bonds that have an extent, the one that is longest beside it: its entity, its atoms, and r/R."""
        if self.law.kind != "fene":
            return None
        pair = self.group.long()
        one = Box(box.edges[member : member + 1], None if box.lean is None else box.lean[member : member + 1])
        r = one.nearest((x[member, pair[:, 0]] - x[member, pair[:, 1]])[None])[0].norm(dim=1)
        share = (r / self.theta(params)[member, self.row.long(), 1]).nan_to_num(nan=-1.0)
        worst = int(share.argmax())
        ends = (int(pair[worst, 0]), int(pair[worst, 1]))
        return self.names[int(self.row[worst])], ends, float(share[worst])

    def by_group(self, x: Tensor) -> Tensor:
        return torch.empty(self.batch, self.count, self.theta.shape[1], dtype=x.dtype, device=x.device)

    def by_entity(self, p_bar: Tensor) -> Tensor:
        """Cotangents by group to those by entity, whose groups stand together."""
        stretches = zip(self.ends[:-1], self.ends[1:], strict=True)
        parts = [p_bar[:, a:b].sum(dim=1, dtype=torch.float64) for a, b in stretches]
        return torch.stack(parts, dim=1).to(p_bar.dtype)


def slots(group: np.ndarray, atoms: int) -> np.ndarray:
    """Where an atom stands in the groups, flat; by atom, -1 where there are no more [atom, most] int32."""
    flat = group.ravel()
    order = np.argsort(flat, kind="stable")
    count = np.bincount(flat, minlength=atoms)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(count) - count, count)
    table = np.full((atoms, max(int(count.max()), 1)), -1, dtype=np.int32)
    table[flat[order], place] = order
    return table
