"""dt from a function of what is known, such as a model trained on the steps of earlier runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.controllers import Memory, Plan, equal_steps, scaled
from scenegrad.engine.errors import EngineError

__all__ = ["StepRule"]


@dataclass(frozen=True)
class StepRule:
    """rule(memory, max_dt) -> dt [batch] looks at the last steps and the stability bound and says how long the next
    step is; it never becomes longer than `cap` of the bound, so that gradients stay those of the equations.

    tolerance: of the relative local error, of order k in dt. A step beyond it is taken back, and the next attempt is at
    most (1/err)**(1/k) of it, whatever the rule says; memory.error is in units of it. Without a tolerance every step
    is accepted, and the solver need not know its error.
    """

    rule: Callable[[Memory, Tensor], Tensor]
    tolerance: float | None = None
    k: int = 4
    cap: float = 0.8  # of the stability bound

    def __post_init__(self) -> None:
        if self.tolerance is not None and not self.tolerance > 0.0:
            raise EngineError(
                f"StepRule got tolerance={self.tolerance}; it is a positive relative error, such as 1e-6."
            )
        if not 0.0 < self.cap <= 1.0:
            raise EngineError(f"StepRule got cap={self.cap}; it is a fraction of the stability bound, in (0, 1].")

    @property
    def needs_error(self) -> bool:
        return self.tolerance is not None

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        with torch.no_grad():
            told = torch.as_tensor(self.rule(memory, max_dt)).to("cpu", torch.float64)
        if told.shape != max_dt.shape or not bool((told > 0.0).all()):
            raise EngineError(
                f"The rule of StepRule gave {told.tolist()} for a batch of {len(max_dt)}; it returns one positive dt "
                f"for each member. Bound its output from below, for instance with clamp(min=...)."
            )
        wanted = torch.minimum(told, self.cap * max_dt)
        # Where the last attempt was refused, its shortened length is remembered.
        wanted = torch.where(memory.dt > 0.0, torch.minimum(wanted, memory.dt), wanted)
        left, dt = equal_steps(span, wanted)
        return Plan(dt, left, 1)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        if self.tolerance is None:
            err, accept = torch.ones_like(plan.dt), torch.ones_like(plan.left, dtype=torch.bool)
        else:
            err = scaled(error, self.tolerance)
            accept = err <= 1.0
        moving = plan.left > 0
        shorter = plan.dt * (0.9 * err ** (-1.0 / self.k)).clamp(0.2, 0.9)
        seen = Memory(torch.zeros_like(plan.dt), err, memory.error, plan.dt, memory.taken)
        return accept | ~moving, seen.where(accept, replace(memory, dt=shorter)).where(moving, memory)
