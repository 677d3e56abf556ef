"""Nose-Hoover chains: deterministic dynamics that visit states as a temperature demands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["NoseHooverChain"]

# Of Suzuki and Yoshida's fourth order: three pieces of a step.
PIECES = (1.0 / (2.0 - 2.0 ** (1.0 / 3.0)), 1.0 - 2.0 / (2.0 - 2.0 ** (1.0 / 3.0)), 1.0 / (2.0 - 2.0 ** (1.0 / 3.0)))


@dataclass(frozen=True)
class NoseHooverChain(TorchMotion):
    """dv = F/m - v_1 v, Q_1 dv_1 = 2 K - f T - Q_1 v_1 v_2, Q_k dv_k = Q_{k-1} v_{k-1}^2 - T - Q_k v_k v_{k+1};

    eta_k is the integral of v_k, Q_1 = f T tau^2, the others T tau^2, tau = period / 2 pi, f the degrees of freedom.
    Half a step of the chain, velocity Verlet, half a step of the chain. Conserved: K + U + sum Q_k v_k^2 / 2 +
    f T eta_1 + T (eta_2 + ...).   [Martyna, Klein & Tuckerman 1992; Martyna et al. 1996, Mol. Phys. 87, 1117]
    """

    target: str  # address of the temperature
    period: float
    length: int

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        rest = torch.zeros(len(state.position), 2, self.length, dtype=torch.float64, device=state.position.device)
        return replace(state, chain=rest)

    def temperature(self, params: Params) -> Tensor | None:
        return params[self.target].detach().double()

    def inertia(self, system: System, heat: Tensor) -> tuple[Tensor, Tensor]:
        """Degrees of freedom times T [batch], and Q [batch, chain]."""
        freedoms = round(system.dim * max(system.atoms - self.fixed(system), 1))
        scale = heat * (self.period / (2.0 * torch.pi)) ** 2
        return freedoms * heat, torch.stack([freedoms * scale, *[scale] * (self.length - 1)], dim=1)

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        assert state.chain is not None
        mass = system.masses.differentiable(params)
        heat = params[self.target].double()
        long = dt.to(heat)
        h = dt.to(state.position)[:, None, None]
        kinetic = 2.0 * system.kinetic_energy(state.velocity, mass)
        chain, scale = self.half(system, state.chain, kinetic, heat, long)
        v = state.velocity * scale.to(h)[:, None, None]
        v = v + 0.5 * h * system.pull(state.position, system.box, params) / mass[..., None]
        x = state.position + h * v
        v = v + 0.5 * h * system.pull(x, system.box, params) / mass[..., None]
        chain, scale = self.half(system, chain, 2.0 * system.kinetic_energy(v, mass), heat, long)
        return replace(state, position=x, velocity=v * scale.to(h)[:, None, None], chain=chain)

    def half(self, system: System, chain: Tensor, kinetic: Tensor, heat: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """The chain dt/2 later, and the factor by which velocities are scaled meanwhile. kinetic: 2 K [batch]."""
        wanted, q = self.inertia(system, heat)
        eta, v = chain[:, 0], list(chain[:, 1].unbind(dim=1))
        scale, last = torch.ones_like(heat), self.length - 1

        def push(k: int) -> Tensor:
            """The rate of v_k without its neighbour above."""
            return (kinetic - wanted if k == 0 else q[:, k - 1] * v[k - 1].square() - heat) / q[:, k]

        for piece in PIECES:
            quarter, eighth = 0.25 * piece * dt, 0.125 * piece * dt
            for k in range(last, -1, -1):
                drag = 1.0 if k == last else torch.exp(-eighth * v[k + 1])
                v[k] = (v[k] * drag + quarter * push(k)) * drag
            factor = torch.exp(-2.0 * quarter * v[0])
            scale, kinetic = scale * factor, kinetic * factor.square()
            eta = eta + 2.0 * quarter[:, None] * torch.stack(v, dim=1)
            for k in range(last + 1):
                drag = 1.0 if k == last else torch.exp(-eighth * v[k + 1])
                v[k] = (v[k] * drag + quarter * push(k)) * drag
        return torch.stack([eta, torch.stack(v, dim=1)], dim=1), scale

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        """conserved_energy: of atoms and chain together [batch], float64."""
        assert state.chain is not None
        heat = params[self.target].double()
        wanted, q = self.inertia(system, heat)
        eta, v = state.chain.unbind(dim=1)
        mass = system.masses.differentiable(params)
        own = system.kinetic_energy(state.velocity, mass)
        own = own + system.forces.differentiable_sums(state.position, system.box_of(state), params)[:, 0]
        bath = 0.5 * (q * v.square()).sum(1) + wanted * eta[:, 0] + heat * eta[:, 1:].sum(1)
        return {"conserved_energy": own + bath}
