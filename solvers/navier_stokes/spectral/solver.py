"""Pseudo-spectral solver of the incompressible Navier-Stokes equations in a periodic box of two dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from scenegrad.engine.capture import Replays
from scenegrad.engine.keeping import keeps
from scenegrad.engine.solver import Program, Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.fastest import fastest_cell, speed_of
from scenegrad.solvers.navier_stokes.spectral.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.spectral.modes import Modes
from scenegrad.solvers.navier_stokes.spectral.state import VorticityState
from scenegrad.solvers.navier_stokes.spectral.stepping import Flow, SpectralStep, Stepper

__all__ = ["Addresses", "SpectralSolver"]


@dataclass(frozen=True)
class Addresses:
    """Where the numbers of a fluid are found in Params."""

    fluid: str
    stirred: bool

    @property
    def viscosity(self) -> str:
        return f"{self.fluid}.viscosity"

    @property
    def drag(self) -> str:
        return f"{self.fluid}.drag"

    @property
    def density(self) -> str:
        return f"{self.fluid}.density"

    @property
    def stirring(self) -> str:
        return f"{self.fluid}.forcing.amplitude"


@dataclass(frozen=True)
class SpectralSolver:
    """w_t + u.grad w = viscosity laplace w - drag w + curl f, with w = dv/dx - du/dy and div u = 0.

    Fourier collocation with the 2/3 rule [Orszag 1971], exponential Runge-Kutta in time. Modes that the rule cuts off
    are removed from a state when it is stepped. In float32 the transforms there and back shrink a field by 6e-8 of
    itself a step: measured, and the same with other libraries.
    """

    modes: Modes
    stepper: Stepper
    diagnostics: Diagnostics
    addresses: Addresses
    program: Program[VorticityState]
    replays: Replays = field(default_factory=Replays, init=False, repr=False, compare=False)

    @property
    def order(self) -> int:
        return self.stepper.method.order

    def flow(self, state: VorticityState, params: Params) -> Flow:
        viscosity = params[self.addresses.viscosity]
        stirring = params[self.addresses.stirring] if self.addresses.stirred else torch.zeros_like(viscosity)
        return Flow(state.vorticity, viscosity, params[self.addresses.drag], stirring)

    def max_dt(self, state: VorticityState, params: Params) -> Tensor:
        """dt * max(|u| K_x + |v| K_y) <= reach, K the highest wavenumber that is carried: the fastest oscillation that
        advection can cause stays within the stability region of the method [batch, float64].

        Viscosity and drag are exact in these methods and set no bound. A force F can add F dt to the velocity on the
        way, so that the bound on dt solves  K (u + F dt) dt = reach.
        """
        with torch.no_grad():
            reach = self.stepper.method.reach
            k_x, k_y = (float(k.abs().max()) for k in self.carried_wavenumbers)
            u, v = self.diagnostics.velocity(state.vorticity.detach())
            fast = (u.abs() * k_x + v.abs() * k_y).amax((-2, -1)).double()
            push = self.diagnostics.push
            if push is None:
                return reach / fast
            strong = (push[:, 0].abs() * k_x + push[:, 1].abs() * k_y).amax((-2, -1)).double()
            strong = strong * params[self.addresses.stirring].detach().abs().double()
            return 2.0 * reach / (fast + (fast.square() + 4.0 * reach * strong).sqrt())

    def limit(self, state: VorticityState, params: Params, member: int) -> str:
        """Where the flow of a member is fastest."""
        with torch.no_grad():
            return fastest_cell(speed_of([u[member] for u in self.diagnostics.velocity(state.vorticity.detach())]))

    @property
    def carried_wavenumbers(self) -> tuple[Tensor, Tensor]:
        k_x, k_y = self.modes.wavenumbers
        return k_x[:, : self.modes.highest[0] + 1], k_y

    def step(self, state: VorticityState, params: Params, time: Tensor, dt: Tensor) -> Step[VorticityState]:
        flow = self.flow(state, params)
        inputs = (flow.vorticity, flow.viscosity, flow.drag, flow.stirring)
        if torch.is_grad_enabled() and any(value.requires_grad for value in inputs):
            after, error = SpectralStep.apply(self.stepper, dt, *inputs)
        else:
            with torch.no_grad():
                after, error = self.stepper.step(flow, dt)
        return Step(replace(state, vorticity=after), error)

    def vjp(
        self, state: VorticityState, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        flow, damping = self.flow(state, params), self.damping(params)
        with torch.no_grad():
            return self.named(params, *self.stepper.transposed(flow, dt, cotangent["vorticity"], damping))

    def linearize(self, state: VorticityState, params: Params, time: Tensor, dt: Tensor) -> tuple[VorticityState, Pull]:
        """Keeps the velocity of each stage; and the rates of change, where viscosity or drag is asked for."""
        with torch.no_grad():
            after, kept = self.stepper.linearised(self.flow(state, params), dt, self.damping(params))
        keeps(*kept.tensors)

        def pull(cotangent: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            with torch.no_grad():
                return self.named(params, *self.stepper.back(kept, cotangent["vorticity"]))

        return replace(state, vorticity=after), pull

    def damping(self, params: Params) -> bool:
        return params[self.addresses.viscosity].requires_grad or params[self.addresses.drag].requires_grad

    def named(
        self, params: Params, vorticity: Tensor, viscosity: Tensor | None, drag: Tensor | None, stirring: Tensor | None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        names = self.addresses
        found = {names.viscosity: viscosity, names.drag: drag, names.stirring: stirring}
        return {"vorticity": vorticity}, {
            address: bar
            for address, bar in found.items()
            if bar is not None and address in params and params[address].requires_grad
        }

    def observe(self, state: VorticityState, params: Params) -> dict[str, Tensor]:
        flow = self.flow(state, params)
        density = params[self.addresses.density]
        return self.diagnostics.summary(flow.vorticity, density, flow.viscosity, flow.drag, flow.stirring)
