"""Velocity Verlet and BAOAB once more, in torch: what the kernels and their transposes are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.motions.thermostat import Thermostat
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["VerletInTorch"]


@dataclass(frozen=True)
class VerletInTorch(TorchMotion):
    """See `Verlet`."""

    thermostat: Thermostat | None = None

    def fixed(self, system: System) -> float:
        return super().fixed(system) if self.thermostat is None else 0

    def temperature(self, params: Params) -> Tensor | None:
        return None if self.thermostat is None else self.thermostat.values(params)[0]

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        mass = system.masses.differentiable(params)[..., None]
        h = dt.to(state.position)[:, None, None]
        v = state.velocity + 0.5 * h * system.pull(state.position, system.box, params) / mass
        if self.thermostat is None:
            x = state.position + h * v
        else:
            half = state.position + 0.5 * h * v
            v = self.shaken(state, params, dt, v, mass)
            x = half + 0.5 * h * v
        return replace(state, position=x, velocity=v + 0.5 * h * system.pull(x, system.box, params) / mass)

    def shaken(self, state: AtomState, params: Params, dt: Tensor, v: Tensor, mass: Tensor) -> Tensor:
        assert self.thermostat is not None
        heat, friction = params[self.thermostat.temperature].double(), params[self.thermostat.friction].double()
        keep, noise = self.thermostat.coefficients(heat, friction, dt.to(heat.device))
        xi = standard_normal(state.seed, state.step, torch.empty_like(v.detach()))
        return keep.to(v)[:, None, None] * v + noise.to(v)[:, None, None] * xi / mass.sqrt()
