"""The part of a velocity that changes volumes, and the pressure that takes it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.elliptic.axes import Axis, End
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.elliptic.solver import EllipticSolver
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import differences, first, last

__all__ = ["Projection", "divergence"]


def divergence(grid: Grid, sides: Sides, velocity: Sequence[Tensor]) -> Tensor:
    """[batch, *cells] [1/s]"""
    total: Tensor | None = None
    for axis, u in zip(grid.axes, velocity, strict=True):
        gain = differences(sides.closed(u, axis), axis)
        h = grid.spacing[axis]
        total = gain.mul_(1.0 / h) if total is None else total.add_(gain, alpha=1.0 / h)
    assert total is not None
    return total


class Inverse(torch.autograd.Function):
    """-laplace^-1, which is its own transpose."""

    @staticmethod
    def forward(ctx: Any, fast: FastPoisson, source: Tensor) -> Tensor:
        ctx.fast = fast
        return fast.invert(source, 0.0, 1.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[None, Tensor]:
        return None, ctx.fast.invert(bar, 0.0, 1.0)


@dataclass(frozen=True)
class Projection:
    """u = u* - grad f with laplace f = div u*, so that div u = 0 [Chorin 1968, Math. Comp. 22, 745-762].

    f = dt p / density [m^2/s]. It has no slope at walls and inflows, and a value at outflows.
    """

    grid: Grid
    sides: Sides
    tolerance: float | None = None  # of an iterative solve, relative

    @cached_property
    def fast(self) -> FastPoisson:
        return FastPoisson(self.axes, self.grid.device, self.grid.dtype)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        def end(axis: int, side: int) -> End:
            kind = self.sides[axis, side].kind
            return "periodic" if kind == "periodic" else "dirichlet" if kind == "outflow" else "neumann"

        grid = self.grid
        return tuple(Axis(grid.cells[a], grid.spacing[a], end(a, LO), end(a, HI)) for a in grid.axes)

    def __call__(
        self,
        velocity: Sequence[Tensor],
        known: Known | None,
        shares: Sequence[Tensor] | None = None,
        guess: Tensor | None = None,
    ) -> tuple[list[Tensor], Tensor]:
        """(velocity without divergence, f). known: f at outflows in the place of a pressure; None where it is zero.

        shares: of fluid in what is at each face; the pressure then acts on that alone, div(share grad f) = div u*.
        guess: of f, from which such a solve begins.
        """
        source = divergence(self.grid, self.sides, velocity).neg_()
        if shares is None:
            f: Tensor = Inverse.apply(self.fast, self.lifted(source, known))
        else:
            batch = len(source)
            faces = [share.expand(batch, *share.shape[1:]) for share in shares]
            f = self.elliptic.solve(self.lifted(source, known), faces, guess=guess).x
        return self.corrected(velocity, f, known, shares), f

    @cached_property
    def elliptic(self) -> EllipticSolver:
        return EllipticSolver.fast(self.axes, self.grid.device, self.grid.dtype, self.tolerance)

    def lifted(self, source: Tensor, known: Known | None) -> Tensor:
        """What values at the outflows add to the equation of the cells beside them."""
        for (axis, side), value in () if known is None else known.pressure.items():
            slab = first(source, axis) if side == LO else last(source, axis)
            slab.add_(value, alpha=2.0 / self.grid.spacing[axis] ** 2)
        return source

    def corrected(
        self, velocity: Sequence[Tensor], f: Tensor, known: Known | None, shares: Sequence[Tensor] | None = None
    ) -> list[Tensor]:
        if shares is None:
            steps = zip(self.grid.spacing, velocity, self.steps(f, known), strict=True)
            return [u.add(step, alpha=-1.0 / h) for h, u, step in steps]
        columns = zip(self.grid.spacing, velocity, self.steps(f, known), shares, strict=True)
        return [torch.addcmul(u, step, share, value=-1.0 / h) for h, u, step, share in columns]

    def steps(self, f: Tensor, known: Known | None) -> list[Tensor]:
        """f_i - f_i-1 on the faces across each axis."""
        return [differences(self.sides.pad_pressure(f, axis, known), axis) for axis in self.grid.axes]

    def still(self, velocity: Sequence[Tensor]) -> list[Tensor]:
        """With zero on the sides that hold a value: a difference of two velocities that keep to the same sides."""
        nothing = Known({}, {}, {})
        return [self.sides.impose(u, axis, nothing) for axis, u in zip(self.grid.axes, velocity, strict=True)]
