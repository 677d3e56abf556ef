"""A rollout that torch writes down, operation by operation: what other gradients are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.capture import take
from scenegrad.engine.controllers import Controller
from scenegrad.engine.loop import Clock, Tried, due_times, march
from scenegrad.engine.solver import Probe, Solver, Step
from scenegrad.engine.state import Params, batch_size

__all__ = ["written_down"]

S = TypeVar("S")


def written_down(
    solver: Solver[S],
    state: S,
    params: Params,
    controller: Controller,
    probes: Sequence[Probe[S]],
    start: float,
    until: float,
    tried: Tried | None,
) -> tuple[S, dict[tuple[str, str], Tensor], Tensor]:
    """The last state; what was measured, by probe and quantity, stacked over frames; steps of each member."""
    due = due_times(probes, start, until)
    shelves: dict[tuple[str, str], list[Tensor]] = {}
    clock = Clock.start(batch_size(state), start)
    moment = None
    for moment in march(
        solver, state, params, controller, [time for time, _ in due], clock, tried=tried, go=step_with_graph
    ):
        for index in due[moment.pause][1] if moment.pause is not None else ():
            for key, value in probes[index].look(moment.state, params, moment.clock.time).items():
                shelves.setdefault((probes[index].name, key), []).append(value)
    assert moment is not None
    return moment.state, {key: torch.stack(column, dim=1) for key, column in shelves.items()}, moment.clock.steps


def step_with_graph(*given: Any) -> Step[Any]:
    """dt is no part of gradients, and so no estimate of errors is."""
    made = take(*given)
    return Step(made.state, None if made.error is None else made.error.detach())
