"""The part of a velocity that changes volumes, and the pressure that takes it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import Any

import torch
import warp as wp
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.solvers.elliptic.axes import Axis, End
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.elliptic.solver import EllipticSolver
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.launches import Launches, on_stream, view
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import differences, first, last
from scenegrad.solvers.navier_stokes.staggered.slopes import gain, slope

__all__ = ["Projection", "divergence"]

Weights = tuple[tuple[float, ...], ...]  # by axis, of its lower and its upper end


def divergence(grid: Grid, sides: Sides, velocity: Sequence[Tensor]) -> Tensor:
    """[batch, *cells] [1/s]"""
    total: Tensor | None = None
    for axis, u in zip(grid.axes, velocity, strict=True):
        gain = differences(sides.closed(u, axis), axis)
        h = grid.spacing[axis]
        total = gain.mul_(1.0 / h) if total is None else total.add_(gain, alpha=1.0 / h)
    assert total is not None
    return total


@dataclass(frozen=True)
class Slopes:
    """Sums and differences of neighbours, by passes over rows. weights: of the faces on sides, by axis and end."""

    grid: Grid
    launches: Launches

    @cached_property
    def real(self) -> Any:
        return wp.float64 if self.grid.dtype == torch.float64 else wp.float32

    @cached_property
    def counts(self) -> tuple[int, ...]:
        return self.three(self.grid.cells, 1)

    def three(self, entries: Sequence[Any], filler: Any) -> tuple[Any, ...]:
        return (*[filler] * (3 - self.grid.dim), *entries)

    def gain(self, fields: Sequence[Tensor], scale: float, weights: Weights, onto: Tensor | None = None) -> Tensor:
        """sum over axes of (upper face - lower face) scale / h [batch, *cells]"""
        grid, batch = self.grid, len(fields[0])
        found = torch.empty((batch, *grid.cells), device=grid.device, dtype=grid.dtype)

        def numbers() -> Sequence[Any]:
            triple = wp.types.vector(3, self.real)
            more = wp.vec3i(*self.three([not wraps for wraps in grid.periodic], 0))
            scales = triple(*self.three([scale / h for h in grid.spacing], 0.0))
            ends = [triple(*self.three([each[side] for each in weights], 1.0)) for side in (LO, HI)]
            return wp.vec3i(*self.counts), more, scales, *ends

        arrays = [view(field.contiguous()) for field in fields]
        arrays = [*self.three(arrays, arrays[0]), arrays[0] if onto is None else view(onto), view(found)]
        kernel = gain(grid.dim, self.real, onto is not None)
        rows = batch * self.counts[0] * self.counts[1]
        with on_stream(grid.device):
            self.launches.rows(kernel, rows, self.counts[2], numbers, arrays, (scale, weights))
        return found

    def slope(
        self, f: Tensor, scale: float, weights: Weights, onto: Sequence[Tensor | None] | None = None
    ) -> list[Tensor]:
        """scale (f_i - f_i-1) / h on the faces across each axis"""
        grid, batch, found = self.grid, len(f), []
        cells = f.contiguous()

        def numbers(n: int) -> Sequence[Any]:
            ends = [self.real(weight) for weight in weights[n]]
            return wp.vec3i(*self.counts), int(grid.periodic[n]), self.real(scale / grid.spacing[n]), *ends

        with on_stream(grid.device):
            for n, axis in enumerate(grid.axes):
                base = None if onto is None else onto[n]
                shape = grid.shape(axis)
                out = torch.empty((batch, *shape), device=grid.device, dtype=grid.dtype)
                kernel = slope(self.real, axis + 3, base is not None)
                arrays = [view(cells), view(cells if base is None else base.contiguous()), view(out)]
                rows = batch * prod(shape[:-1])
                self.launches.rows(kernel, rows, shape[-1], partial(numbers, n), arrays, (scale, weights))
                found.append(out)
        return found


class Projected(torch.autograd.Function):
    """(f, u - grad f) with laplace f = div u, as one node of the graph that keeps nothing."""

    @staticmethod
    def forward(ctx: Any, projection: Projection, *velocity: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.projection = projection
        slopes = projection.slopes
        f = projection.inverse(slopes.gain(velocity, -1.0, projection.open))
        return f, *slopes.slope(f, -1.0, projection.held, velocity)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, f_bar: Tensor | None, *bars: Tensor | None) -> tuple[Tensor | None, ...]:
        projection: Projection = ctx.projection
        slopes, grid = projection.slopes, projection.grid
        if any(bar is not None for bar in bars):
            batch = next(len(bar) for bar in bars if bar is not None)
            columns = zip(grid.axes, bars, strict=True)
            whole = [grid.zeros(batch, axis) if bar is None else bar for axis, bar in columns]
            f_bar = slopes.gain(whole, 1.0, projection.held, None if f_bar is None else f_bar.contiguous())
        assert f_bar is not None
        back = projection.inverse(f_bar)
        return None, *slopes.slope(back, 1.0, projection.open, bars)


@dataclass(frozen=True)
class Projection:
    """u = u* - grad f with laplace f = div u*, so that div u = 0 [Chorin 1968, Math. Comp. 22, 745-762].

    f = dt p / density [m^2/s]. It has no slope at walls and inflows, and a value at outflows.
    """

    grid: Grid
    sides: Sides
    tolerance: float | None = None  # of an iterative solve, relative

    @cached_property
    def slopes(self) -> Slopes:
        return Slopes(self.grid, Launches(self.grid.device))

    @cached_property
    def open(self) -> Weights:
        """Of faces on the sides, where a velocity passes them."""
        return ((1.0, 1.0),) * self.grid.dim

    @cached_property
    def held(self) -> Weights:
        """Of slopes on the sides: none at walls and inflows, and twice that of f at outflows, where f is zero."""
        kinds = {"periodic": 1.0, "outflow": 2.0}
        return tuple(tuple(kinds.get(self.sides[a, side].kind, 0.0) for side in (LO, HI)) for a in self.grid.axes)

    @cached_property
    def fast(self) -> FastPoisson:
        return FastPoisson(self.axes, self.grid.device, self.grid.dtype)

    def inverse(self, source: Tensor) -> Tensor:
        """-laplace^-1, which is its own transpose."""
        return self.fast.back(self.fast.forward(source).mul_(self.fast.reciprocals))

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
        if shares is None and (known is None or not known.pressure):
            found = Projected.apply(self, *velocity)
            return list(found[1:]), found[0]
        source = divergence(self.grid, self.sides, velocity).neg_()
        if shares is None:
            f: Tensor = self.fast.solve(self.lifted(source, known))
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
