"""The Langevin thermostat: friction and noise that hold a temperature."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params

__all__ = ["Thermostat"]


@dataclass(frozen=True)
class Thermostat:
    """Where its numbers stand in the params: the temperature [energy] and the friction [1/time], both [batch]."""

    temperature: str
    friction: str

    def coefficients(self, temperature: Tensor, friction: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """keep = exp(-friction dt) and noise = sqrt(T (1 - keep^2)), which solve dv = -friction v dt + noise."""
        return torch.exp(-friction * dt), torch.sqrt(-temperature * torch.expm1(-2.0 * friction * dt))

    def values(self, params: Params) -> tuple[Tensor, Tensor]:
        return params[self.temperature].detach().double(), params[self.friction].detach().double()

    def pull_back(self, params: Params, dt: Tensor, keep_bar: Tensor, noise_bar: Tensor) -> dict[str, Tensor]:
        """Cotangents of the coefficients to those of temperature and friction, as far as these ask for one."""
        wanted = {a: params[a] for a in (self.temperature, self.friction) if params[a].requires_grad}
        if not wanted:
            return {}
        with torch.enable_grad():
            values = {a: params[a].detach().double().requires_grad_() for a in (self.temperature, self.friction)}
            made = self.coefficients(values[self.temperature], values[self.friction], dt.to(keep_bar.device))
            bars = torch.autograd.grad(made, [values[a] for a in wanted], (keep_bar, noise_bar))
        return {a: bar.to(params[a].dtype) for a, bar in zip(wanted, bars, strict=True)}
