"""What moves a fluid and what it carries: transport, forces, drag and buoyancy, without the pressure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.staggered.forcing import Force
from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.momentum import Transport
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Immersion
from scenegrad.solvers.navier_stokes.staggered.rooms import Weights
from scenegrad.solvers.navier_stokes.staggered.sides import Known, Sides
from scenegrad.solvers.navier_stokes.staggered.slices import but_last, means
from scenegrad.solvers.navier_stokes.staggered.strain import Eddies

__all__ = ["Carried", "Physics", "Rates"]


@dataclass(frozen=True)
class Carried:
    """One tracer: where its numbers are, and whether it diffuses and pushes the fluid."""

    name: str
    diffuses: bool
    buoyant: bool


@dataclass(frozen=True)
class Rates:
    """Rates of change without pressure: of the components on their faces [m/s^2], of the tracers [unit/s]."""

    velocity: list[Tensor]
    tracers: list[Tensor]


@dataclass(frozen=True)
class Physics:
    """u_t = -div(u u) + viscosity laplace u - drag u + f + sum of buoyancy c,  c_t = -div(u c) + div(D grad c)."""

    grid: Grid
    sides: Sides
    transport: Transport
    fluid: str
    viscous: bool
    damped: bool
    force: Force | None
    carried: tuple[Carried, ...]
    eddies: Eddies | None = None
    implicit: bool = False  # diffusion is left to the end of the step, see implicit.py

    def number(self, params: Params, address: str) -> Tensor:
        """[batch, 1, ...] beside a field"""
        return params[address].to(self.grid.dtype).view(-1, *[1] * self.grid.dim)

    def rates(
        self,
        velocity: Sequence[Tensor],
        tracers: Sequence[Tensor],
        params: Params,
        known: Known,
        solid: Immersion | None = None,
    ) -> Rates:
        viscosity = self.number(params, f"{self.fluid}.viscosity") if self.viscous and not self.implicit else None
        eddy = None
        if self.eddies is not None:
            eddy = self.eddies.viscosity(velocity, self.number(params, self.eddies.address), known)
        found = self.transport.of_velocity(velocity, viscosity, known, self.eddies, eddy)
        if self.damped:
            drag = self.number(params, f"{self.fluid}.drag")
            found = [rate - drag * u for rate, u in zip(found, velocity, strict=True)]
        if self.force is not None:
            found = [rate + push for rate, push in zip(found, self.force.at(params), strict=True)]
        changes = []
        for number, (tracer, one) in enumerate(zip(tracers, self.carried, strict=True)):
            diffusivity = self.number(params, f"{one.name}.diffusivity") if one.diffuses and not self.implicit else None
            ajar = None if solid is None else solid.insulating.get(number)
            changes.append(self.transport.of_tracer(tracer, number, velocity, diffusivity, known, ajar))
            if one.buoyant:
                found = self.lifted(found, tracer, number, params, known)
        return Rates(found, changes)

    @cached_property
    def plain(self) -> bool:
        """Whether nothing but itself, viscosity and buoyancy moves the fluid, and nothing else changes tracers."""
        moved = self.damped or self.force is not None or self.eddies is not None
        through = any(tracer.kind == "flux" for side in self.sides.sides.values() for tracer in side.tracers)
        return not (moved or through)

    def step(
        self, velocity: Sequence[Tensor], tracers: Sequence[Tensor], params: Params, known: Known, weights: Weights
    ) -> tuple[Rates, list[Tensor]]:
        """Rates of a plain fluid, and velocity and tracers after a step with weights, in one go."""
        viscosity = self.number(params, f"{self.fluid}.viscosity") if self.viscous and not self.implicit else None
        if not tracers:
            found, after = self.transport.step(velocity, viscosity, known, weights)
            return Rates(found, []), after
        diffusivities = [
            self.number(params, f"{one.name}.diffusivity") if one.diffuses and not self.implicit else None
            for one in self.carried
        ]
        pull = None
        if any(one.buoyant for one in self.carried):
            numbers = [params[f"{one.name}.buoyancy"] if one.buoyant else None for one in self.carried]
            none = velocity[0].new_zeros(len(velocity[0]), self.grid.dim)
            pull = torch.stack([none if one is None else one.to(self.grid.dtype) for one in numbers], dim=1)
        given = (viscosity, diffusivities, pull, known, weights)
        found, after = self.transport.step_with(velocity, tracers, *given)
        return Rates(found[: self.grid.dim], found[self.grid.dim :]), after

    def lifted(self, rates: list[Tensor], tracer: Tensor, number: int, params: Params, known: Known) -> list[Tensor]:
        """With the acceleration by a tracer, its mean on each face times its buoyancy."""
        pull = params[f"{self.carried[number].name}.buoyancy"].to(self.grid.dtype)
        found = []
        for place, (axis, rate) in enumerate(zip(self.grid.axes, rates, strict=True)):
            on_faces = means(self.sides.pad_tracer(tracer, number, axis, 1, known), axis)
            if self.grid.periodic[axis]:
                on_faces = but_last(on_faces, axis)
            found.append(torch.addcmul(rate, on_faces, pull[:, place].view(-1, *[1] * self.grid.dim)))
        return found

    def accelerations(self, tracers: Tensor | None, params: Params) -> Tensor:
        """Largest size along each axis of what pushes the fluid, but for pressure and viscosity [batch, dim]."""
        batch = params[f"{self.fluid}.viscosity"].shape[0]
        found = torch.zeros(batch, self.grid.dim, device=self.grid.device, dtype=self.grid.dtype)
        if self.force is not None:
            found = found + torch.stack([push.flatten(1).abs().amax(1) for push in self.force.at(params)], dim=1)
        for number, one in enumerate(self.carried):
            if one.buoyant:
                assert tracers is not None
                largest = tracers[:, number].flatten(1).abs().amax(1, keepdim=True)
                found = found + largest * params[f"{one.name}.buoyancy"].abs()
        return found

    def largest_eddy(self, velocity: Sequence[Tensor], params: Params) -> Tensor | float:
        """Largest viscosity of unresolved eddies, twice, since they act on both slopes; beside sides that change with
        time, where these are at their least or most; float64 [batch]."""
        if self.eddies is None:
            return 0.0
        constant = self.number(params, self.eddies.address)
        fields = [
            self.eddies.viscosity(velocity, constant, known) for known in self.sides.extremes(params, len(constant))
        ]
        return 2.0 * torch.stack([eddy.flatten(1).amax(1) for eddy in fields]).amax(0).double()
