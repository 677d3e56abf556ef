"""Conjugate gradients of a whole batch, with the constant-coefficient solve as their preconditioner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis
from scenegrad.solvers.elliptic.diffusion import Diffusion, diffusion, face_counts
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.elliptic.iteration import Found, Preconditioner, beside, dot, look, norm

__all__ = ["ConjugateGradient", "Fast", "Jacobi"]

LITTLE = 0.5


@dataclass(frozen=True)
class Fast:
    """The same equation with the mean of its coefficients, solved by fast transforms [Concus & Golub 1973, SIAM J.
    Numer. Anal. 10, 1103-1120]: the number of iterations depends on the contrast of beta and not on the grid.

    That alone is slow for cells that hardly touch the others, as obstacles cut them. Where less than half of the
    diagonal is left, half of a division by it is added. A cylinder of area fractions, 64 to 256 cells across the box:
    9 to 12 iterations to 1e-6 instead of 33 to 45; one of whole cells stays at 8 to 10.
    """

    fast: FastPoisson
    linear: bool = True

    @classmethod
    def on(cls, axes: tuple[Axis, ...], device: str, dtype: torch.dtype) -> Fast:
        return cls(FastPoisson(axes, device, dtype))

    def prepare(self, operator: Diffusion) -> Callable[[Tensor], Tensor]:
        shift, beta = operator.mean
        inverse = self.fast.inverse(shift, beta)
        whole = beside(shift, operator.diagonal) + beside(beta, operator.diagonal) * self.diagonal
        cut = (operator.diagonal > 0.0) & (operator.diagonal < LITTLE * whole)
        rest = torch.where(cut, 0.5 / operator.diagonal - 0.5 / whole, 0.0)
        return lambda r: self.fast.back(self.fast.forward(r).mul_(inverse)).addcmul_(rest, r)

    @cached_property
    def diagonal(self) -> Tensor:
        """Of -laplace_h [1, *cells]."""
        like = torch.zeros(1, dtype=self.fast.dtype, device=self.fast.device)
        axes = self.fast.axes
        return diffusion(axes, [like.new_ones(1, *face_counts(axes, n)) for n in range(len(axes))]).diagonal


@dataclass(frozen=True)
class Jacobi:
    """Division by the diagonal: no more than a yardstick."""

    linear: bool = True

    def prepare(self, operator: Diffusion) -> Callable[[Tensor], Tensor]:
        inverse = torch.where(operator.diagonal > 0.0, 1.0 / operator.diagonal, 0.0)
        return lambda r: r * inverse


@dataclass(frozen=True)
class ConjugateGradient:
    """Preconditioned conjugate gradients [Hestenes & Stiefel 1952; Saad 2003, algorithm 9.1].

    A preconditioner that is not linear gets the flexible form, beta = z'.(r' - r) / z.r [Notay 2000, SIAM J. Sci.
    Comput. 22, 1444-1460]. Each member stops when it is done and stands still from then on.
    """

    preconditioner: Preconditioner
    iterations: int = 500

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None, goal: Tensor) -> Found:
        precondition = self.preconditioner.prepare(operator)
        if guess is None:
            x, r = torch.zeros_like(b), b.clone()
        else:
            x = guess.to(b).clone()
            r = b - operator.apply(x)
        active = norm(r) > goal
        count = torch.zeros_like(active, dtype=torch.int64)
        often = look(b.device)
        p, rz, last = torch.zeros_like(b), torch.ones_like(goal), r
        for n in range(self.iterations):
            if n % often == 0 and not bool(active.any()):
                break
            z = precondition(r)
            if not self.preconditioner.linear:
                z = operator.within(z)  # round-off would let a constant grow that r cannot feel
            before, rz = rz, dot(r, z)
            change = rz if self.preconditioner.linear else dot(r - last, z)
            turn = torch.where(active, change / before, 0.0) if n else torch.zeros_like(rz)
            p.mul_(beside(turn, p)).add_(z)
            image = operator.apply(p)
            step = beside(torch.where(active, rz / dot(p, image), 0.0), x)
            x.addcmul_(step, p)
            if not self.preconditioner.linear:
                last = r.clone()
            r.addcmul_(step, image, value=-1.0)
            count += active
            active = active & (norm(r) > goal)
        return Found(x, count, norm(r) <= goal)
