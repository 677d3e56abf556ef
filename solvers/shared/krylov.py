"""Linear equations A x = b of a whole batch, A known by what it does to a vector.

Each member stops when it is done and stands still from then on; its numbers do not depend on its companions. The host
looks once in LOOK iterations whether anybody still works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Operator", "Solution", "biconjugate_gradient", "conjugate_gradient", "dot", "norm"]

Operator = Callable[[Tensor], Tensor]  # [batch, ...] -> [batch, ...], linear
LOOK = 8


@dataclass(frozen=True)
class Solution:
    """x [batch, ...]; residual: size of b - A x, preconditioned, of each member [batch]; iterations of each member
    [batch]; solved: whether that size is what was asked for [batch]."""

    x: Tensor
    residual: Tensor
    iterations: Tensor
    solved: Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Of each member, in double precision [batch].

    On a CPU one number is added after the other, so that zeros between them have no part in the rounding: neither the
    companions in the batch nor empty room around the unknowns change a bit.
    """
    product = (a.double() * b.double()).flatten(1)
    return product.cumsum(1)[:, -1] if product.device.type == "cpu" else product.sum(1)


def norm(a: Tensor) -> Tensor:
    return dot(a, a).sqrt()


def conjugate_gradient(
    apply: Operator,
    b: Tensor,
    *,
    goal: Tensor,
    iterations: int,
    precondition: Operator = lambda r: r,
    size: Operator = norm,
    active: Tensor | None = None,
) -> Solution:
    """Preconditioned conjugate gradients for symmetric A [Hestenes & Stiefel 1952; Saad 2003, algorithm 9.1].

    goal: size of the preconditioned residual to reach [batch]; `size` says how it is measured. Members that are not
    `active` keep x = 0. Where a direction p of p'Ap <= 0 is met, A is not positive definite: the member ends with the
    x that it has, or with the preconditioned b where it has none yet [Nocedal & Wright 2006, algorithm 7.1].
    """
    x, r = torch.zeros_like(b), b.clone()
    z = precondition(r)
    length = size(z)
    active = length > goal if active is None else active & (length > goal)
    p, rz = z * spread(active, z), dot(r, z)
    count = torch.zeros_like(goal, dtype=torch.int64)
    for n in range(iterations):
        if n % LOOK == 0 and not bool(active.any()):
            break
        image = apply(p)
        curvature = dot(p, image)
        curved = active & (curvature > 0.0)
        if n == 0:
            x = p * spread(active & ~curved, p)
        active = curved
        step = spread(torch.where(active, rz / curvature, 0.0), x)
        x.addcmul_(step, p)
        r.addcmul_(step, image, value=-1)
        z = precondition(r)
        length = torch.where(active, size(z), length)
        count += active
        active = active & (length > goal)
        before, rz = rz, dot(r, z)
        p = torch.addcmul(z * spread(active, z), spread(torch.where(active, rz / before, 0.0), p), p)
    return Solution(x, length, count, length <= goal)


def biconjugate_gradient(
    apply: Operator,
    b: Tensor,
    *,
    goal: Tensor,
    iterations: int,
    precondition: Operator = lambda r: r,
    size: Operator = norm,
    active: Tensor | None = None,
) -> Solution:
    """Stabilised biconjugate gradients for any A [van der Vorst 1992, SIAM J. Sci. Stat. Comput. 13, 631-644],
    preconditioned from the right; a member whose recursion breaks down begins again from the x that it has.

    goal, size, active: as of `conjugate_gradient`."""
    x, r = torch.zeros_like(b), b.clone()
    shadow, p = r.clone(), r.clone()
    rho = dot(shadow, r)
    length = size(precondition(r))
    active = length > goal if active is None else active & (length > goal)
    count = torch.zeros_like(goal, dtype=torch.int64)
    for n in range(iterations):
        if n % LOOK == 0 and not bool(active.any()):
            break
        going = spread(active, r) != 0
        ahead = precondition(p)
        v = apply(ahead)
        along = dot(shadow, v)
        alpha = torch.where(active, safe_ratio(rho, along), 0.0)
        s = torch.addcmul(r, spread(-alpha, r), v)
        aside = precondition(s)
        t = apply(aside)
        omega = torch.where(active, safe_ratio(dot(t, s), dot(t, t)), 0.0)
        x = torch.where(going, x + spread(alpha, x) * ahead + spread(omega, x) * aside, x)
        r = torch.where(going, torch.addcmul(s, spread(-omega, s), t), r)
        length = torch.where(active, size(precondition(r)), length)
        count += active
        active = active & (length > goal)
        after = dot(shadow, r)
        beta = safe_ratio(after, rho) * safe_ratio(alpha, omega)
        weak = after.abs() < 1e-12 * norm(shadow) * norm(r)
        again = spread(active & (weak | (beta == 0.0)), r) != 0
        p = torch.where(again, r, r + spread(beta, r) * torch.addcmul(p, spread(-omega, p), v))
        shadow = torch.where(again, r, shadow)
        rho = dot(shadow, r)
    return Solution(x, length, count, length <= goal)


def spread(numbers: Tensor, like: Tensor) -> Tensor:
    """[batch] -> [batch, 1, ...] in the precision of `like`"""
    return numbers.to(like.dtype).view(-1, *[1] * (like.ndim - 1))


def safe_ratio(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(b != 0.0, a / torch.where(b != 0.0, b, 1.0), 0.0)
