"""A surrogate that hands over to the solver where it should not be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Program, Solver, Step, TorchAdjoint
from scenegrad.engine.state import Params, batch_size, select, tensors, with_tensors
from scenegrad.surrogates.hybrid.checks import Check
from scenegrad.surrogates.surrogate import Surrogate

__all__ = ["Lesson", "Log", "Record", "SafeStepper", "calibrated", "doubts_along", "threshold_of"]

S = TypeVar("S")


@dataclass(frozen=True)
class Record(Generic[S]):
    """One step as it was decided: doubt and trust of each member [batch], and of those that were not trusted the state
    that they began from, on the CPU: what a network should be trained on next."""

    time: float
    doubt: Tensor
    trusted: Tensor  # bool
    rejected: S | None


@dataclass(frozen=True)
class Lesson:
    """Steps that were not trusted, and what the solver made of them: fields by name before and after [step, ...], and
    the numbers of params by address, on the CPU."""

    before: dict[str, Tensor]
    after: dict[str, Tensor]
    numbers: dict[str, Tensor]


@dataclass
class Log(Generic[S]):
    """What a SafeStepper did on its way. lessons: what there is to learn from it, see `extended`."""

    steps: list[Record[S]] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)

    @property
    def accepted(self) -> float:
        """Share of the learned steps that were trusted."""
        return float(torch.cat([step.trusted for step in self.steps]).double().mean()) if self.steps else float("nan")


class SafeStepper(TorchAdjoint, Generic[S]):
    """Proposes a step by the surrogate; a check accepts it, or the solver goes the same way in steps of its own.

    threshold: doubt up to which a proposal is trusted; `calibrated` finds one. With 0 nothing is, and the result is
    that of the solver, bit for bit, as long as its outputs fall due at the steps of the surrogate. The solver's steps
    are taken by the whole batch as soon as one member asks for them, and used for that member alone. A gradient goes
    through whichever was taken. log: what was decided, where no gradient was asked for.

    `sg.safeguarded(fit, scene)` makes and calibrates one, with `sg.coarse_check(scene)` as its check.
    """

    order = 1

    def __init__(self, surrogate: Surrogate[S], solver: Solver[S], check: Check, threshold: float):
        if not threshold >= 0.0:
            raise EngineError(f"SafeStepper got threshold={threshold}; it is not negative, as `calibrated` finds it.")
        self.surrogate, self.solver, self.check, self.threshold = surrogate, solver, check, threshold
        self.dt = surrogate.dt
        self.program: Program[S] = surrogate.program
        self.log: Log[S] = Log()

    def max_dt(self, state: S, params: Params) -> Tensor:
        return self.surrogate.max_dt(state, params)

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        state = self.begin(state)
        begin, length = together(time, dt)
        proposal = self.surrogate.step(state, params, time, dt).state if self.threshold > 0.0 else state
        doubt, trusted = self.judge(state, proposal, params, begin, length)
        self.note(Record(begin, doubt, trusted, None if bool(trusted.all()) else state))
        if bool(trusted.all()):
            return Step(proposal)
        alone = self.surrogate.memory.alone(state)
        made = rollout(self.solver, alone, params, begin + length, start=begin, probes=()).state
        solved = self.surrogate.followed(state, params, made)
        self.note_lesson(state, solved, params, ~trusted)
        if not bool(trusted.any()):
            return Step(solved)
        return Step(select(trusted, proposal, solved))

    def begin(self, state: S) -> S:
        return self.surrogate.begin(state)

    def judge(self, before: S, after: S, params: Params, time: float, dt: float) -> tuple[Tensor, Tensor]:
        batch = len(next(iter(tensors(before).values())))
        if self.threshold == 0.0:
            return torch.full((batch,), torch.inf), torch.zeros(batch, dtype=torch.bool)
        alone = self.surrogate.memory.alone
        with torch.no_grad():
            doubt = self.check(alone(before), alone(after), params.detach(), time, dt).detach().cpu()
            finite = torch.stack([v.reshape(batch, -1).isfinite().all(1).cpu() for v in tensors(after).values()])
        return doubt, (doubt <= self.threshold) & finite.all(0)

    def note(self, record: Record[S]) -> None:
        """The way back makes steps again; none shall be counted twice."""
        if torch.is_grad_enabled():
            return
        if record.rejected is not None:
            kept = {name: value[~record.trusted].cpu() for name, value in tensors(record.rejected).items()}
            record = Record(record.time, record.doubt, record.trusted, with_tensors(record.rejected, kept))
        self.log.steps.append(record)

    def note_lesson(self, before: S, after: S, params: Params, which: Tensor) -> None:
        if torch.is_grad_enabled():
            return

        def kept(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: value.detach()[which.to(value.device)].cpu() for name, value in values.items()}

        here, there = self.surrogate.fields(before, params), self.surrogate.fields(after, params)
        self.log.lessons.append(Lesson(kept(here), kept(there), kept(params)))

    def observe(self, state: S, params: Params) -> dict[str, Tensor]:
        return self.solver.observe(state, params)


def together(time: Tensor, dt: Tensor) -> tuple[float, float]:
    """Where all members are and how far they go, which has to be the same for all."""
    begin, length = float(time[0]), float(dt[0])
    apart = max(float((time - begin).abs().max()), float((dt - length).abs().max()))
    if apart > 1e-6 * length:
        raise EngineError(
            f"A safeguarded surrogate takes all members of a batch through the same steps; these are asked for steps "
            f"of {float(dt.min()):.6g} to {float(dt.max()):.6g}. Run them one by one, or use a surrogate without pace=."
        )
    return begin, length


def threshold_of(doubts: Tensor, quantile: float) -> float:
    """The doubt below which this share q of good steps lies: the conformal quantile, the ceil((n + 1) q)-th of n.

    A new step of the same kind is below it with at least this probability [Vovk, Gammerman & Shafer 2005].
    """
    n = len(doubts)
    rank = -(-(n + 1) * quantile // 1)
    if not 0.0 < quantile < 1.0 or rank > n:
        raise EngineError(
            f"A quantile of {quantile} of {n} steps cannot be told; it lies between 0 and 1, and needs at least "
            f"{-(-quantile // (1 - quantile)) if 0 < quantile < 1 else 1:.0f} steps. Calibrate on more, or take less."
        )
    found = float(doubts.sort().values[int(rank) - 1])
    if not math.isfinite(found):
        raise EngineError(
            f"Of {n} steps that the surrogate was asked for on the solver's own way, {int((~doubts.isfinite()).sum())} "
            f"have a doubt that is not finite: below no threshold lie {quantile:.0%} of them. Train the network "
            f"further, or look at what the check is made of."
        )
    return found


def calibrated(
    surrogate: Surrogate[S],
    solver: Solver[S],
    check: Check,
    starts: Iterable[tuple[S, Params]],
    *,
    steps: int,
    quantile: float = 0.95,
) -> SafeStepper[S]:
    """A SafeStepper that trusts as many steps as `quantile` says of those that begin on the solver's own way.

    starts: states and parameters of batches that the network was not trained on; from each the solver goes `steps`
    learned steps, and at every one the surrogate is asked for a proposal.
    """
    doubts = [
        doubts_along(surrogate, check, course(solver, state, params, surrogate.dt, steps), params)
        for state, params in starts
    ]
    return SafeStepper(surrogate, solver, check, threshold_of(torch.cat(doubts), quantile))


def course(solver: Solver[S], state: S, params: Params, dt: float, steps: int) -> Iterator[S]:
    """Where a solver is at 0, dt, 2 dt ... before each of so many steps."""
    for n in range(steps):
        if n:
            state = rollout(solver, state, params, n * dt, start=(n - 1) * dt, probes=()).state
        yield state


@torch.no_grad()
def doubts_along(surrogate: Surrogate[S], check: Check, way: Iterable[S], params: Params) -> Tensor:
    """Doubts of what a surrogate proposes from each state of a way, learned steps apart, that the solver went
    [step * member]; not of the first ones of a network that looks back, which are the solver's."""
    doubts: list[Tensor] = []
    here, dt = None, surrogate.dt
    for n, state in enumerate(way):
        here = surrogate.begin(state) if here is None else surrogate.followed(here, params, state)
        if not bool(surrogate.memory.complete(here).all()):
            continue
        time = torch.full((batch_size(state),), n * dt, dtype=torch.float64)
        proposal = surrogate.step(here, params, time, torch.full_like(time, dt)).state
        doubts.append(check(state, surrogate.memory.alone(proposal), params, n * dt, dt).cpu())
    return torch.cat(doubts) if doubts else torch.zeros(0)
