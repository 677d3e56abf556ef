"""A safeguarded surrogate that runs ahead: several learned steps are proposed, and checked all at once."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Program, Solver, Step
from scenegrad.engine.state import Params, select, tensors, with_tensors
from scenegrad.surrogates.hybrid.checks import Check
from scenegrad.surrogates.hybrid.safe_stepper import Record, SafeStepper, together
from scenegrad.surrogates.surrogate import Surrogate, multiples

__all__ = ["Speculating"]

S = TypeVar("S")


class Speculating(SafeStepper[S]):
    """Steps of `ahead` learned ones. All are proposed, the check sees them as members of one batch, and they are taken
    up to the first that is doubted; that one is the solver's, and from there the surrogate proposes again.

    A check of many steps costs little more than one where a coarse solver is too small to fill the processor, so that
    the check, which bounds what a SafeStepper gains, is nearly free; what is lost is the proposals behind a doubted
    one. The idea is that of speculative decoding [Leviathan, Kalman & Matias 2023, arXiv:2211.17192]; what is taken is
    the same as by SafeStepper with the same threshold.

    check: made for ahead times as many members as the state has, the members of the first step first, then those of
    the second ... It is asked about all of them at the time of the first: for solvers that do not depend on time.
    """

    def __init__(self, surrogate: Surrogate[S], solver: Solver[S], check: Check, threshold: float, *, ahead: int = 4):
        super().__init__(surrogate, solver, check, threshold)
        if ahead < 1 or surrogate.names.history > 1:
            raise EngineError(
                f"Speculating got ahead={ahead} and a network with history={surrogate.names.history}; it takes a "
                f"positive number of steps, and networks that do not look back."
            )
        self.ahead, self.small = ahead, surrogate.dt
        self.dt = ahead * surrogate.dt
        self.program: Program[S] = multiples(solver.program, self.dt)

    def max_dt(self, state: S, params: Params) -> Tensor:
        return self.surrogate.max_dt(state, params) * self.ahead

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        (begin, length), done = together(time, dt), 0
        if abs(length - self.dt) > 1e-6 * self.dt:
            raise StabilityError(
                f"This surrogate steps by {self.ahead} times {self.small:.6g} = {self.dt:.6g}, and was asked for "
                f"{length:.6g}. Let the run end, and its outputs fall due, at multiples of its step."
            )
        while done < self.ahead:
            at = begin + done * self.small
            states = self.proposed(state, params, torch.full_like(time, at), self.ahead - done)
            doubts, trusted = self.judged(states, params, at)
            doubted = (~trusted.all(dim=1)).nonzero()
            taken = int(doubted[0]) if len(doubted) else len(trusted)
            for n in range(taken):
                self.note(Record(at + n * self.small, doubts[n], trusted[n], None))
            state, done = states[taken], done + taken
            if done < self.ahead:
                here = at + taken * self.small
                self.note(Record(here, doubts[taken], trusted[taken], state))
                solved = rollout(self.solver, state, params, here + self.small, start=here, probes=()).state
                self.note_lesson(state, solved, params, ~trusted[taken])
                mixed = bool(trusted[taken].any())
                state = select(trusted[taken], states[taken + 1], solved) if mixed else solved
                done += 1
        return Step(state)

    def proposed(self, state: S, params: Params, time: Tensor, count: int) -> list[S]:
        """The state and where the surrogate goes from it, step by step; no further than nothing is trusted."""
        states = [state]
        small = torch.full_like(time, self.small)
        for n in range(count if self.threshold > 0.0 else 1):
            made = state if self.threshold == 0.0 else self.surrogate.step(states[-1], params, time + n * small, small)
            states.append(made.state if isinstance(made, Step) else made)
        return states

    def judged(self, states: list[S], params: Params, time: float) -> tuple[Tensor, Tensor]:
        """Doubt and trust of each step [step, member]."""
        count, batch = len(states) - 1, len(next(iter(tensors(states[0]).values())))
        if self.threshold == 0.0:
            return torch.full((count, batch), torch.inf), torch.zeros(count, batch, dtype=torch.bool)
        many = [*states[:-1], *[states[0]] * (self.ahead - count)]  # as many as the check was made for
        after = [*states[1:], *[states[1]] * (self.ahead - count)]
        with torch.no_grad():
            doubt = self.check(stacked(many), stacked(after), repeated(params, self.ahead), time, self.small)
            finite = [torch.stack([v.reshape(batch, -1).isfinite().all(1) for v in tensors(s).values()]).all(0)
                      for s in states[1:]]  # fmt: skip
        doubts = doubt.detach().cpu().view(self.ahead, batch)[:count]
        return doubts, (doubts <= self.threshold) & torch.stack(finite).cpu()


def stacked(states: list[Any]) -> Any:
    """Several states of a batch as one batch."""
    tables = [tensors(state) for state in states]
    return with_tensors(states[0], {name: torch.cat([table[name] for table in tables]) for name in tables[0]})


def repeated(params: Params, times: int) -> Params:
    """The numbers of every member, as often."""
    plain = params.detach()
    return plain.replace({a: v.repeat(times, *[1] * (v.ndim - 1)) for a, v in plain.items()})
