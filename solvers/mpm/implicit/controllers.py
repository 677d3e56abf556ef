"""How dt is chosen where no wave bounds it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL, Controller, InStep, Memory, Plan, equal_steps

__all__ = ["Halving", "of_implicit"]


@dataclass(frozen=True)
class Halving:
    """Steps of number * max_dt; one that finds no balance (an error without end) is taken back and tried again at half
    its length, and steps that do find one double from there."""

    number: float
    needs_error = True

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        limit = self.number * max_dt
        left, dt = equal_steps(span, torch.where(memory.dt > 0.0, torch.minimum(memory.dt, limit), limit))
        return Plan(dt, left, 1)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        assert error is not None, "backward Euler knows its error"
        moving, found = plan.left > 0, torch.isfinite(error.to("cpu"))
        wanted = torch.where(found, 2.0 * torch.maximum(plan.dt, 0.5 * memory.dt), 0.5 * plan.dt)
        # Nothing is remembered where no step has failed: dt is then that of the bound, wherever outputs lie.
        known = ~found | (memory.dt > 0.0)
        return found | ~moving, replace(memory, dt=torch.where(moving & known, wanted, memory.dt))


def of_implicit(controller: Controller) -> Controller:
    """The same for backward Euler, whose steps can fail."""
    if isinstance(controller, InStep):
        return InStep(of_implicit(controller.controller))
    return Halving(controller.number) if isinstance(controller, CFL) else controller
