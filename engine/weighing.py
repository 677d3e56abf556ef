"""A rollout whose frames are weighed: averages over them as functions of the parameters of their distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import Controller
from scenegrad.engine.loop import Clock, Tried, due_times, march
from scenegrad.engine.solver import Probe, Solver, Weighing
from scenegrad.engine.state import Params, batch_size

__all__ = ["weighed"]

S = TypeVar("S")


def weighed(
    solver: Solver[S],
    known: Weighing[S],
    state: S,
    params: Params,
    controller: Controller,
    probes: Sequence[Probe[S]],
    start: float,
    until: float,
    tried: Tried | None,
) -> tuple[S, dict[tuple[str, str], Tensor], dict[str, Tensor], Tensor]:
    """The last state; what was measured, by probe and quantity, stacked over frames; of each probe -u of its frames
    [batch, frame]; steps of each member. The middle two know the params."""
    due = due_times(probes, start, until)
    shelves: dict[tuple[str, str], list[Tensor]] = {}
    energies: dict[str, list[Tensor]] = {probe.name: [] for probe in probes}
    fixed, moment = params.detach(), None
    clock = Clock.start(batch_size(state), start)
    marching = march(solver, state, fixed, controller, [time for time, _ in due], clock, tried=tried)
    while True:
        with torch.no_grad():  # around the steps, not around what is measured of them
            following: Any = next(marching, None)
        if following is None:
            break
        moment = following
        looking = due[moment.pause][1] if moment.pause is not None else ()
        u = known.reduced(moment.state, params) if looking else None
        for index in looking:
            assert u is not None
            energies[probes[index].name].append(u)
            for key, value in probes[index].look(moment.state, params, moment.clock.time).items():
                shelves.setdefault((probes[index].name, key), []).append(value)
    assert moment is not None
    return (
        moment.state,
        {key: torch.stack(column, dim=1) for key, column in shelves.items()},
        {name: -torch.stack(u, dim=1) for name, u in energies.items() if u},
        moment.clock.steps,
    )
