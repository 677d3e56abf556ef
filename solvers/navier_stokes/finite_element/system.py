"""Equations of a batch on a mesh, linear or not, and the derivatives of their solutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine.errors import Diverged
from scenegrad.engine.keeping import keeps
from scenegrad.solvers.navier_stokes.finite_element.flow import PressureForms
from scenegrad.solvers.navier_stokes.finite_element.linear import Inverse, Linear

__all__ = ["PICARD", "System", "solve"]

PICARD = 3  # iterations before those of Newton, whose basin is small
ITERATIONS = 40
HALVINGS = 5  # of a step of Newton's
SETTLED = 1e-7  # relative size of the last change; the one after it would be about its square
LOOSE = 1e-3  # of a change, that linear solves may leave as long as it is large

Equations = Callable[[Tensor], Tensor]  # unknowns [batch, n] to what is left of each equation [batch, n]


@dataclass(frozen=True, eq=False)
class System:
    """Which unknowns have a value that is given [n] bool, and how linear equations for all are solved."""

    held: Tensor
    linear: Linear


class Solution(torch.autograd.Function):
    """x with left(x, theta) = 0 as a function of theta: dx = -(d left / dx)^-1 d left. One transposed solve."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, x: Tensor, factors: Inverse) -> Tensor:
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
    keys: tuple[Tensor, ...] | None = None,
    forms: Callable[[Tensor], PressureForms] | None = None,
    linear: bool = True,
    picard: int = PICARD,
) -> Tensor:
    """The unknowns at which nothing is left of the equations [batch, n], differentiable by what the equations use.

    local(x, early): derivatives of the equations by element [batch, element, m, m]; early: those of Picard's
    iteration, which settles from farther away than Newton's; it has the first `picard` turns. Newton's steps are halved
    while more is left of the equations after them than before. forms: of a flow, those of its pressure.
    """

    def inverse(x: Tensor, early: bool) -> Inverse:
        asked = cache(partial(local, x))
        return system.linear.inverse(
            lambda first: asked(early if linear else first or early),
            keys,
            None if forms is None else partial(forms, x),
        )

    with torch.no_grad():
        x, settled = guess.detach(), torch.zeros(len(guess), dtype=torch.bool, device=guess.device)
        reference = (lambda: equations(torch.zeros_like(guess))) if linear else None
        share = None if linear else x.new_full((len(x),), LOOSE)
        for turn in range(1 if linear else ITERATIONS):
            early = turn < picard
            factors = inverse(x, early)
            rest = equations(x)
            change = factors.solve(rest, reference=reference, share=share)
            if linear:
                x = x - change
                break
            if not early:
                change = shortened(x, change, rest, equations)
            x = torch.where(settled[:, None], x, x - change)
            size, whole = change.norm(dim=1), x.norm(dim=1)
            settled = settled | (torch.tensor(not early, device=x.device) & (size <= SETTLED * whole))
            share = (size / whole).clamp_max(LOOSE)
            if bool(settled.all()) or not bool(torch.isfinite(size).all()):
                break
        if not linear:
            refuse_unsettled(settled, size / whole)
    if not torch.is_grad_enabled():
        return x
    if not linear:
        factors = inverse(x.detach(), False)
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
            f"march in time with FiniteElement(time='bdf2'). With linear=Multigrid(), try "
            f"SparseLU().",
            lost,
        )
