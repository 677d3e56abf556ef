"""Poisson and Helmholtz equations with constant coefficients, solved to round-off by fast transforms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis, Symbol
from scenegrad.solvers.elliptic.transforms import Transform, transform

__all__ = ["FastPoisson"]


@dataclass(frozen=True)
class FastPoisson:
    """(shift - diffusivity laplace_h) x = b on a uniform grid, each axis with ends of its own.

    laplace_h is the second-order stencil of 3, 5 or 7 points (`symbol="stencil"`), or the derivative of the waves that
    the grid carries (`symbol="spectral"`). Fourier transforms serve the periodic axes, cosines and sines the others
    [Swarztrauber 1977, SIAM Review 19, 490-501]. Where no end holds a value and shift = 0, a constant cannot be
    determined: the mean of b is taken away and x has mean zero.

    The operator is symmetric, so the derivative of a solve is the same solve; it may be taken twice.
    """

    axes: tuple[Axis, ...]
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    symbol: Symbol = "stencil"

    def __post_init__(self) -> None:
        if not 1 <= len(self.axes) <= 3:
            raise ValueError(f"1, 2 or 3 axes; got {len(self.axes)}")

    @property
    def cells(self) -> tuple[int, ...]:
        return tuple(axis.count for axis in self.axes)

    @property
    def floats(self) -> bool:
        """Whether a constant is in the null space of laplace_h."""
        return all(axis.floats for axis in self.axes)

    def solve(self, b: Tensor, shift: Tensor | float = 0.0, diffusivity: Tensor | float = 1.0) -> Tensor:
        """x of b [batch, *cells]; shift, diffusivity >= 0: numbers, or one for each member [batch]."""
        asked = torch.is_grad_enabled()
        if asked and any(isinstance(given, Tensor) and given.requires_grad for given in (b, shift, diffusivity)):
            numbers = [
                v.to(b.device, b.dtype).reshape(-1) if isinstance(v, Tensor) else b.new_full((1,), v)
                for v in (shift, diffusivity)
            ]
            solved: Tensor = FastSolve.apply(self, b, *numbers)
            return solved
        return self.invert(b, shift, diffusivity)

    def laplace(self, x: Tensor) -> Tensor:
        """laplace_h x [batch, *cells], by the same transforms."""
        found: Tensor = FastLaplace.apply(self, x)
        return found

    # ---- by transforms

    def invert(self, b: Tensor, shift: Tensor | float, diffusivity: Tensor | float) -> Tensor:
        return self.back(self.forward(b) * self.inverse(shift, diffusivity))

    def inverse(self, shift: Tensor | float, diffusivity: Tensor | float) -> Tensor:
        """1 / eigenvalue, and zero where that is zero [1 or batch, *spectrum]."""
        if not isinstance(shift, Tensor) and not isinstance(diffusivity, Tensor) and shift == 0.0:
            return self.reciprocals if diffusivity == 1.0 else self.reciprocals / diffusivity
        value = self.spread(shift) + self.spread(diffusivity) * self.eigenvalues
        return torch.where(value == 0.0, 0.0, 1.0 / value)

    def spread(self, number: Tensor | float) -> Tensor | float:
        """[batch] -> [batch, 1, ...] beside a spectrum"""
        if not isinstance(number, Tensor):
            return number
        return number.to(self.device, self.dtype).reshape(-1, *[1] * (self.eigenvalues.ndim - 1))

    @cached_property
    def eigenvalues(self) -> Tensor:
        """Of -laplace_h [1, *spectrum]."""
        columns: list[np.ndarray] = []
        for number, axis in enumerate(self.axes):
            if not axis.periodic:
                columns.append(axis.eigenvalues(self.symbol))
            elif number == self.waves[-1]:
                columns.append(axis.half_spectrum(self.symbol))
            else:
                columns.append(axis.spectrum(self.symbol))
        total = sum(np.ix_(*columns))
        return torch.from_numpy(np.asarray(total)).to(self.device, self.dtype)[None]

    @cached_property
    def reciprocals(self) -> Tensor:
        return torch.where(self.eigenvalues == 0.0, 0.0, 1.0 / self.eigenvalues)

    @cached_property
    def waves(self) -> tuple[int, ...]:
        """The periodic axes."""
        return tuple(number for number, axis in enumerate(self.axes) if axis.periodic)

    @cached_property
    def transforms(self) -> dict[int, Transform]:
        """Of the other axes."""
        return {
            number: transform(axis, self.device, self.dtype)
            for number, axis in enumerate(self.axes)
            if not axis.periodic
        }

    def forward(self, x: Tensor) -> Tensor:
        """Coefficients of the eigenfunctions [batch, *spectrum], complex where an axis is periodic."""
        for number, one in self.transforms.items():
            x = one.forward(x, 1 + number)
        return torch.fft.rfftn(x, dim=[1 + number for number in self.waves]) if self.waves else x

    def back(self, x: Tensor) -> Tensor:
        if self.waves:
            size = [self.axes[number].count for number in self.waves]
            x = torch.fft.irfftn(x, s=size, dim=[1 + number for number in self.waves])
        for number, one in self.transforms.items():
            x = one.back(x, 1 + number)
        return x


class FastSolve(torch.autograd.Function):
    """x = A^-1 b, A = shift - diffusivity laplace: b_bar = A^-1 x_bar, shift_bar = -b_bar . x,
    diffusivity_bar = b_bar . laplace x."""

    @staticmethod
    def forward(ctx: Any, fast: FastPoisson, b: Tensor, shift: Tensor, diffusivity: Tensor) -> Tensor:
        x = fast.invert(b, shift, diffusivity)
        ctx.fast = fast
        ctx.save_for_backward(x, shift, diffusivity)
        return x

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor | None, ...]:
        x, shift, diffusivity = ctx.saved_tensors
        b_bar = FastSolve.apply(ctx.fast, x_bar, shift, diffusivity)
        shift_bar = -members(b_bar * x, shift) if ctx.needs_input_grad[2] else None
        diffusivity_bar = members(b_bar * ctx.fast.laplace(x), diffusivity) if ctx.needs_input_grad[3] else None
        return None, b_bar, shift_bar, diffusivity_bar


class FastLaplace(torch.autograd.Function):
    """y = laplace_h x, symmetric."""

    @staticmethod
    def forward(ctx: Any, fast: FastPoisson, x: Tensor) -> Tensor:
        ctx.fast = fast
        return fast.back(fast.forward(x) * -fast.eigenvalues)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
        return None, FastLaplace.apply(ctx.fast, y_bar)


def members(product: Tensor, number: Tensor) -> Tensor:
    """Sum over the cells [batch], and over the members where one number serves them all."""
    each = product.flatten(1).sum(1)
    return each if number.numel() == each.numel() else each.sum().reshape(1)
