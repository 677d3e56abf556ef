"""Nonlinear equations r(x) = 0 of a whole batch by Newton's method, each linear step solved only as far as it pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from scenegrad.solvers.shared.krylov import Operator, Solution, biconjugate_gradient, conjugate_gradient, dot, spread

__all__ = ["Equations", "Linear", "Root", "newton", "solve_linear"]

LOOSEST = 0.1  # part of the error that a linear step may leave at most
SHORTEST = 12  # halvings of a step before it is given up
ENOUGH = 1e-4  # share of the hoped for decrease that a step must bring
LEVEL = 0.5  # how steep it may go up at the end of a step, as part of the slope down at its beginning


@dataclass(frozen=True)
class Linear:
    """r(x + d) = r(x) + A d + ..., A = dr/dx."""

    apply: Operator  # d -> A d
    symmetric: Tensor  # whether A is [batch]


class Equations(Protocol):
    """One set of equations for each member; a value that is not finite lies outside their domain."""

    def residual(self, x: Tensor) -> Tensor:
        """r(x) in a tensor of its own."""
        ...

    def linear(self, x: Tensor) -> Linear:
        """The linear part at x; it may depend on the steps that led there, but at the root it is that of r."""
        ...

    def precondition(self, r: Tensor) -> Tensor:
        """About A^-1 r, an estimate of the error of x; linear, symmetric, positive definite, always the same."""
        ...

    def size(self, d: Tensor) -> Tensor:
        """Of such an error [batch], float64."""
        ...


@dataclass(frozen=True)
class Root:
    """x [batch, ...]; of each member: estimated size of the error, the goal, the steps and linear iterations it took,
    and whether it is there [batch]."""

    x: Tensor
    error: Tensor
    goal: Tensor
    steps: Tensor
    iterations: Tensor
    found: Tensor


def newton(equations: Equations, x: Tensor, goal: Callable[[Tensor], Tensor], *, steps: int, iterations: int) -> Root:
    """Inexact Newton with backtracking [Eisenstat & Walker 1996, SIAM J. Sci. Comput. 17, 16-32; choice 2].

    goal: x -> size of the preconditioned residual that is small enough [batch]. A step d is shortened until that size
    falls, or r . d says that it did not go too far: where r is the gradient of an energy, this is its slope along the
    step, and the energy falls also at kinks where the size of r does not [Bonet & Wood 2008, section 9.6]. Members that
    are done, or can do no more, stand still; they never feel their companions.
    """
    x, r = inside(equations, x)
    length = measured(equations, r)
    target = goal(x)
    going = torch.isfinite(length) & (length > target)
    taken, spent = torch.zeros_like(length, dtype=torch.int64), torch.zeros_like(length, dtype=torch.int64)
    forcing = torch.full_like(length, LOOSEST)
    trusted = going
    for _ in range(steps):
        if not bool(going.any()):
            break
        forcing = torch.maximum(forcing, 0.5 * target / length).clamp(max=LOOSEST)
        linear = equations.linear(x)
        ahead = solve_linear(linear, -r, forcing * length, iterations, equations, going)
        spent += ahead.iterations
        share = torch.ones_like(length)
        waiting, moved, before = going, torch.zeros_like(going), length
        slope = dot(r, ahead.x)
        for _ in range(SHORTEST):
            trial = torch.where(spread(waiting, x) != 0, x + spread(share, x) * ahead.x, x)
            r_trial = equations.residual(trial)
            size = measured(equations, r_trial)
            slope_there = dot(r_trial, ahead.x)
            level = torch.isfinite(size) & (slope < 0.0) & (slope_there <= -LEVEL * slope)
            better = waiting & (level | (size <= (1.0 - ENOUGH * share) * before))
            r = torch.where(spread(better, r) != 0, r_trial, r)
            x = torch.where(spread(better, x) != 0, trial, x)
            length = torch.where(better, size, length)
            moved, waiting = moved | better, waiting & ~better
            if not bool(waiting.any()):
                break
            secant = (slope / (slope - slope_there)).nan_to_num(0.5).clamp(0.1, 0.5)
            share = torch.where(waiting, secant * share, share)
        taken += going
        ratio = length / before
        forcing = torch.maximum(0.9 * ratio**2, torch.where(0.9 * forcing**2 > 0.1, 0.9 * forcing**2, 0.0))
        target = torch.where(going, goal(x), target)
        going = going & (moved | trusted) & (length > target)
        trusted = moved
    return Root(x, length, target, taken, spent, length <= target)


def measured(equations: Equations, r: Tensor) -> Tensor:
    return equations.size(equations.precondition(r))


def inside(equations: Equations, x: Tensor) -> tuple[Tensor, Tensor]:
    """x and r(x) with every member in the domain, as far as shrinking x brings it there."""
    r = equations.residual(x)
    for n in range(SHORTEST):
        bad = ~torch.isfinite(measured(equations, r))
        if not bool(bad.any()):
            break
        shrink = 0.0 if n == SHORTEST - 1 else 0.5
        x = x * spread(torch.where(bad, shrink, 1.0), x)
        r = equations.residual(x)
    return x, r


def solve_linear(
    linear: Linear, b: Tensor, goal: Tensor, iterations: int, equations: Equations, active: Tensor
) -> Solution:
    """A x = b by conjugate gradients where A is symmetric and by biconjugate ones where it is not."""
    gauge = {"precondition": equations.precondition, "size": equations.size}
    asked: dict[str, Any] = {"goal": goal, "iterations": iterations, **gauge}
    even = conjugate_gradient(linear.apply, b, active=active & linear.symmetric, **asked)
    uneven = active & ~linear.symmetric
    if not bool(uneven.any()):
        return even
    other = biconjugate_gradient(linear.apply, b, active=uneven, **asked)
    return Solution(
        *(
            torch.where(uneven if v.ndim == 1 else spread(uneven, v) != 0, w, v)
            for v, w in zip(vars(even).values(), vars(other).values(), strict=True)
        )
    )
