"""Rates of change of velocity and tracers without the pressure, in conservative form on the staggered grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.advection import Gain, Scheme
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.sides import HI, LO, Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import but_last, differences, first, inner, last
from scenegrad.solvers.navier_stokes.staggered.strain import Eddies

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

    def of_velocity(
        self,
        velocity: Sequence[Tensor],
        diffusivity: Tensor | None,
        known: Known,
        eddies: Eddies | None = None,
        eddy: Tensor | None = None,
    ) -> list[Tensor]:
        """[m/s^2] on the faces; those on sides that hold a value have no meaning. diffusivity: [batch, 1, ...].
        eddy: viscosity of unresolved eddies in the cells."""
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
                rate = self.add(rate, padded[c, axis], padded[axis, c], diffusivity, axis, across=c)
                if eddies is not None and eddy is not None:  # of the transposed slope too, which does not cancel here
                    turned = differences(inner(padded[axis, c], c, width - 1), c) / grid.spacing[c]
                    steps = inner(differences(padded[c, axis], axis), axis, width - 1) / grid.spacing[axis]
                    stress = eddies.between(eddy, c, axis) * (steps + turned)
                    rate = rate.add_(differences(stress, axis), alpha=1.0 / grid.spacing[axis])
            assert rate is not None
            rates.append(but_last(rate, c) if grid.periodic[c] else rate)
        return rates

    def of_tracer(
        self,
        tracer: Tensor,
        number: int,
        velocity: Sequence[Tensor],
        diffusivity: Tensor | None,
        known: Known,
        open_shares: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """[unit/s] in the cells. open_shares: of each face, through which it can diffuse; all of it if left out."""
        rate: Tensor | None = None
        for axis, u in zip(self.grid.axes, velocity, strict=True):
            q = self.sides.pad_tracer(tracer, number, axis, self.width, known)
            through = diffusivity
            if diffusivity is not None and open_shares is not None:
                through = diffusivity * self.sides.closed(open_shares[axis], axis)
            rate = self.add(rate, q, self.sides.closed(u, axis), through, axis)
        assert rate is not None
        for axis in self.grid.axes:
            for side in (LO, HI):
                place = (axis, side)
                if (place, number) in known.tracers and self.sides[place].tracers[number].kind == "flux":
                    slab = first(rate, axis) if side == LO else last(rate, axis)
                    slab.add_(known.tracers[place, number] / self.grid.spacing[axis])
        return rate

    def add(
        self,
        rate: Tensor | None,
        q: Tensor,
        w: Tensor,
        diffusivity: Tensor | None,
        axis: int,
        across: int | None = None,
    ) -> Tensor:
        """The rate with what passes along one axis. q: with ghosts; w: velocity between the samples, or with ghosts the
        one whose mean across another axis that is."""
        h = self.grid.spacing[axis]
        k = None if diffusivity is None else diffusivity / h
        gain: Tensor = Gain.apply(self.scheme, axis, across, q, w, k)
        return torch.mul(gain, -1.0 / h) if rate is None else rate.add_(gain, alpha=-1.0 / h)
