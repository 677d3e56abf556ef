"""The way there: steps taken, frames measured, and what the way back will need of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine import keeping
from scenegrad.engine.capture import linearize, take
from scenegrad.engine.controllers import Controller
from scenegrad.engine.errors import EngineError
from scenegrad.engine.loop import Clock, StepRecord, Tried, due_times, march
from scenegrad.engine.solver import Probe, Pull, Solver, Step
from scenegrad.engine.state import Params, batch_size, size_of, tensors, with_tensors
from scenegrad.engine.step_log import StepLog

__all__ = ["Journey"]

S = TypeVar("S")

FAR = 2**40  # steps


class Journey(Generic[S]):
    """The forward pass and what the backward pass needs of it."""

    end: S
    steps: Tensor
    measured: list[tuple[str, str]]  # (probe, quantity) in the order of the outputs

    def __init__(
        self,
        solver: Solver[S],
        state: S,
        params: Params,
        controller: Controller,
        probes: tuple[Probe[S], ...],
        start: float,
        until: float,
        memory: float = 0.0,
        tried: Tried | None = None,
        *,
        inputs: tuple[Sequence[str], Sequence[str]] = ((), ()),
        undoes: bool = False,
        keeps_pulls: bool = False,
    ):
        """inputs: fields and addresses that may have gradients. undoes: the way back undoes steps and needs nothing but
        the last state. keeps_pulls: there will be a way back, and what it needs of every step is kept if there is room.
        """
        self.inputs, self.undoes, self.keeps_pulls = inputs, undoes, keeps_pulls
        self.solver, self.params, self.controller, self.probes = solver, params.detach(), controller, probes
        self.first = with_tensors(state, {name: value.detach() for name, value in tensors(state).items()})
        self.versions = self.current_versions()
        self.tried = tried
        self.start, self.due = start, due_times(probes, start, until)
        self.records = StepLog(batch_size(self.first))
        self.frames: list[tuple[int, tuple[int, ...]]] = []  # (steps before it, probes due) of each pause
        self.keep: dict[int, S] = {0: self.first}  # checkpoint: state before this step
        self.every = 1
        self.pocket = max(memory, keeping.POCKET)  # for what transposes need [bytes]
        self.room = memory / max(size_of(self.first), 1)  # how many states there is memory for
        self.pulls: dict[int, Pull] = {}  # the way back through every step so far, as long as there is room for it
        self.looked: dict[int, S] = {}  # states that something was measured of, where there are such ways back
        self.held: int | None = None  # by one of them, once it is known [bytes]

    def current_versions(self) -> dict[str, int]:
        """How often each tensor that the journey began with has been changed in place."""
        return {name: value._version for name, value in [*tensors(self.first).items(), *self.params.items()]}

    def refuse_changed(self) -> None:
        """The way back replays the way there, so that what it began with must still be what it was."""
        changed = [name for name, version in self.current_versions().items() if version != self.versions[name]]
        if changed:
            raise EngineError(
                f"{', '.join(changed)} changed in place between the rollout and its backward pass; the gradient would "
                f"be that of another simulation. Call backward() first, or change a copy."
            )

    def run(self) -> list[Tensor]:
        """Carries the state along; returns the measured tensors, stacked over frames."""
        shelves: dict[tuple[str, str], list[Tensor]] = {}
        clock = Clock.start(batch_size(self.first), self.start)
        moment = None
        for moment in march(
            self.solver,
            self.first,
            self.params,
            self.controller,
            [t for t, _ in self.due],
            clock,
            self.see,
            self.patience,
            self.tried,
            self.go,
        ):
            if moment.pause is not None:
                due = self.due[moment.pause][1]
                self.frames.append((len(self.records), due))
                if due and self.keeps_pulls:
                    self.looked[len(self.records)] = moment.state
                for index in due:
                    for key, value in self.probes[index].look(moment.state, self.params, moment.clock.time).items():
                        shelves.setdefault((self.probes[index].name, key), []).append(value.detach())
        assert moment is not None
        if self.keeps_pulls:
            self.keep = {0: self.first}  # nobody will go on from the others
        self.end, self.steps, self.measured = moment.state, moment.clock.steps, list(shelves)
        return [torch.stack(column, dim=1) for column in shelves.values()]

    def go(
        self, solver: Solver[S], state: S, params: Params, start: Tensor, dt: Tensor, first: int, steps: int
    ) -> Step[S]:
        """Steps that keep the way back through them, as long as there is room for that of all."""
        for n in range(first, first + steps):
            made = self.linearized(state, start + n * dt, dt) if self.keeps_pulls else None
            if made is None:
                self.pulls, self.looked, self.keeps_pulls = {}, {}, False
                return take(solver, state, params, start, dt, n, first + steps - n)
            state, self.pulls[len(self.pulls)] = made
        return Step(state)

    def linearized(self, state: S, time: Tensor, dt: Tensor) -> tuple[S, Pull] | None:
        """A step and the way back through it; None where that cannot be had, or takes more room than there is."""
        count = len(self.pulls) + 1
        if self.held is not None and (self.held + size_of(self.first)) * count > self.pocket:
            return None
        if self.held is not None:
            return linearize(self.solver, state, self.wanted(), time, dt)
        with keeping.counted() as kept:
            found = linearize(self.solver, state, self.wanted(), time, dt)
        self.held = kept.size
        return None if self.held + size_of(self.first) > self.pocket else found

    def wanted(self) -> Params:
        """Params as leaves of their own, of which those learn that the journey is differentiated by."""
        return self.params.replace(
            {address: self.params[address].detach().requires_grad_() for address in self.inputs[1]}
        )

    def patience(self) -> int:
        """How many steps there are up to the next checkpoint."""
        if self.undoes:
            return FAR
        return self.every - len(self.records) % self.every

    def see(self, record: StepRecord, before: S | None) -> None:
        """Online checkpoints: one every `every` steps, thinned out by half whenever they outnumber twice that and, with
        the states between two of them, those for which there is memory."""
        n = len(self.records)
        self.records.append(record)
        if before is not None and n % self.every == 0 and not self.undoes:
            self.keep[n] = before
            if len(self.keep) > max(2 * self.every, 8, self.room - self.every):
                self.every *= 2
                self.keep = {step: state for step, state in self.keep.items() if step % self.every == 0}
