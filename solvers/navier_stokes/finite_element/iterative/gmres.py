"""Generalised minimal residuals of a whole batch, in blocks of iterations that the host does not look at."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.solvers.shared.krylov import Operator, Solution

__all__ = ["gmres"]

LOOK = 5  # iterations between two looks at what is left
RESTART = 120  # directions that are kept
BREAKDOWN = 1e-14  # of a direction, of which rounding is all that is left


def gmres(
    apply: Operator, b: Tensor, *, goal: Tensor, iterations: int, precondition: Operator, scale: Tensor
) -> Solution:
    """A x = b for any A [Saad & Schultz 1986, SIAM J. Sci. Stat. Comput. 7, 856-869; Saad 2003, algorithm 9.4].

    Preconditioned from the left, so that what is made small is about the error of x; unknowns count `scale` times in
    its norm [batch, n]. goal: size of it to reach [batch]. A member stands still once it is there. Directions are made
    orthogonal twice by those before them, all at once, and the small least squares are solved where they are.
    """
    x, done, count = torch.zeros_like(b), torch.zeros_like(goal, dtype=torch.bool), torch.zeros_like(goal).long()
    size = goal.new_full(goal.shape, torch.inf)
    for first in range(0, iterations, RESTART):
        r = scale * precondition(b - apply(x) if first else b)
        length = torch.linalg.vector_norm(r, dim=1)
        size = torch.where(done, size, length)
        done = done | (length <= goal)
        if bool(done.all()):
            break
        best = length
        steps = min(RESTART, iterations - first)
        basis = b.new_zeros(len(b), steps + 1, b.shape[1])
        basis[:, 0] = r / length.clamp_min(torch.finfo(r.dtype).tiny)[:, None]
        matrix, share = b.new_zeros(len(b), steps + 1, steps), b.new_zeros(len(b), steps)
        for n in range(steps):
            w = scale * precondition(apply(basis[:, n] / scale))
            known, before = basis[:, : n + 1], torch.linalg.vector_norm(w, dim=1)
            for _ in range(2):
                along = torch.bmm(known, w[:, :, None])
                w = torch.baddbmm(w[:, :, None], known.transpose(1, 2), along, alpha=-1.0)[:, :, 0]
                matrix[:, : n + 1, n] += along[:, :, 0]
            rest = torch.linalg.vector_norm(w, dim=1)
            rest = torch.where(rest > BREAKDOWN * before, rest, 0.0)
            matrix[:, n + 1, n] = rest
            basis[:, n + 1] = torch.where(rest[:, None] > 0.0, w / rest[:, None], 0.0)
            count += ~done
            if (n + 1) % LOOK == 0 or n + 1 == steps:
                y, left = least(matrix[:, : n + 2, : n + 1], length)
                better = ~done & (left < best)  # it never grows, until rounding is all that there is
                share[:, : n + 1] = torch.where(better[:, None], y, share[:, : n + 1])
                best = torch.where(better, left, best)
                size = torch.where(done, size, best)
                done = done | (best <= goal)
                if bool(done.all()):
                    break
        x = x + torch.bmm(share[:, None], basis[:, :steps])[:, 0] / scale
    return Solution(x, size, count, done)


def least(matrix: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """y of the smallest |length e_1 - H y|, and that size; columns that are no more than those before get nothing."""
    q, r = torch.linalg.qr(matrix, mode="complete")
    right = length[:, None] * q[:, 0]
    diagonal = r.diagonal(dim1=1, dim2=2)
    empty = diagonal.abs() <= BREAKDOWN * diagonal.abs().amax(1, keepdim=True)
    square = r[:, :-1] + torch.diag_embed(empty.to(r.dtype))
    y = torch.linalg.solve_triangular(square, torch.where(empty, 0.0, right[:, :-1])[:, :, None], upper=True)[:, :, 0]
    return torch.where(empty, 0.0, y), right[:, -1].abs()
