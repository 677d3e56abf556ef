"""The rotation in a deformation gradient, with an adjoint that is right at equal stretches too.

F = R S, S = R'F symmetric. A change dF turns R by dR = R w, w antisymmetric, S w + w S = R'dF - dF'R, which is singular
only where two stretches cancel each other (s_i + s_j = 0); that they are equal does not matter.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["polar_rotation"]

NEWTON_STEPS = 9  # scaled Newton steps reach rounding from stretches that differ by a factor of 1e4


def polar_rotation(F: Tensor) -> Tensor:
    """R of F = R S, [..., dim, dim] for dim 2 or 3; twice differentiable. det F > 0."""
    return Polar.apply(F)


class Polar(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(F: Tensor) -> Tensor:
        return in_plane(F) if F.shape[-1] == 2 else in_space(F)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Any, bar: Tensor) -> Tensor:
        F, R = ctx.saved_tensors
        S, turned = R.mT @ F, R.mT @ bar
        trace = S.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        if F.shape[-1] == 2:
            return R @ (turned - turned.mT) / trace
        one = torch.eye(3, dtype=F.dtype, device=F.device)
        axis = cofactors(trace * one - S) @ axial(turned)[..., None]
        return R @ spin(axis.squeeze(-1) / determinant(trace * one - S)[..., None])


def in_plane(F: Tensor) -> Tensor:
    """R = [[p, -q], [q, p]] / |(p, q)|, p = F11 + F22, q = F21 - F12"""
    p, q = F[..., 0, 0] + F[..., 1, 1], F[..., 1, 0] - F[..., 0, 1]
    size = torch.hypot(p, q)
    p, q = p / size, q / size
    return torch.stack([torch.stack([p, -q], -1), torch.stack([q, p], -1)], -2)


def in_space(F: Tensor) -> Tensor:
    """X <- (g X + X^-T / g) / 2, g = sqrt(|X^-1| / |X|)   [Higham 1986, SIAM J. Sci. Stat. Comput. 7(4)]"""
    X = F
    for _ in range(NEWTON_STEPS):
        inverse = cofactors(X) / determinant(X)[..., None, None]  # transposed
        ratio = inverse.square().sum((-2, -1)) / X.square().sum((-2, -1))
        g = ratio.pow(0.25)[..., None, None]
        X = 0.5 * (g * X + inverse / g)
    return X


def cofactors(A: Tensor) -> Tensor:
    """det(A) A^-T, [..., 3, 3]"""
    a, b, c = A.unbind(-2)
    return torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], -2)


def determinant(A: Tensor) -> Tensor:
    """[..., 3, 3] -> [...]"""
    a, b, c = A.unbind(-2)
    return (a * torch.linalg.cross(b, c)).sum(-1)


def axial(A: Tensor) -> Tensor:
    """(A32 - A23, A13 - A31, A21 - A12)"""
    return torch.stack([A[..., 2, 1] - A[..., 1, 2], A[..., 0, 2] - A[..., 2, 0], A[..., 1, 0] - A[..., 0, 1]], -1)


def spin(w: Tensor) -> Tensor:
    """The matrix of w x, [..., 3] -> [..., 3, 3]"""
    x, y, z = w.unbind(-1)
    o = torch.zeros_like(x)
    return torch.stack([torch.stack([o, -z, y], -1), torch.stack([z, o, -x], -1), torch.stack([-y, x, o], -1)], -2)
