"""Choosing dt: a controller is a pure value that plans a few steps and judges what came of them.

dt is a choice of the method and not of the physics: it is recorded, replayed and never differentiated.
Every quantity has one float64 entry per member on the host, so that no member feels its companions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError, StabilityError

__all__ = ["CFL", "PI", "Controller", "Fixed", "Memory", "Plan"]


@dataclass(frozen=True)
class Plan:
    """The next steps: member b takes min(steps, left[b]) steps of dt[b], and left[b] of them would reach the pause."""

    dt: Tensor  # [batch]
    left: Tensor  # [batch], int64
    steps: int


@dataclass(frozen=True)
class Memory:
    """What a controller remembers between plans; part of every checkpoint."""

    dt: Tensor  # proposed next step, 0 before the first [batch]
    error: Tensor  # of the last accepted step, in units of the tolerance [batch]

    @staticmethod
    def fresh(batch: int) -> Memory:
        return Memory(torch.zeros(batch, dtype=torch.float64), torch.ones(batch, dtype=torch.float64))


class Controller(Protocol):
    needs_error: bool

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        """Steps towards a pause that lies `span` [batch] ahead; members with span 0 have arrived."""
        ...

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        """Which members accept the plan's steps [batch bool], and the memory after them."""
        ...


def equal_steps(span: Tensor, longest: Tensor) -> tuple[Tensor, Tensor]:
    """Number and length of equal steps, none above `longest`, that end exactly on the pause."""
    ratio = (span / longest).clamp(max=1e15)  # of an absurd step; the loop refuses it by the number of steps
    nearest = ratio.round()
    whole = (ratio - nearest).abs() < 1e-9 * nearest.clamp(min=1.0)
    left = torch.where(whole, nearest, ratio.ceil()).clamp(min=1.0)
    dt = torch.where(whole & (nearest >= 1.0), longest, span / left)
    return torch.where(span > 0.0, left, 0.0).to(torch.int64), torch.where(span > 0.0, dt, 0.0)


def accept_all(plan: Plan) -> Tensor:
    return torch.ones_like(plan.left, dtype=torch.bool)


@dataclass(frozen=True)
class Fixed:
    """Steps of dt; shorter equal steps where the next output would not be hit exactly."""

    dt: float  # [time]
    steps: int = 64  # between two looks at the state
    needs_error = False

    def __post_init__(self) -> None:
        if not self.dt > 0.0:
            raise EngineError(
                f"Fixed got dt={self.dt}; a time step is positive. Try dt='auto' to follow the stability bound."
            )

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        bound = float(max_dt.min())
        if self.dt > bound * (1.0 + 1e-9):
            member = f" (member {int(max_dt.argmin())} of the batch)" if len(max_dt) > 1 else ""
            raise StabilityError(
                f"dt={self.dt:.6g} is {self.dt / bound:.3g} times the stability bound of this solver, {bound:.6g}"
                f"{member}. Take dt <= {bound:.3g}, or dt='auto'."
            )
        left, dt = equal_steps(span, torch.full_like(span, self.dt))
        return Plan(dt, left, self.steps)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        return accept_all(plan), memory


@dataclass(frozen=True)
class CFL:
    """Steps of number * max_dt of the solver, looked up again after `steps` of them."""

    number: float = 0.5
    steps: int = 8
    needs_error = False

    def __post_init__(self) -> None:
        if not 0.0 < self.number <= 1.0:
            raise EngineError(f"CFL got number={self.number}; it is a fraction of the stability bound, in (0, 1].")

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        left, dt = equal_steps(span, self.number * max_dt)
        return Plan(dt, left, self.steps)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        return accept_all(plan), memory


@dataclass(frozen=True)
class PI:
    """dt' = dt * safety * err**(-0.7/k) * err_before**(0.4/k)   [Hairer & Wanner, Solving ODEs II, IV.2]

    err = error / tolerance, where the solver's relative local error is of order k in dt; err > 1 rejects the step.
    dt never exceeds `cap` of the linear stability bound: a step that is accurate for the state can still amplify the
    adjoint without limit, and did so by eight orders of magnitude where the cap was left out.
    """

    tolerance: float = 1e-6  # relative local error
    k: int = 4  # order of the local error in dt
    safety: float = 0.9
    cap: float = 0.8  # of the stability bound
    needs_error = True

    def __post_init__(self) -> None:
        if not self.tolerance > 0.0:
            raise EngineError(f"PI got tolerance={self.tolerance}; it is a positive relative error, such as 1e-6.")

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        limit = self.cap * max_dt
        first = 0.1 * limit  # before anything is known of the error
        wanted = torch.minimum(torch.where(memory.dt > 0.0, memory.dt, first), limit)
        left, dt = equal_steps(span, wanted)
        return Plan(dt, left, 1)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        assert error is not None, "a solver without an error estimate was refused when the scene was compiled"
        moving = plan.left > 0
        # Scaled so that 1 is the limit; a step that overflowed counts as very wrong and is tried again with dt / 5.
        scaled = error.to("cpu", torch.float64) / self.tolerance
        err = torch.where(torch.isfinite(scaled), scaled, 1e10).clamp(1e-10, 1e10)
        accept = err <= 1.0
        factor = (self.safety * err ** (-0.7 / self.k) * memory.error ** (0.4 / self.k)).clamp(0.2, 5.0)
        proposed = torch.where(accept, plan.dt * factor, plan.dt * factor.clamp(max=0.9))
        # A step shortened only to land on a pause says nothing against the longer one proposed before.
        shortened = accept & (plan.left == 1) & (memory.dt > plan.dt)
        proposed = torch.where(shortened, torch.maximum(proposed, memory.dt), proposed)
        after = replace(
            memory,
            dt=torch.where(moving, proposed, memory.dt),
            error=torch.where(moving & accept, err, memory.error),
        )
        return accept | ~moving, after
