"""Canonical sampling by velocity rescaling."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["VelocityRescaling"]


@dataclass(frozen=True)
class VelocityRescaling(TorchMotion):
    """Velocity Verlet, then v *= alpha, such that the kinetic energy follows dK = (K' - K) dt / tau + 2 sqrt(K K' / f)
    dW / sqrt(tau) with K' = f T / 2 and f degrees of freedom, exactly:

    alpha^2 = c + (1 - c) K' / (f K) sum_{i <= f} R_i^2 + 2 R_1 sqrt(c (1 - c) K' / (f K)),    c = exp(-dt / tau),

    R_i independent standard normal numbers. What it gives to the atoms is counted: E less that is conserved.
    [Bussi, Donadio & Parrinello 2007, J. Chem. Phys. 126, 014101]
    """

    target: str  # address of the temperature
    relaxation: float

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        return replace(state, heat=torch.zeros(len(state.position), dtype=torch.float64, device=state.position.device))

    def temperature(self, params: Params) -> Tensor | None:
        return params[self.target].detach().double()

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        mass = system.masses.differentiable(params)
        h = dt.to(state.position)[:, None, None]
        v = state.velocity + 0.5 * h * system.pull(state.position, system.box_of(state), params) / mass[..., None]
        x = state.position + h * v
        v = v + 0.5 * h * system.pull(x, system.box_of(state), params) / mass[..., None]
        freedoms = round(system.dim * max(system.atoms - self.fixed(system), 1))
        kinetic = system.kinetic_energy(v, mass)
        drawn = standard_normal(state.seed, state.step, torch.empty_like(state.position.detach()))
        noise = drawn.double().flatten(1)[:, :freedoms]
        keep = torch.exp(-dt.to(kinetic) / self.relaxation)
        share = 0.5 * params[self.target].double() / kinetic  # K' / (f K)
        square = keep + (1.0 - keep) * share * noise.square().sum(1)
        square = square + 2.0 * noise[:, 0] * (keep * (1.0 - keep) * share).sqrt()
        sign = torch.sign(noise[:, 0] + (keep / ((1.0 - keep) * share)).sqrt())
        scale = sign * square.clamp(min=0.0).sqrt()
        assert state.heat is not None
        given = state.heat + kinetic * (square - 1.0)
        return replace(state, position=x, velocity=v * scale.to(h)[:, None, None], heat=given)

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        """conserved_energy: what the atoms would have without the heat they were given [batch], float64."""
        assert state.heat is not None
        mass = system.masses.differentiable(params)
        own = system.kinetic_energy(state.velocity, mass)
        own = own + system.forces.differentiable_sums(state.position, system.box_of(state), params)[:, 0]
        return {"conserved_energy": own - state.heat}
