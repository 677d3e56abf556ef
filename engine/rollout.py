"""A whole simulation as one differentiable function of its initial state and parameters.

The forward pass keeps a few checkpoints and the list of steps taken; the backward pass replays the stretch between two
checkpoints and asks the solver for the transposed derivative of each step. Neither holds more than O(sqrt(N)) states
of N steps [Griewank 1992, "Achieving logarithmic growth of temporal and spatial complexity"; here its two-level form].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from scenegrad.engine.controllers import Controller
from scenegrad.engine.errors import Diverged
from scenegrad.engine.loop import Clock, StepRecord, due_times, march
from scenegrad.engine.solver import Probe, Solver
from scenegrad.engine.state import Params, batch_size, select, tensors, with_tensors

__all__ = ["Rollout", "rollout"]

S = TypeVar("S")


@dataclass(frozen=True)
class Rollout(Generic[S]):
    """What a simulation left behind.

    outputs: by the name of the probe, [batch, frame, ...]; a dict of them where the probe measures several quantities.
    times: of the frames of each probe [frame]. steps: accepted steps of each member [batch].
    """

    state: S
    outputs: dict[str, Any]
    times: dict[str, Tensor]
    steps: Tensor


def rollout(
    solver: Solver[S],
    state: S,
    params: Params,
    until: float | None = None,
    *,
    controller: Controller | None = None,
    probes: Sequence[Probe[S]] | None = None,
    start: float = 0.0,
) -> Rollout[S]:
    """Runs the solver from `start` to `until` [time] and measures on the way; gradients flow through all of it.

    Gradients reach every floating field of `state` and every entry of `params` that asks for one.
    """
    program = solver.program
    until = program.end if until is None else until
    controller = controller or program.controller
    probes = tuple(program.probes if probes is None else probes)
    journey = Journey(solver, state, params, controller, probes, start, until)
    fields = {name: value for name, value in tensors(state).items() if value.is_floating_point()}
    learning = {address: value for address, value in params.items() if value.requires_grad}
    journey.inputs = (tuple(fields), tuple(learning))
    results = March.apply(journey, *fields.values(), *learning.values())
    names = list(fields)
    end = with_tensors(journey.end, dict(zip(names, results[: len(names)], strict=True)))
    measured = dict(zip(journey.measured, results[len(names) :], strict=True))
    outputs: dict[str, Any] = {}
    for probe in probes:
        quantities = {key: value for (name, key), value in measured.items() if name == probe.name}
        outputs[probe.name] = next(iter(quantities.values())) if len(quantities) == 1 else quantities
    return Rollout(end, outputs, journey.times(), journey.steps)


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
    ):
        self.solver, self.params, self.controller, self.probes = solver, params.detach(), controller, probes
        self.first = with_tensors(state, {name: value.detach() for name, value in tensors(state).items()})
        self.start, self.due = start, due_times(probes, start, until)
        self.records: list[StepRecord] = []
        self.frames: list[tuple[int, tuple[int, ...]]] = []  # (steps before it, probes due) of each pause
        self.keep: dict[int, S] = {0: self.first}  # checkpoint: state before this step
        self.every = 1

    def run(self) -> list[Tensor]:
        """Carries the state along; returns the measured tensors, stacked over frames."""
        shelves: dict[tuple[str, str], list[Tensor]] = {}
        clock = Clock.start(batch_size(self.first), self.start)
        moment = None
        for moment in march(
            self.solver, self.first, self.params, self.controller, [t for t, _ in self.due], clock, self.see
        ):
            if moment.pause is not None:
                due = self.due[moment.pause][1]
                self.frames.append((len(self.records), due))
                for index in due:
                    for key, value in self.probes[index].measure(moment.state, self.params).items():
                        shelves.setdefault((self.probes[index].name, key), []).append(value.detach())
        assert moment is not None
        self.end, self.steps, self.measured = moment.state, moment.clock.steps, list(shelves)
        return [torch.stack(column, dim=1) for column in shelves.values()]

    def see(self, record: StepRecord, before: S) -> None:
        """Online checkpoints: one every `every` steps, thinned out by half whenever they outnumber twice that."""
        n = len(self.records)
        self.records.append(record)
        if n % self.every == 0:
            self.keep[n] = before
            if len(self.keep) > max(2 * self.every, 8):
                self.every *= 2
                self.keep = {step: state for step, state in self.keep.items() if step % self.every == 0}

    def times(self) -> dict[str, Tensor]:
        return {
            probe.name: torch.tensor([t for t, due in self.due if index in due], dtype=torch.float64)
            for index, probe in enumerate(self.probes)
        }

    def redo(self, record: StepRecord, state: S) -> S:
        after = self.solver.step(state, self.params, record.time, record.dt).state
        return after if bool(record.active.all()) else select(record.active, after, state)

    def back(
        self, bars: dict[str, Tensor], output_bars: Sequence[Tensor | None]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Walks back from the end: `bars` are the cotangents of the final state, then of each state before it."""
        pending = frames_of(self.frames, self.probes, self.measured, output_bars)
        gathered: dict[str, Tensor] = {}
        marks = sorted(self.keep)
        for low, high in zip(reversed(marks), [len(self.records), *reversed(marks[1:])], strict=True):
            if low == high and high != len(self.records):
                continue
            states = [self.keep[low]]
            for record in self.records[low:high]:
                states.append(self.redo(record, states[-1]))
            if high == len(self.records):
                self.look_back(high, states[-1], pending, bars, gathered)
            for n in range(high - 1, low - 1, -1):
                before = states[n - low]
                states.pop()
                self.step_back(n, before, bars, gathered)
                self.look_back(n, before, pending, bars, gathered)
        return bars, gathered

    def step_back(self, n: int, before: S, bars: dict[str, Tensor], gathered: dict[str, Tensor]) -> None:
        record = self.records[n]
        through, active = dict(bars), record.active
        resting: dict[str, Tensor] = {}
        if not bool(active.all()):
            masks = {k: active.to(v.device).view(-1, *[1] * (v.ndim - 1)) for k, v in bars.items()}
            through = {k: torch.where(masks[k], v, 0.0) for k, v in bars.items()}
            resting = {k: torch.where(masks[k], 0.0, v) for k, v in bars.items()}
        state_bars, param_bars = self.solver.vjp(before, self.learning_params(), record.time, record.dt, through)
        for name in bars:
            bar = state_bars.get(name)
            bars[name] = (
                resting.get(name, 0.0) + bar if bar is not None else resting.get(name, torch.zeros_like(bars[name]))
            )
            if not bool(torch.isfinite(bars[name]).all()):
                raise Diverged(
                    f"The gradient with respect to {name} is no longer finite at step {n} of {len(self.records)} "
                    f"(t = {float(record.time[0]):.6g}), going backwards. Shorten the rollout, or take a smaller dt: "
                    f"it grows where neighbouring trajectories part or a step exceeds the stability bound."
                )
        for address, bar in param_bars.items():
            gathered[address] = gathered[address] + bar if address in gathered else bar

    def look_back(
        self, n: int, state: S, pending: dict[int, list], bars: dict[str, Tensor], gathered: dict[str, Tensor]
    ) -> None:
        """Adds the cotangents of everything that was measured before step n."""
        for probe, wanted in pending.get(n, []):
            fields = {k: v.detach().requires_grad_() for k, v in tensors(state).items() if k in bars}
            values = self.learning_params()
            leaves = {a: v for a, v in values.items() if v.requires_grad}
            with torch.enable_grad():
                measured = probe.measure(with_tensors(state, fields), values)
            pairs = [(measured[key], bar) for key, bar in wanted.items() if measured[key].requires_grad]
            if not pairs:
                continue
            outputs, cotangents = zip(*pairs, strict=True)
            found = torch.autograd.grad(outputs, [*fields.values(), *leaves.values()], cotangents, allow_unused=True)
            for name, bar in zip(fields, found[: len(fields)], strict=True):
                if bar is not None:
                    bars[name] = bars[name] + bar
            for address, bar in zip(leaves, found[len(fields) :], strict=True):
                if bar is not None:
                    gathered[address] = gathered[address] + bar if address in gathered else bar

    def learning_params(self) -> Params:
        return self.params.replace({a: self.params[a].detach().requires_grad_() for a in self.inputs[1]})


