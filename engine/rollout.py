"""A whole simulation as one differentiable function of its initial state and parameters.

The forward pass keeps a few states, or all for which there is memory, and the list of steps taken; `adjoint.py` walks
back over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine import adjoint
from scenegrad.engine.adjoint import Sweep
from scenegrad.engine.capture import linearize, take
from scenegrad.engine.controllers import Controller
from scenegrad.engine.errors import EngineError
from scenegrad.engine.gradients import Gradient, Reversible, Reweighted, Stored, Tape, tapeable, undoable, weighing
from scenegrad.engine.keeping import counted
from scenegrad.engine.looking import look_along, with_graph, without_graph
from scenegrad.engine.loop import Clock, StepRecord, Tried, due_times, march
from scenegrad.engine.solver import Probe, Pull, Solver, Step
from scenegrad.engine.state import Params, batch_size, map_tensors, size_of, tensors, with_tensors
from scenegrad.engine.step_log import StepLog

__all__ = ["Rollout", "rollout"]

S = TypeVar("S")

STORED = Stored()
FAR = 2**40  # steps


@dataclass(frozen=True)
class Rollout(Generic[S]):
    """What a simulation left behind.

    outputs: by the name of the probe, [batch, frame, ...]; a dict of them where the probe measures several quantities.
    times: of the frames of each probe [frame]. steps: accepted steps of each member [batch]. weighed: of frames that
    were drawn from a distribution, the outputs and logarithms of weights [batch, frame] as functions of params.
    """

    state: S
    outputs: dict[str, Any]
    times: dict[str, Tensor]
    steps: Tensor
    weighed: tuple[Mapping[str, Any], Mapping[str, Tensor]] | None = None

    def mean(self, name: str, of: Callable[[Any], Tensor] | None = None, *, first: int = 0) -> Tensor:
        """The average of an output over its frames from `first` on [batch, ...]; of: a function of the output, which is
        averaged in its place. With gradient=Reweighted(), a function of the distribution that frames are drawn from.
        """
        seen = (self.outputs if self.weighed is None else self.weighed[0])[name]
        values = (seen if of is None else of(seen))[:, first:]
        if self.weighed is None:
            return values.mean(dim=1)
        logs = self.weighed[1][name][:, first:]
        w = torch.softmax(logs - logs.detach(), dim=1).view(*logs.shape[:2], *[1] * (values.ndim - 2))
        return (w * values).sum(dim=1)


def rollout(
    solver: Solver[S],
    state: S,
    params: Params,
    until: float | None = None,
    *,
    controller: Controller | None = None,
    probes: Sequence[Probe[S]] | None = None,
    start: float = 0.0,
    gradient: Gradient = STORED,
    tried: Tried | None = None,
) -> Rollout[S]:
    """Runs the solver from `start` to `until` [time] and measures on the way; gradients flow through all of it.

    Gradients reach every floating field of `state` and every entry of `params` that asks for one. gradient: how they
    are made: `Stored(memory=...)`, `Reversible()`, `Tape()`, or, of averages over frames, `Reweighted()`.
    tried: learns of every attempt at a step, as `Trials().append` does.
    """
    program = solver.program
    until = program.end if until is None else until
    refuse_nonsense(state, params, start, until, program.members)
    controller = controller or program.controller
    probes = tuple(program.probes if probes is None else probes)
    times = frame_times(probes, start, until)
    if isinstance(gradient, Tape):
        seen = look_along(tapeable(solver), state, params, controller, probes, start, until, tried, with_graph)
        return Rollout(seen.state, by_probe(probes, seen.measured), times, seen.steps)
    if isinstance(gradient, Reweighted):
        known, plain = weighing(solver, params), map_tensors(torch.Tensor.detach, state)

        def log_weight(frame: S) -> Tensor:
            return -known.reduced(frame, params)

        seen = look_along(
            solver, plain, params.detach(), controller, probes, start, until, tried, without_graph,
            seeing=params, beside=log_weight,
        )  # fmt: skip
        outputs = {key: value.detach() for key, value in seen.measured.items()}
        weighed = (by_probe(probes, seen.measured), seen.beside)
        return Rollout(seen.state, by_probe(probes, outputs), times, seen.steps, weighed)
    undoes = isinstance(gradient, Reversible)
    solver, first = undoable(solver, state, params) if undoes else (solver, state)
    memory = gradient.memory if isinstance(gradient, Stored) else 0.0
    journey = Journey(solver, first, params, controller, probes, start, until, memory, tried)
    fields = {name: value for name, value in tensors(state).items() if value.is_floating_point()}
    learning = {address: value for address, value in params.items() if value.requires_grad}
    journey.inputs = (tuple(fields), tuple(learning))
    felt = torch.is_grad_enabled() and any(value.requires_grad for value in (*fields.values(), *learning.values()))
    journey.undoes, journey.keeps_pulls = undoes, felt and not undoes and not controller.needs_error
    results = March.apply(journey, *fields.values(), *learning.values())
    names = list(fields)
    ended = tensors(journey.end)
    end = with_tensors(state, {name: ended[name] for name in tensors(state)})  # without what is there to undo steps
    end = with_tensors(end, dict(zip(names, results[: len(names)], strict=True)))
    measured = dict(zip(journey.measured, results[len(names) :], strict=True))
    return Rollout(end, by_probe(probes, measured), times, journey.steps)


def by_probe(probes: Sequence[Probe[Any]], measured: Mapping[tuple[str, str], Tensor]) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for probe in probes:
        quantities = {key: value for (name, key), value in measured.items() if name == probe.name}
        outputs[probe.name] = next(iter(quantities.values())) if len(quantities) == 1 else quantities
    return outputs


def frame_times(probes: Sequence[Probe[Any]], start: float, until: float) -> dict[str, Tensor]:
    due = due_times(probes, start, until)
    return {
        probe.name: torch.tensor([t for t, among in due if index in among], dtype=torch.float64)
        for index, probe in enumerate(probes)
    }


def refuse_nonsense(state: Any, params: Params, start: float, until: float, members: int | None) -> None:
    if not start <= until < float("inf"):
        raise EngineError(f"A rollout from {start:g} until {until:g} is not possible; until is a later time.")
    sizes = {name: value.shape[0] for name, value in [*tensors(state).items(), *params.items()]}
    if len(set(sizes.values())) > 1:
        raise EngineError(
            "Every tensor of state and params has one entry for each member of the batch, but here are "
            + ", ".join(f"{name}: {size}" for name, size in sizes.items())
        )
    if members is not None and members != batch_size(state):
        raise EngineError(
            f"This solver was compiled for a batch of {members} and is given one of {batch_size(state)}: its buffers "
            f"have no room for that. Compile as many scenes as there are members, sg.compile([scene] * "
            f"{batch_size(state)})."
        )


class Journey(Generic[S]):
    """The forward pass and what the backward pass needs of it."""

    inputs: tuple[tuple[str, ...], tuple[str, ...]]  # fields and addresses that may have gradients
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
    ):
        self.solver, self.params, self.controller, self.probes = solver, params.detach(), controller, probes
        self.first = with_tensors(state, {name: value.detach() for name, value in tensors(state).items()})
        self.versions = self.current_versions()
        self.tried = tried
        self.start, self.due = start, due_times(probes, start, until)
        self.records = StepLog(batch_size(self.first))
        self.frames: list[tuple[int, tuple[int, ...]]] = []  # (steps before it, probes due) of each pause
        self.keep: dict[int, S] = {0: self.first}  # checkpoint: state before this step
        self.every = 1
        self.pocket = max(memory, adjoint.POCKET)  # for what transposes need [bytes]
        self.room = memory / max(size_of(self.first), 1)  # how many states there is memory for
        self.pulls: dict[int, Pull] = {}  # the way back through every step so far, as long as there is room for it
        self.looked: dict[int, S] = {}  # states that something was measured of, where there are such ways back
        self.keeps_pulls = False
        self.undoes = False  # the way back undoes steps and needs nothing but the last state
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
        with counted() as kept:
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


class March(torch.autograd.Function):
    """The whole march as one node of torch's graph."""

    @staticmethod
    def forward(ctx: Any, journey: Journey, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.journey = journey
        measured = journey.run()
        end = tensors(journey.end)
        # A field that no step replaced must leave as a new tensor, or autograd would see an input returned.
        return (*[end[name].clone() for name in journey.inputs[0]], *measured)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        journey: Journey = ctx.journey
        journey.refuse_changed()
        names, addresses = journey.inputs
        end = tensors(journey.end)
        bars = {
            name: torch.zeros_like(end[name]) if grad is None else grad.detach()
            for name, grad in zip(names, grads[: len(names)], strict=True)
        }
        with torch.no_grad():
            state_bars, param_bars = Sweep(journey, grads[len(names) :]).back(bars)
        return (None, *[state_bars.get(name) for name in names], *[param_bars.get(address) for address in addresses])
