"""Steps whose length follows the state: by a rule of the method's own, or by one that was learnt.

A rule looks at a state and says how long the next step is. Made symmetric, the step is the mean of what the rule says
at both of its ends, which depends on its own result and is found by iteration; a method that is symmetric in time for
constant steps then stays so, and keeps energy in the long run [Hut, Makino & McMillan 1995, Astrophys. J. 443, L93].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor

from scenegrad.engine.controllers import Memory, Plan
from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Pull, Step
from scenegrad.engine.state import Params
from scenegrad.solvers.md.motions.motion import Bars, Motion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

if TYPE_CHECKING:
    from scenegrad.solvers.md.solver import AtomSolver

__all__ = ["Paced", "Pacing", "Rule", "Stride", "by_frequency", "paced"]

Rule = Callable[[System, AtomState, Params], Tensor]  # the next dt [batch], positive [time]


@runtime_checkable
class Pacing(Protocol):
    """A motion that says how long its next step is, not only how long it may be."""

    def pace(self, system: System, state: AtomState, params: Params) -> Tensor:
        """[batch], float64 [time]"""
        ...


@dataclass(frozen=True)
class Stride:
    """Steps as long as the bound says, one at a time; only the last two before a pause are shorter, to hit it."""

    needs_error = False

    def plan(self, span: Tensor, max_dt: Tensor, memory: Memory) -> Plan:
        left = (span / max_dt * (1.0 - 1e-12)).ceil().clamp(min=1.0, max=1e15)
        dt = torch.where(left <= 2.0, span / left, max_dt)
        moving = span > 0.0
        return Plan(torch.where(moving, dt, 0.0), torch.where(moving, left, 0.0).to(torch.int64), 1)

    def judge(self, plan: Plan, error: Tensor | None, memory: Memory) -> tuple[Tensor, Memory]:
        return torch.ones_like(plan.left, dtype=torch.bool), memory


@dataclass(frozen=True)
class Paced:
    """A motion, and the rule for the length of its steps. iterations: of the mean over both ends; 0 leaves the step at
    what the rule says at its beginning."""

    motion: Motion
    rule: Rule
    iterations: int = 0

    @property
    def order(self) -> int:
        return self.motion.order

    def fixed(self, system: System) -> float:
        return self.motion.fixed(system)

    def pace(self, system: System, state: AtomState, params: Params) -> Tensor:
        with torch.no_grad():
            ahead = self.told(system, state, params)
            dt, time = ahead, torch.zeros_like(ahead)
            for _ in range(self.iterations):
                after = self.motion.step(system, state, params, time, dt).state
                dt = 0.5 * (ahead + self.told(system, after, params))
        return dt

    def told(self, system: System, state: AtomState, params: Params) -> Tensor:
        dt = self.rule(system, state, params).detach().to("cpu", torch.float64)
        if dt.shape != state.step.shape or not bool((dt > 0.0).all()):
            raise EngineError(
                f"The rule for the step gave {dt.tolist()} for a batch of {len(state.step)}; it returns one positive "
                f"dt for each member. Bound its output from below, for instance with clamp(min=...)."
            )
        return dt

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        return self.motion.begin(system, state, params)

    def temperature(self, params: Params) -> Tensor | None:
        return self.motion.temperature(params)

    def unseen(self, params: Params) -> Tensor | None:
        return self.motion.unseen(params)

    def longest(self, square: Tensor, params: Params) -> Tensor:
        return self.motion.longest(square, params)

    def step(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> Step[AtomState]:
        return self.motion.step(system, state, params, time, dt)

    def linearize(
        self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor
    ) -> tuple[AtomState, Pull]:
        return self.motion.linearize(system, state, params, time, dt)

    def vjp(
        self,
        system: System,
        state: AtomState,
        params: Params,
        time: Tensor,
        dt: Tensor,
        cotangent: Mapping[str, Tensor],
    ) -> tuple[Bars, Bars]:
        return self.motion.vjp(system, state, params, time, dt, cotangent)

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        return self.motion.observe(system, state, params)


def by_frequency(accuracy: float) -> Rule:
    """dt = accuracy / omega, with omega the highest frequency that a body has now."""

    def rule(system: System, state: AtomState, params: Params) -> Tensor:
        mass = system.masses(params)
        resting = torch.zeros(len(mass), dtype=torch.float64, device=mass.device)
        x = state.position.detach()
        square = system.forces.highest_frequency(x, system.box_of(state), params.detach(), mass, resting)
        return accuracy / square.sqrt()

    return rule


def paced(solver: AtomSolver, policy: Callable[[AtomState, Params], Tensor], iterations: int = 0) -> AtomSolver:
    """The same solver, whose steps are as long as a policy says, such as a network that looks at the state: dt [batch].

    iterations: with some, the step is symmetric in time, see `Paced`. dt is no part of gradients.
    """
    inner = solver.motion.motion if isinstance(solver.motion, Paced) else solver.motion
    motion = Paced(inner, lambda system, state, params: policy(state, params), iterations)
    program = replace(solver.program, controller=Stride())
    return replace(solver, motion=motion, program=program)
