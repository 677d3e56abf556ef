"""The polar rotation and Hencky's strain of torch tensors, with the same adjoints as in kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["log_stretch_of", "polar_rotation_of"]

NEAR = 0.2  # |F F' - I| up to which the series of the logarithm is used
TERMS = 9


def polar_rotation_of(F: Tensor) -> Tensor:
    """R of F = R S [..., dim, dim], for det F > 0."""
    if F.shape[-1] == 2:
        p, q = F[..., 0, 0] + F[..., 1, 1], F[..., 1, 0] - F[..., 0, 1]
        size = (p.square() + q.square()).sqrt()
        c, s = p / size, q / size
        return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
    return PolarRotation.apply(F)


class PolarRotation(torch.autograd.Function):
    """F_bar = R [w]x, K w = axial(R' R_bar), K = tr(S) I - S."""

    @staticmethod
    def forward(ctx: Any, F: Tensor) -> Tensor:
        U, _, Vh = torch.linalg.svd(F)
        R = U @ Vh
        ctx.save_for_backward(F, R)
        return R

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, R_bar: Tensor) -> Tensor:
        F, R = ctx.saved_tensors
        S, A = R.mT @ F, R.mT @ R_bar
        one = torch.eye(3, dtype=F.dtype, device=F.device)
        K = S.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None] * one - (S + S.mT) / 2
        axial = torch.stack([A[..., 2, 1] - A[..., 1, 2], A[..., 0, 2] - A[..., 2, 0], A[..., 1, 0] - A[..., 0, 1]], -1)
        w = torch.linalg.solve(K, axial[..., None]).squeeze(-1)
        skew = torch.linalg.cross(w[..., None, :].expand_as(F), one.expand_as(F)).mT
        return R @ skew


def log_stretch_of(F: Tensor) -> Tensor:
    """E = log(F F') / 2 [..., dim, dim], for det F > 0."""
    one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
    X = F @ F.mT - one
    far = X.detach().square().sum((-2, -1)) >= NEAR**2
    X = torch.where(far[..., None, None], 0.0, X)
    Z = torch.linalg.solve(2 * one + X, X)
    square = Z @ Z
    total = one / (2 * TERMS - 1)
    for k in reversed(range(TERMS - 1)):
        total = total @ square + one / (2 * k + 1)
    E = total @ Z
    if bool(far.any()):
        E = E.masked_scatter(far[..., None, None].expand_as(E), LogStretch.apply(F[far]))
    return E


class LogStretch(torch.autograd.Function):
    """F_bar = 2 U (G * U' sym(E_bar) U) U' F, G_ij = (x / sinh x) / (2 s_i s_j), x = log(s_i / s_j)."""

    @staticmethod
    def forward(ctx: Any, F: Tensor) -> Tensor:
        U, s, _ = torch.linalg.svd(F)
        ctx.save_for_backward(F, U, s)
        return U @ torch.diag_embed(s.log()) @ U.mT

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, E_bar: Tensor) -> Tensor:
        F, U, s = ctx.saved_tensors
        x = (s[..., :, None] / s[..., None, :]).log()
        small = x.abs() < 0.02
        smooth = torch.where(small, 1.0, x)
        ratio = torch.where(small, 1 - x**2 / 6 + 7 * x**4 / 360, smooth / smooth.sinh())
        gain = ratio / (2 * s[..., :, None] * s[..., None, :])
        return U @ (gain * (U.mT @ (E_bar + E_bar.mT) @ U)) @ U.mT @ F
