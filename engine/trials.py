"""Every attempt at a step, accepted or not: what a model that chooses steps by itself can be trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.controllers import Controller, Memory, Plan

__all__ = ["Trials"]


class Trials:
    """A controller that lets another one decide and writes down what came of it.

    trials = Trials(PI(1e-4)); rollout(solver, state, params, controller=trials); trials.table(). One of them serves one
    run. A plan of several steps of the same dt is one attempt.
    """

    def __init__(self, controller: Controller):
        self.controller, self.needs_error = controller, controller.needs_error
        self.rows: list[dict[str, Tensor]] = []
        self.time: Tensor | None = None
        self.bound: Tensor | None = None

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        self.bound = max_dt
        return self.controller.plan(span, max_dt, memory)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        accept, after = self.controller.judge(plan, error, memory)
        tried = plan.left.clamp(max=plan.steps)
        begin = torch.zeros_like(plan.dt) if self.time is None else self.time
        nothing = torch.full_like(plan.dt, torch.nan)
        self.rows.append(
            {
                "time": begin,
                "dt": plan.dt,
                "bound": nothing if self.bound is None else self.bound,
                "error": nothing if error is None else error.detach().to("cpu", torch.float64),
                "steps": tried,
                "accepted": accept & (tried > 0),
            }
        )
        self.time = begin + torch.where(accept, tried * plan.dt, 0.0)
        return accept, after

    def table(self) -> dict[str, Tensor]:
        """time since the start, dt, stability bound, relative local error of the last step (not a number where the
        solver has none), steps of dt that were tried, and whether they were accepted; each [attempt, batch]. A member
        that had arrived while others went on tried no steps."""
        return {name: torch.stack([row[name] for row in self.rows]) for name in self.rows[0]} if self.rows else {}
