"""Steps that a GPU records as a CUDA graph and then replays: small scenes would else wait for launches.

A graph reads and writes fixed places of memory. A recording holds places for a state, the params and the times; what it
is asked is copied there, the graph is replayed, and what it made is copied out. CHUNK steps share a graph, so that the
copies are few; single steps have one of their own, which also serves the shorter step before an output, since dt is a
number in memory. Within a graph params and dt are taken as copies: a solver that remembers what it made of the same
tensors makes it anew there, at each replay.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.graphs import Graphs, Made, NotRecorded, Recorded, Recorder
from scenegrad.engine.places import Places, clones
from scenegrad.engine.solver import Linearizable, Pull, Replayable, Solver, Step
from scenegrad.engine.state import Params, tensors, with_tensors

__all__ = ["CHUNK", "Replays", "linearize", "pull_back", "take"]

S = TypeVar("S")

CHUNK = 8  # steps of one graph


class Replays:
    """What was recorded of a solver's steps, by the shapes of state and params. recorder: None for CUDA graphs on a GPU
    and nothing elsewhere."""

    def __init__(self, recorder: Recorder | None = None):
        self.recorder = recorder
        self.known: dict[Hashable, Recording[Any]] = {}

    def of(self, state: Any, params: Params) -> Recording[Any] | None:
        """None where steps are taken one by one."""
        fields = tensors(state)
        device = next(iter(fields.values())).device
        if self.recorder is None and device.type == "cuda":
            self.recorder = Graphs(device)
        if self.recorder is None:
            return None
        key = (*shapes(fields), *shapes(params))
        if key not in self.known:
            self.known[key] = Recording(self.recorder, fields, params)
        return self.known[key] if self.known[key].works else None


class Recording(Generic[S]):
    """Steps forward and back of a solver, for states and params of one shape; time is start + count dt."""

    works = True

    def __init__(self, recorder: Recorder, fields: Mapping[str, Tensor], params: Params):
        self.recorder = recorder
        self.state, self.params = Places(fields), Places(params)
        like = next(iter(fields.values()))
        self.start = torch.zeros(len(like), dtype=torch.float64, device=like.device)
        self.dt, self.count = torch.ones_like(self.start), torch.zeros_like(self.start[:1])
        self.forward: dict[int, Recorded] = {}
        self.back: dict[Hashable, Recorded] = {}

    @cached_property
    def bars(self) -> Places:
        """For cotangents of a state, where somebody has some."""
        return Places(self.state.own)

    def fill(self, state: S, params: Params, start: Tensor, dt: Tensor, first: int) -> None:
        self.state.fill(tensors(state))
        self.params.fill_where_new(params)
        self.start.copy_(start)
        self.dt.copy_(dt)
        self.count.fill_(first)

    @torch.no_grad()
    def take(
        self, solver: Solver[S], state: S, params: Params, start: Tensor, dt: Tensor, first: int, steps: int
    ) -> Step[S]:
        sizes = [CHUNK] * (steps // CHUNK) + [1] * (steps % CHUNK)
        for size in sizes:
            if size not in self.forward:
                self.fill(state, params, start, dt, first)
                self.forward[size] = self.recorder.record(partial(self.ahead, solver, state, size))
        self.fill(state, params, start, dt, first)
        for size in sizes:
            self.forward[size][1]()
        error = self.forward[sizes[-1]][0].get(("error", ""))
        return Step(with_tensors(state, clones(self.state.own)), None if error is None else error.clone())

    def ahead(self, solver: Solver[S], like: S, steps: int) -> Made:
        """Moves the state in its places by some steps."""
        state, params, dt = with_tensors(like, self.state.own), self.copies(()), self.dt.clone()
        error = None
        for _ in range(steps):
            made = solver.step(state, params, self.start + self.count * dt, dt)
            state, error = made.state, made.error
            self.count.add_(1.0)
        self.state.fill(tensors(state))
        return {} if error is None else {("error", ""): error}

    @torch.no_grad()
    def pull_back(
        self, solver: Solver[S], state: S, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        learning = tuple(address for address, value in params.items() if value.requires_grad)
        bars = {name: self.bars.own[name] for name in cotangent}
        self.fill(state, params, time, dt, 0)
        torch._foreach_copy_([*bars.values()], [cotangent[name] for name in bars])
        key = (learning, tuple(bars))
        if key not in self.back:
            self.back[key] = self.recorder.record(partial(self.behind, solver, state, learning, bars))
        made, replay = self.back[key]
        replay()
        found: dict[str, dict[str, Tensor]] = {"state": {}, "params": {}}
        for (part, name), value in clones(made).items():
            found[part][name] = value
        return found["state"], found["params"]

    def behind(self, solver: Solver[S], like: S, learning: tuple[str, ...], bars: Mapping[str, Tensor]) -> Made:
        state = with_tensors(like, self.state.own)
        found = solver.vjp(state, self.copies(learning), self.start.clone(), self.dt.clone(), bars)
        parts = zip(("state", "params"), found, strict=True)
        return {(part, name): value for part, named in parts for name, value in named.items()}

    def give_up(self, trouble: NotRecorded) -> None:
        self.works = False
        warnings.warn(f"Steps are launched one by one, for they cannot be recorded: {trouble}", stacklevel=3)

    def copies(self, learning: tuple[str, ...]) -> Params:
        return Params({a: value.clone().requires_grad_(a in learning) for a, value in self.params.own.items()})


def take(
    solver: Solver[S], state: S, params: Params, start: Tensor, dt: Tensor, first: int = 0, steps: int = 1
) -> Step[S]:
    """Equal steps for every member, the n-th of them, counted from `first`, at start + n dt."""
    learns = any(value.requires_grad for value in (*tensors(state).values(), *params.values()))
    recording = None if learns and torch.is_grad_enabled() else recording_of(solver, state, params)
    if recording is not None:
        try:
            return recording.take(solver, state, params, start, dt, first, steps)
        except NotRecorded as trouble:
            recording.give_up(trouble)
    for n in range(first, first + steps):
        made = solver.step(state, params, start + n * dt, dt)
        state = made.state
    return made


def pull_back(
    solver: Solver[S], state: S, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """`vjp` of the solver."""
    recording = recording_of(solver, state, params)
    if recording is not None:
        try:
            return recording.pull_back(solver, state, params, time, dt, cotangent)
        except NotRecorded as trouble:
            recording.give_up(trouble)
    return solver.vjp(state, params, time, dt, contiguous(cotangent))


def linearize(solver: Solver[S], state: S, params: Params, time: Tensor, dt: Tensor) -> tuple[S, Pull] | None:
    """The state after a step and the way back through it; None where the solver cannot keep that, or where the step is
    replayed: what a recording makes lies in its places, and the next replay writes there."""
    if not isinstance(solver, Linearizable) or recording_of(solver, state, params) is not None:
        return None
    after, pull = solver.linearize(state, params, time, dt)
    return after, lambda cotangent: pull(contiguous(cotangent))


def recording_of(solver: Solver[S], state: S, params: Params) -> Recording[S] | None:
    replays = solver.replays if isinstance(solver, Replayable) else None
    return None if replays is None else replays.of(state, params)


def contiguous(cotangent: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Laid out as in the fixed places of a recording: sums over a tensor round by the order of its strides."""
    return {name: bar.contiguous() for name, bar in cotangent.items()}


def shapes(named: Mapping[str, Tensor]) -> tuple[Hashable, ...]:
    return tuple((name, value.shape, value.dtype, value.device) for name, value in named.items())