def frames_of(
    frames: list[tuple[int, tuple[int, ...]]],
    probes: Sequence[Probe],
    measured: Sequence[tuple[str, str]],
    bars: Sequence[Tensor | None],
) -> dict[int, list[tuple[Probe, dict[str, Tensor]]]]:
    """Sorts the cotangents of stacked outputs back to the steps at which they were measured."""
    pending: dict[int, list[tuple[Probe, dict[str, Tensor]]]] = {}
    count = dict.fromkeys(range(len(probes)), 0)
    for step, due in frames:
        for index in due:
            frame, count[index] = count[index], count[index] + 1
            wanted = {
                key: bar[:, frame]
                for (name, key), bar in zip(measured, bars, strict=True)
                if name == probes[index].name and bar is not None
            }
            if wanted:
                pending.setdefault(step, []).append((probes[index], wanted))
    return pending


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
        names, addresses = journey.inputs
        end = tensors(journey.end)
        bars = {
            name: torch.zeros_like(end[name]) if grad is None else grad.detach()
            for name, grad in zip(names, grads[: len(names)], strict=True)
        }
        with torch.no_grad():
            state_bars, param_bars = journey.back(bars, grads[len(names) :])
        return (None, *[state_bars.get(name) for name in names], *[param_bars.get(address) for address in addresses])
