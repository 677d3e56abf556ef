"""Brownian motion: friction so strong that there is no inertia."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["BrownianMotion"]


@dataclass(frozen=True)
class BrownianMotion(TorchMotion):
    """x += h F + sqrt(T h / 2) (xi_n + xi_{n+1}), h = dt / (m friction); each noise serves two steps.

    Averages over positions are of second order in dt, where Euler and Maruyama's are of first [Leimkuhler & Matthews
    2013, Appl. Math. Res. Express 2013, 34]. The first step alone begins without a noise before it.
    """

    target: str  # address of the temperature
    friction: str

    def fixed(self, system: System) -> float:
        return 0

    def temperature(self, params: Params) -> Tensor | None:
        return params[self.target].detach().double()

    def unseen(self, params: Params) -> Tensor | None:
        return params[self.target].double()

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        mass = system.masses.differentiable(params)[..., None]
        mobility = dt.to(mass)[:, None, None] / (mass * params[self.friction].to(mass)[:, None, None])
        x = state.position
        draws = [standard_normal(state.seed, state.step + n, torch.empty_like(x.detach())) for n in (0, 1)]
        spread = (0.5 * params[self.target].to(mass)[:, None, None] * mobility).sqrt()
        x = x + mobility * system.pull(x, system.box, params) + spread * (draws[0] + draws[1])
        return replace(state, position=x)

    def longest(self, square: Tensor, params: Params) -> Tensor:
        """dt < 2 m friction / u''"""
        return 2.0 * params[self.friction].detach().double() / square
