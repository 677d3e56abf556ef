"""Constant pressure: stochastic rescaling of the box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Pull
from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.motion import Bars
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.motions.rescaling import VelocityRescaling
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["CellRescaling"]


@dataclass(frozen=True)
class CellRescaling(TorchMotion):
    """Every few steps, of duration h together, lambda = sqrt(V) goes by

    d lambda = -(beta lambda / 2 tau) (P0 - P - T / 2 V) h + sqrt(T beta h / 2 tau) xi,    P = (2 K + tr W) / (dim V),

    positions are scaled as the edges are and velocities inversely; then velocity Verlet and rescaling of velocities.
    Volumes have the distribution of constant pressure, for small h. What atoms and box are given is counted:
    E less that is conserved. [Bernetti & Bussi 2020, J. Chem. Phys. 153, 114107]
    """

    inner: VelocityRescaling
    pressure: str  # address
    rate: float  # beta / tau
    every: int

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        return replace(self.inner.begin(system, state, params), edges=system.box.edges.clone())

    def temperature(self, params: Params) -> Tensor | None:
        return self.inner.temperature(params)

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        due = state.step % self.every == 0
        if bool(due.any()):
            state = self.rescaled(system, state, params, dt, due)
        return self.inner.advance(system, state, params, time, dt)

    def rescaled(self, system: System, state: AtomState, params: Params, dt: Tensor, due: Tensor) -> AtomState:
        assert state.edges is not None
        assert state.heat is not None
        box, mass = system.box_of(state), system.masses(params)
        heat, wanted = params[self.inner.target].double(), params[self.pressure].double()
        h, volume = self.every * dt.to(heat), box.volume
        sums = system.forces.sums(state.position, box, params)
        kinetic = system.kinetic_energy(state.velocity, mass)
        trace = sums[:, 1:].reshape(-1, box.dim, box.dim).diagonal(dim1=1, dim2=2).sum(dim=1)
        pressure = (2.0 * kinetic + trace) / (box.dim * volume)
        # The thermostat takes as many of these numbers as there are degrees of freedom, and leaves the last ones.
        xi = standard_normal(state.seed, state.step, torch.empty_like(state.position))[:, -1, -1].double()
        root = volume.sqrt()
        drift = -0.5 * self.rate * root * (wanted - pressure - 0.5 * heat / volume) * h
        after = root + drift + (0.5 * heat * self.rate * h).sqrt() * xi
        if bool((after < 0.5 * root).any()):
            member = int((after < 0.5 * root).nonzero()[0])
            raise EngineError(
                f"The box of member {member} would collapse within one rescaling: its pressure is "
                f"{float(pressure[member]):.4g}, and {float(wanted[member]):.4g} is to be held. Let response be "
                f"longer, or begin nearer to the density of that pressure."
            )
        scale = torch.where(due, (after / root) ** (2.0 / box.dim), 1.0)
        narrow = scale.to(state.position)[:, None, None]
        new = replace(
            state,
            position=state.position * narrow,
            velocity=state.velocity / narrow,
            edges=state.edges * scale[:, None],
        )
        energy = system.forces.sums(new.position, system.box_of(new), params)[:, 0] - sums[:, 0]
        given = energy + kinetic * (scale**-2 - 1.0)
        return replace(new, heat=state.heat + torch.where(due, given, 0.0))

    def linearize(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        return self.step(system, state, params, time, dt).state, refuse

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        """conserved_energy, as for CSVR; volume [batch], float64."""
        return {**self.inner.observe(system, state, params), "volume": system.box_of(state).volume}


def refuse(cotangent: Mapping[str, Tensor]) -> tuple[Bars, Bars]:
    raise EngineError(
        "A box that breathes at random has no useful derivative of its trajectory. Take averages at constant "
        "pressure with their derivatives by reweighting, or constant volume."
    )
