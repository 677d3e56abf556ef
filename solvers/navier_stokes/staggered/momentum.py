"""Rates of change of velocity and tracers without the pressure, in conservative form on the staggered grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.advection import Scheme
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import but_first, but_last, differences, first, inner, last

__all__ = ["Transport"]


@dataclass(frozen=True)
class Transport:
    """-div(u q) + div(diffusivity grad q) of every velocity component, and of every tracer.

    The volume of a velocity sample reaches from one cell to the next: through its ends across its own axis flows the
    mean velocity in the cells, through the others that at the edges [Harlow & Welch 1965].
    """

    grid: Grid
    sides: Sides
    scheme: Scheme

    @property
    def width(self) -> int:
        return self.scheme.width

    def of_velocity(self, velocity: Sequence[Tensor], diffusivity: Tensor | None, known: Known) -> list[Tensor]:
        """[m/s^2] on the faces; those on sides that hold a value have no meaning. diffusivity: [batch, 1, ...]."""
        grid, sides, width = self.grid, self.sides, self.width
        closed = {c: sides.closed(q, c) for c, q in zip(grid.axes, velocity, strict=True)}
        padded: dict[tuple[int, int], Tensor] = {}
        for c, q in zip(grid.axes, velocity, strict=True):
            for axis in grid.axes:
                source = q if axis == c else closed[c]
                padded[c, axis] = sides.pad_velocity(source, c, axis, width, known)
        rates = []
        for c in grid.axes:
            rate: Tensor | None = None
            for axis in grid.axes:
                if axis == c:  # cells from beyond the first face to beyond the last
                    half = halves(inner(padded[c, c], c, width - 1), c)
                else:
                    half = halves(inner(padded[axis, c], c, width - 1), c)
                rate = self.add(rate, padded[c, axis], half, diffusivity, axis)
            assert rate is not None
            rates.append(but_last(rate, c) if grid.periodic[c] else rate)
        return rates

    def of_tracer(
        self, tracer: Tensor, number: int, velocity: Sequence[Tensor], diffusivity: Tensor | None, known: Known
    ) -> Tensor:
        """[unit/s] in the cells."""
        rate: Tensor | None = None
        for axis, u in zip(self.grid.axes, velocity, strict=True):
            q = self.sides.pad_tracer(tracer, number, axis, self.width, known)
            rate = self.add(rate, q, 0.5 * self.sides.closed(u, axis), diffusivity, axis)
        assert rate is not None
        for axis in self.grid.axes:
            for side in (LO, HI):
                place = (axis, side)
                if (place, number) in known.tracers and self.sides[place].tracers[number].kind == "flux":
                    slab = first(rate, axis) if side == LO else last(rate, axis)
                    slab.add_(known.tracers[place, number] / self.grid.spacing[axis])
        return rate

    def add(self, rate: Tensor | None, q: Tensor, half: Tensor, diffusivity: Tensor | None, axis: int) -> Tensor:
        """The rate with what passes along one axis. q: with ghosts; half: half the velocity between samples."""
        h = self.grid.spacing[axis]
        steps = differences(q, axis)
        flux = self.scheme.flux(q, steps, half, axis)
        if diffusivity is not None:
            flux = torch.addcmul(flux, inner(steps, axis, self.width - 1), diffusivity, value=-1.0 / h)
        gain = differences(flux, axis)
        return torch.mul(gain, -1.0 / h) if rate is None else rate.add_(gain, alpha=-1.0 / h)


def halves(velocity: Tensor, axis: int) -> Tensor:
    """Half of the mean of neighbours."""
    return torch.add(but_first(velocity, axis), but_last(velocity, axis)).mul_(0.25)
