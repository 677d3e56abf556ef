"""Choosing dt: a controller is a pure value that plans a few steps and judges what came of them.

dt is a choice of the method and not of the physics: it is recorded, replayed and never differentiated.
Every quantity has one float64 entry per member on the host, so that no member feels its companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError, StabilityError

__all__ = [
    "CFL",
    "FILTERS",
    "PI",
    "PID",
    "Controller",
    "Filter",
    "Fixed",
    "Memory",
    "Plan",
    "InStep",
    "equal_steps",
    "scaled",
]


@dataclass(frozen=True)
class Plan:
    """The next steps: member b takes min(steps, left[b]) steps of dt[b], and left[b] of them would reach the pause."""

    dt: Tensor  # [batch]
    left: Tensor  # [batch], int64
    steps: int


@dataclass(frozen=True)
class Memory:
    """What a controller remembers between plans; part of every checkpoint. Errors are in units of the tolerance, 1
    where there was none yet; lengths are 0 there [batch]."""

    dt: Tensor  # proposed next step
    error: Tensor  # of the last accepted step
    error_before: Tensor  # of the one before it
    taken: Tensor  # length of the last accepted step
    taken_before: Tensor  # of the one before it

    @staticmethod
    def fresh(batch: int) -> Memory:
        nought, one = torch.zeros(batch, dtype=torch.float64), torch.ones(batch, dtype=torch.float64)
        return Memory(nought, one, one, nought, nought)

    def where(self, chosen: Tensor, other: Memory) -> Memory:
        """That of the chosen members, the other one's of the rest."""
        pairs = ((name, value, getattr(other, name)) for name, value in vars(self).items())
        return Memory(**{name: torch.where(chosen, own, rest) for name, own, rest in pairs})


class Controller(Protocol):
    @property
    def needs_error(self) -> bool:
        """Whether it judges steps by their error, so that a solver must estimate it."""
        ...

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
class Filter:
    """How the next dt follows from what came before [Soderlind 2003, ACM Trans. Math. Softw. 29, 1-26]:

    dt' / dt = product over n of err_n**(-errors[n] / k) * (dt_n / dt_n+1)**(-ratios[n]),  n counting backwards from the
    last step. Those with ratios pass little of the noise of the errors on to dt.
    """

    errors: tuple[float, float, float]
    ratios: tuple[float, float] = (0.0, 0.0)


FILTERS: Mapping[str, Filter] = {
    "pi": Filter((0.7, -0.4, 0.0)),  # [Hairer & Wanner, Solving ODEs II, IV.2]
    "pid": Filter((0.49, -0.34, 0.10)),  # [Kennedy, Carpenter & Lewis 2000, Appl. Numer. Math. 35, 177-219]
    "h211b": Filter((1 / 4, 1 / 4, 0.0), (1 / 4, 0.0)),  # [Soderlind & Wang 2006, J. Comput. Appl. Math. 185, 225-243]
    "h312b": Filter((1 / 8, 2 / 8, 1 / 8), (3 / 8, 1 / 8)),
}


@dataclass(frozen=True)
class PID:
    """Steps as long as an embedded method says that they keep a relative local error below `tolerance`.

    err = error / tolerance, where the solver's relative local error is of order k in dt; err > 1 rejects the step,
    which is then tried with safety * err**(-1/k) of its length. The filter, times safety, says how long the next one
    is. dt never exceeds `cap` of the linear stability bound: a step that is accurate for the state can still amplify
    the adjoint without limit, and did so by eight orders of magnitude where the cap was left out.
    """

    tolerance: float = 1e-6  # relative local error
    k: int = 4  # order of the local error in dt
    safety: float = 0.9
    cap: float = 0.8  # of the stability bound
    filter: Filter = FILTERS["pi"]
    needs_error = True

    def __post_init__(self) -> None:
        if not self.tolerance > 0.0:
            raise EngineError(f"PID got tolerance={self.tolerance}; it is a positive relative error, such as 1e-6.")

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        limit = self.cap * max_dt
        first = 0.1 * limit  # before anything is known of the error
        wanted = torch.minimum(torch.where(memory.dt > 0.0, memory.dt, first), limit)
        left, dt = equal_steps(span, wanted)
        return Plan(dt, left, 1)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        err = scaled(error, self.tolerance)
        accept, moving = err <= 1.0, plan.left > 0
        shorter = plan.dt * (self.safety * err ** (-1.0 / self.k)).clamp(0.2, 0.9)
        longer = plan.dt * (self.safety * self.filtered(plan, err, memory)).clamp(0.2, 5.0)
        # A step shortened only to land on a pause says nothing against the longer one proposed before, and what is
        # remembered of that one stands.
        landing = accept & (plan.left == 1) & (memory.dt > (1.0 + 1e-9) * plan.dt)
        proposed = torch.where(accept, torch.where(landing, torch.maximum(longer, memory.dt), longer), shorter)
        after = replace(memory, dt=proposed)
        seen = Memory(proposed, err, memory.error, plan.dt, memory.taken)
        return accept | ~moving, seen.where(accept & ~landing, after).where(moving, memory)

    def filtered(self, plan: Plan, err: Tensor, memory: Memory) -> Tensor:
        errors = (err, memory.error, memory.error_before)
        factor = torch.ones_like(err)
        for one, power in zip(errors, self.filter.errors, strict=True):
            factor = factor * one ** (-power / self.k)
        steps = (plan.dt, memory.taken, memory.taken_before)
        for (late, early), power in zip(pairwise(steps), self.filter.ratios, strict=True):
            ratio = torch.where(early > 0.0, late / early.clamp(min=1e-300), 1.0).clamp(0.1, 10.0)
            factor = factor * ratio**-power
        return factor


def PI(tolerance: float = 1e-6, k: int = 4, safety: float = 0.9, cap: float = 0.8) -> PID:
    """PID whose filter is that of Gustafsson: dt' = dt * safety * err**(-0.7/k) * err_before**(0.4/k)."""
    return PID(tolerance, k, safety, cap)


def scaled(error: Tensor | None, tolerance: float) -> Tensor:
    """So that 1 is the limit; a step that overflowed counts as very wrong."""
    assert error is not None, "a solver without an error estimate was refused when the scene was compiled"
    err = error.to("cpu", torch.float64) / tolerance
    return torch.where(torch.isfinite(err), err, 1e10).clamp(1e-10, 1e10)


@dataclass(frozen=True)
class InStep:
    """All members of a batch take the same steps: the shortest that one of them needs, taken back where one of them is
    wrong. For methods whose work for one dt is shared, and for data that must lie at the same times.

    It gives up that a member does not feel its companions.
    """

    controller: Controller

    @property
    def needs_error(self) -> bool:
        return self.controller.needs_error

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        moving = torch.where(span > 0.0, max_dt, torch.inf)
        return self.controller.plan(span, moving.min().expand_as(max_dt), memory)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        if error is None:
            return self.controller.judge(plan, None, memory)
        known = torch.where(error.isnan(), torch.inf, error).to("cpu", torch.float64)
        worst = torch.where(plan.left > 0, known, 0.0).max()
        return self.controller.judge(plan, worst.expand_as(known), memory)
