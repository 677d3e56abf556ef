"""Diffusion by Crank and Nicolson: half of it at the end of the step, found by fast Helmholtz solves.

(1 - k L) d = what a step of Euler would change, k = dt diffusivity / 2, for the change d of each field; d is zero
where a side holds a value, because the field has been given its new values there beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.axes import Axis, End
from scenegrad.solvers.elliptic.fast import FastPoisson
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import but_last, differences, first

__all__ = ["Diffusion"]


@dataclass(frozen=True)
class Diffusion:
    """L and (1 - k L)^-1 of velocity components and tracers, each with the ends that the sides give it."""

    grid: Grid
    sides: Sides
    made: dict[tuple[int | None, int | None], FastPoisson] = field(default_factory=dict, compare=False)

    def laplace_velocity(self, u: Tensor, component: int, known: Known) -> Tensor:
        """On all faces; those on sides that hold a value have no meaning."""
        closed = self.sides.closed(u, component)

        def padded(axis: int) -> Tensor:
            return self.sides.pad_velocity(u if axis == component else closed, component, axis, 1, known)

        found = self.laplace(padded)
        return but_last(found, component) if self.grid.periodic[component] else found

    def laplace_tracer(self, c: Tensor, number: int, known: Known) -> Tensor:
        return self.laplace(lambda axis: self.sides.pad_tracer(c, number, axis, 1, known))

    def laplace(self, padded: Callable[[int], Tensor]) -> Tensor:
        total: Tensor | None = None
        for axis in self.grid.axes:
            second = differences(differences(padded(axis), axis), axis) / self.grid.spacing[axis] ** 2
            total = second if total is None else total + second
        assert total is not None
        return total

    def solve_velocity(self, change: Tensor, component: int, k: Tensor) -> Tensor:
        """The change of a component on all its faces; k [batch]."""
        lo, hi = self.rims(component)
        inside = change.narrow(component, lo, change.shape[component] - lo - hi)
        found = self.helmholtz(component).solve(inside.contiguous(), 1.0, k)
        pieces = [found]
        if lo:
            pieces.insert(0, torch.zeros_like(first(change, component)))
        if hi:
            pieces.append(torch.zeros_like(first(change, component)))
        return torch.cat(pieces, dim=component)

    def solve_tracer(self, change: Tensor, number: int, k: Tensor) -> Tensor:
        return self.helmholtz(None, number).solve(change, 1.0, k)

    def rims(self, component: int) -> tuple[int, int]:
        """Faces at either end of a component's own axis that are known."""
        if self.grid.periodic[component]:
            return 0, 0
        lo, hi = (int(self.sides[component, side].kind != "outflow") for side in (LO, HI))
        return lo, hi

    def helmholtz(self, component: int | None, number: int | None = None) -> FastPoisson:
        key = (component, number)
        if key not in self.made:
            axes = tuple(self.axis(component, number, axis) for axis in self.grid.axes)
            self.made[key] = FastPoisson(axes, self.grid.device, self.grid.dtype)
        return self.made[key]

    def axis(self, component: int | None, number: int | None, axis: int) -> Axis:
        grid = self.grid
        if grid.periodic[axis]:
            return Axis(grid.cells[axis], grid.spacing[axis])

        def end(side: int) -> End:
            one = self.sides[axis, side]
            if number is not None:
                return "dirichlet" if one.tracers[number].kind == "value" else "neumann"
            if one.held(along=component != axis) == "slope":
                return "neumann"
            return "node" if component == axis else "dirichlet"

        count = grid.cells[axis]
        if component == axis:
            count += 1 - sum(self.rims(axis))
        return Axis(count, grid.spacing[axis], end(LO), end(HI))
