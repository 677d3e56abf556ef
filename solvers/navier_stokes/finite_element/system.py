"""Sparse systems of equations of a batch, solved directly, and the derivatives of their solutions.

The factorisation is made on the host, by SuperLU in float64, wherever the fields live: the matrices of incompressible
flow are indefinite, for which an iteration without a preconditioner of their own does not end. It is kept, and serves
all steps that have the same matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import SuperLU, splu
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine.errors import Diverged
from scenegrad.engine.keeping import keeps

__all__ = ["PICARD", "Factors", "System", "solve"]

KEPT = 2  # factorisations of a member: that of the first step of a multi-step method, and that of the others
PICARD = 3  # iterations before those of Newton, whose basin is small
ITERATIONS = 40
HALVINGS = 5  # of a step of Newton's
SETTLED = 1e-7  # relative size of the last change; the one after it would be about its square

Equations = Callable[[Tensor], Tensor]  # unknowns [batch, n] to what is left of each equation [batch, n]


@dataclass(frozen=True, eq=False)
class Factors:
    """Factorisations of the matrices of each member."""

    members: Sequence[SuperLU]

    @property
    def size(self) -> int:
        """[bytes]"""
        return sum(12 * lu.nnz for lu in self.members)  # a number and the place of its row

    def solve(self, b: Tensor, transposed: bool = False) -> Tensor:
        """[batch, n] to [batch, n]"""
        rows = b.detach().cpu().double().numpy()
        found = [lu.solve(row, "T" if transposed else "N") for lu, row in zip(self.members, rows, strict=True)]
        return torch.from_numpy(np.stack(found)).to(b)


@dataclass(frozen=True, eq=False)
class System:
    """Which unknowns meet in an equation, and which are held.

    dofs: unknowns of each element [element, m]; held: unknowns whose value is given [n] bool.
    """

    dofs: Tensor
    held: Tensor
    memory: dict[int, list[tuple[Any, SuperLU]]] = field(default_factory=dict)  # by member: (key, factorisation)

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

    def factors(self, local: Callable[[], Tensor], keys: Sequence[Any] | None) -> Factors:
        """local: makes the matrices of elements [batch, element, m, m]; it is not asked where they are known by their
        keys, one for each member, which are compared by value."""
        if keys is not None:
            known = [next((lu for k, lu in self.memory.get(b, ()) if same(k, key)), None) for b, key in enumerate(keys)]
            if all(lu is not None for lu in known):
                return Factors([lu for lu in known if lu is not None])
        made = [factorised(self.matrix(one)) for one in local().detach().cpu().numpy()]
        if keys is not None:
            for b, (key, lu) in enumerate(zip(keys, made, strict=True)):
                self.memory[b] = [(key, lu), *self.memory.get(b, [])][:KEPT]
        return Factors(made)


def same(one: Any, other: Any) -> bool:
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


class Solution(torch.autograd.Function):
    """x with left(x, theta) = 0 as a function of theta: dx = -(d left / dx)^-1 d left. One transposed solve."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, x: Tensor, factors: Factors) -> Tensor:
        ctx.factors = factors
        keeps(factors.size)
        return x.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor, None, None]:
        return -ctx.factors.solve(bar, transposed=True), None, None


def solve(
    system: System,
    guess: Tensor,
    equations: Equations,
    local: Callable[[Tensor, bool], Tensor],
    *,
    keys: Sequence[Any] | None = None,
    linear: bool = True,
    picard: int = PICARD,
) -> Tensor:
    """The unknowns at which nothing is left of the equations [batch, n], differentiable by what the equations use.

    local(x, early): derivatives of the equations by element [batch, element, m, m]; early: those of Picard's
    iteration, which settles from farther away than Newton's; it has the first `picard` turns. Newton's steps are halved
    while more is left of the equations after them than before.
    """
    with torch.no_grad():
        x, settled = guess.detach(), torch.zeros(len(guess), dtype=torch.bool, device=guess.device)
        for turn in range(1 if linear else ITERATIONS):
            early = turn < picard
            factors = system.factors(partial(local, x, early), keys)
            rest = equations(x)
            change = factors.solve(rest)
            if not linear and not early:
                change = shortened(x, change, rest, equations)
            x = torch.where(settled[:, None], x, x - change)
            size, whole = change.norm(dim=1), x.norm(dim=1)
            settled = settled | (torch.tensor(not early, device=x.device) & (size <= SETTLED * whole))
            if bool(settled.all()) or not bool(torch.isfinite(size).all()):
                break
        if not linear:
            refuse_unsettled(settled, size / whole)
    if not torch.is_grad_enabled():
        return x
    if not linear:
        factors = system.factors(lambda: local(x, False).detach(), keys)
    return Solution.apply(equations(x), x, factors)


def shortened(x: Tensor, change: Tensor, rest: Tensor, equations: Equations) -> Tensor:
    """Each member's change, halved until less is left of its equations, five times at most."""
    before = rest.norm(dim=1)
    for _ in range(HALVINGS):
        worse = equations(x - change).norm(dim=1) > before
        worse = worse & (change.norm(dim=1) > SETTLED * x.norm(dim=1))  # what is left may be rounding
        if not bool(worse.any()):
            break
        change = torch.where(worse[:, None], 0.5 * change, change)
    return change


def refuse_unsettled(settled: Tensor, change: Tensor) -> None:
    if not bool(settled.all()):
        lost = tuple(int(b) for b in (~settled).nonzero().flatten())
        raise Diverged(
            f"No steady flow was found for member {lost[0]}: after {ITERATIONS} iterations it still changes by "
            f"{float(change[lost[0]]):.2g} of its size. There may be none that is stable; raise the viscosity, or "
            f"march in time with FiniteElement(time='bdf2').",
            lost,
        )
