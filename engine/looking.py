"""Marching along and looking, frame by frame, with whatever graph the looking leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.capture import take
from scenegrad.engine.controllers import Controller
from scenegrad.engine.loop import Clock, Go, Tried, due_times, march
from scenegrad.engine.solver import Probe, Solver, Step
from scenegrad.engine.state import Params, batch_size

__all__ = ["Seen", "look_along", "with_graph", "without_graph"]

S = TypeVar("S")


@dataclass(frozen=True)
class Seen(Generic[S]):
    """The last state; what was measured, by probe and quantity, [batch, frame, ...]; steps of each member. beside: what
    else was asked of each frame, by probe [batch, frame]."""

    state: S
    measured: dict[tuple[str, str], Tensor]
    steps: Tensor
    beside: dict[str, Tensor]


def look_along(
    solver: Solver[S],
    state: S,
    params: Params,
    controller: Controller,
    probes: Sequence[Probe[S]],
    start: float,
    until: float,
    tried: Tried | None,
    go: Go,
    *,
    seeing: Params | None = None,
    beside: Callable[[S], Tensor] | None = None,
) -> Seen[S]:
    """go: takes the steps, with the params. seeing: params that probes are given, where these are others. beside: is
    asked of every state that a probe looks at [batch]."""
    due = due_times(probes, start, until)
    shelves: dict[tuple[str, str], list[Tensor]] = {}
    others: dict[str, list[Tensor]] = {}
    clock = Clock.start(batch_size(state), start)
    moment = None
    for moment in march(solver, state, params, controller, [time for time, _ in due], clock, tried=tried, go=go):
        looking = due[moment.pause][1] if moment.pause is not None else ()
        more = beside(moment.state) if beside is not None and looking else None
        for index in looking:
            probe = probes[index]
            if more is not None:
                others.setdefault(probe.name, []).append(more)
            for key, value in probe.look(moment.state, seeing or params, moment.clock.time).items():
                shelves.setdefault((probe.name, key), []).append(value)
    assert moment is not None
    return Seen(
        moment.state,
        {key: torch.stack(column, dim=1) for key, column in shelves.items()},
        moment.clock.steps,
        {name: torch.stack(column, dim=1) for name, column in others.items()},
    )


def with_graph(*given: Any) -> Step[Any]:
    """Takes steps that torch writes down. dt is no part of gradients, and so no estimate of errors is."""
    made = take(*given)
    return Step(made.state, None if made.error is None else made.error.detach())


@torch.no_grad()
def without_graph(*given: Any) -> Step[Any]:
    """Takes steps that nothing remembers."""
    return take(*given)
