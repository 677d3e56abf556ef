"""A x = b as one node of the graph: solved forward, solved again for the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.conjugate import ConjugateGradient, Fast
from scenegrad.solvers.elliptic.diffusion import Diffusion, diffusion, spread, weigh
from scenegrad.solvers.elliptic.iteration import Iteration, beside, norm

__all__ = ["EllipticSolver", "Outcome"]

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
ROUNDING = 30.0  # times the unit of rounding: what no iteration can be asked to beat


@dataclass(frozen=True)
class Outcome:
    """x [batch, *cells], differentiable; of each member [batch]: |b - A x| / |b| as it is, the iterations, and whether
    the iteration reached what was asked for. In float32 round-off may leave a residual above that all the same: x is
    then as good as the precision has it."""

    x: Tensor
    residual: Tensor
    iterations: Tensor
    solved: Tensor


@dataclass(frozen=True)
class EllipticSolver:
    """shift x - div(beta grad x) = b on cells, for a batch.

    iteration: how; conjugate gradients with fast transforms unless something else is given. tolerance: of the residual,
    relative to b; 1e-5 in float32 and 1e-10 in float64, and never below 30 units of rounding. Where a constant is in
    the null space, b loses its mean and x has mean zero; cells that nothing reaches have x = 0.

    Nothing is raised when a tolerance is missed: `Outcome.residual` says what was reached.
    """

    axes: tuple[Axis, ...]
    iteration: Iteration
    tolerance: float | None = None

    @classmethod
    def fast(
        cls,
        axes: tuple[Axis, ...],
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        tolerance: float | None = None,
        iterations: int = 500,
    ) -> EllipticSolver:
        """Conjugate gradients preconditioned by fast transforms."""
        return cls(axes, ConjugateGradient(Fast.on(axes, device, dtype), iterations), tolerance)

    def solve(
        self,
        b: Tensor,
        faces: Sequence[Tensor],
        shift: Tensor | float = 0.0,
        guess: Tensor | None = None,
        apart: Tensor | None = None,
    ) -> Outcome:
        """faces: beta on the faces across each axis [batch, *face_counts]; shift: number, [batch] or [batch, *cells].
        guess: where to begin; the gradient does not depend on it, and its own solve begins from zero. apart: `pockets`
        of the faces, where obstacles may cut the box in two."""
        start = None if guess is None else guess.detach()
        found = Solve.apply(self, start, apart, b, spread(shift, b), *faces)
        return Outcome(*found)

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None) -> Outcome:
        """Without a gradient."""
        b = operator.within(b)
        tolerance = TOLERANCE[b.dtype] if self.tolerance is None else self.tolerance
        length = norm(b)
        goal = max(tolerance, ROUNDING * torch.finfo(b.dtype).eps) * length
        found = self.iteration.run(operator, b, guess, goal)
        x = operator.within(found.x)
        left = norm(b - operator.apply(x)) / torch.where(length > 0.0, length, 1.0)
        return Outcome(x, left, found.iterations, found.solved)


class Solve(torch.autograd.Function):
    """A x = b, A symmetric: b_bar = A^-1 x_bar, and b_bar . dA x for whatever A depends on, with a minus."""

    @staticmethod
    def forward(
        ctx: Any,
        solver: EllipticSolver,
        guess: Tensor | None,
        apart: Tensor | None,
        b: Tensor,
        shift: Tensor,
        *faces: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        operator = diffusion(solver.axes, faces, shift, apart)
        outcome = solver.run(operator, b, guess)
        ctx.solver, ctx.apart = solver, apart
        ctx.save_for_backward(outcome.x, shift, *faces)
        ctx.mark_non_differentiable(outcome.residual, outcome.iterations, outcome.solved)
        return outcome.x, outcome.residual, outcome.iterations, outcome.solved

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, x_bar: Tensor, *unused: Tensor | None) -> tuple[Tensor | None, ...]:
        x, shift, *faces = ctx.saved_tensors
        operator = diffusion(ctx.solver.axes, faces, shift, ctx.apart)
        b_bar = ctx.solver.run(operator, x_bar, None).x
        needs = ctx.needs_input_grad
        shift_bar = None
        if needs[4]:
            product = -b_bar * x
            shift_bar = product if shift.shape == x.shape else beside(product.flatten(1).sum(1), x)
        pairs: tuple[Tensor | None, ...] = (None,) * len(faces)
        if any(needs[5:]):
            found = operator.pairing(b_bar, x)
            pairs = tuple(-weigh(ctx.solver.axes, number, pair) for number, pair in enumerate(found))
        return None, None, None, b_bar, shift_bar, *pairs
