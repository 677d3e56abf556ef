"""Logarithm and exponential of symmetric matrices, with adjoints that are right at equal eigenvalues.

f(A) = V f(a) V'. A change dA changes it by V (D o V'dA V) V', D_ij = (f(a_i) - f(a_j)) / (a_i - a_j), which is f'(a_i)
where they are equal [Daleckii & Krein 1965; Higham 2008, Functions of Matrices, section 3.2].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["exp_symmetric", "log_symmetric"]

NEAR = 0.02  # up to here, four terms of a series in its square are exact to rounding

Quotient = Callable[[Tensor, Tensor], Tensor]


def log_symmetric(A: Tensor) -> Tensor:
    """ln A of positive definite A [..., dim, dim]."""
    return Isotropic.apply(A, torch.log, log_quotient)[0]


def exp_symmetric(A: Tensor) -> Tensor:
    """exp A [..., dim, dim]."""
    return Isotropic.apply(A, torch.exp, exp_quotient)[0]


class Isotropic(torch.autograd.Function):
    """f(A), and its eigenvalues and vectors for the way back."""

    generate_vmap_rule = True

    @staticmethod
    def forward(A: Tensor, function: Callable[[Tensor], Tensor], quotient: Quotient) -> tuple[Tensor, Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(A)
        return vectors @ (function(values)[..., None] * vectors.mT), values, vectors

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        _, values, vectors = output
        ctx.mark_non_differentiable(values, vectors)
        ctx.save_for_backward(values, vectors)
        ctx.quotient = inputs[2]

    @staticmethod
    def backward(ctx: Any, bar: Tensor, *_: Tensor) -> tuple[Tensor, None, None]:
        values, vectors = ctx.saved_tensors
        quotients = ctx.quotient(values[..., :, None], values[..., None, :])
        return vectors @ (quotients * (vectors.mT @ bar @ vectors)) @ vectors.mT, None, None


def log_quotient(a: Tensor, b: Tensor) -> Tensor:
    """(ln a - ln b) / (a - b) = 2 / (a + b) artanh(x) / x,   x = (a - b) / (a + b)"""
    x = (a - b) / (a + b)
    small, far = x.abs() < NEAR, torch.where(x.abs() < NEAR, 0.5, x)
    x2 = x.square()
    series = 1 + x2 * (1 / 3 + x2 * (1 / 5 + x2 / 7))
    return 2 / (a + b) * torch.where(small, series, torch.atanh(far) / far)


def exp_quotient(a: Tensor, b: Tensor) -> Tensor:
    """(e^a - e^b) / (a - b) = e^((a + b)/2) sinh(y) / y,   y = (a - b) / 2"""
    y = (a - b) / 2
    small, far = y.abs() < NEAR, torch.where(y.abs() < NEAR, 0.5, y)
    y2 = y.square()
    series = 1 + y2 / 6 * (1 + y2 / 20 * (1 + y2 / 42))
    return ((a + b) / 2).exp() * torch.where(small, series, torch.sinh(far) / far)
