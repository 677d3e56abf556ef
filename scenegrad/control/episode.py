"""A simulation with a policy in the loop, differentiable as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.controllers import Controller
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import Rollout, rollout
from scenegrad.engine.solver import Probe, Solver
from scenegrad.engine.state import Params, batch_size

__all__ = ["Episode", "Policy", "episode"]

S = TypeVar("S")
SAME = 1e-9  # relative distance below which two times are one


class Policy(Protocol):
    """The numbers to set until the next decision, by address, each [batch] or [batch, ...] as in params."""

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> Mapping[str, Tensor]: ...


@dataclass(frozen=True)
class Episode(Generic[S]):
    """states: at every decision, and the last one. actions: by address [batch, decision, ...].

    outputs, times, steps: as of a rollout over the whole time.
    """

    states: tuple[S, ...]
    actions: dict[str, Tensor]
    outputs: dict[str, Any]
    times: dict[str, Tensor]
    steps: Tensor

    @property
    def state(self) -> S:
        return self.states[-1]


def episode(
    solver: Solver[S],
    state: S,
    params: Params,
    policy: Policy,
    *,
    every: float,
    until: float | None = None,
    start: float = 0.0,
    controller: Controller | None = None,
    probes: Sequence[Probe[S]] | None = None,
) -> Episode[S]:
    """Lets the policy decide at start, start + every, ...; what it sets is held until its next decision.

    Each stretch between two decisions is one node of torch's graph, so that gradients reach the weights of the policy
    both through what it did and through what it saw.
    """
    until = solver.program.end if until is None else until
    if not every > 0.0 or not start < until:
        raise EngineError(f"An episode from {start:g} until {until:g} with decisions every {every:g} is not possible.")
    states, now = [state], start
    chosen: list[Mapping[str, Tensor]] = []
    rolls: list[Rollout[S]] = []
    while now < until * (1.0 - SAME):
        now_next = start + (len(rolls) + 1) * every
        then = until if now_next > until * (1.0 - SAME) else now_next
        time = torch.full((batch_size(state),), now, dtype=torch.float64)
        values = policy(solver, states[-1], params, time)
        chosen.append(values)
        rolls.append(
            rollout(solver, states[-1], params.replace(values), then, controller=controller, probes=probes, start=now)
        )
        states.append(rolls[-1].state)
        now = then
    actions = {address: torch.stack([values[address] for values in chosen], dim=1) for address in chosen[0]}
    outputs, times = joined(rolls)
    return Episode(tuple(states), actions, outputs, times, torch.stack([roll.steps for roll in rolls]).sum(0))


def joined(rolls: Sequence[Rollout[S]]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Frames of all stretches in a row; the one at a decision is the last of the stretch before it."""
    outputs: dict[str, list[Any]] = {name: [] for name in rolls[0].outputs}
    times: dict[str, list[Tensor]] = {name: [] for name in rolls[0].outputs}
    for roll in rolls:
        for name, seen in times.items():
            here = roll.times[name]
            last = float(seen[-1][-1]) if seen else None
            fresh = torch.ones_like(here, dtype=torch.bool) if last is None else here > last + SAME * abs(last)
            if not bool(fresh.any()):
                continue
            seen.append(here[fresh])
            frames, keep = roll.outputs[name], torch.nonzero(fresh)[:, 0]
            pick = {key: value.index_select(1, keep.to(value.device)) for key, value in named(frames).items()}
            outputs[name].append(pick if isinstance(frames, dict) else pick[""])
    whole = {
        name: {key: torch.cat([part[key] for part in parts], dim=1) for key in parts[0]}
        if parts and isinstance(parts[0], dict)
        else torch.cat(parts, dim=1)
        for name, parts in outputs.items()
        if parts
    }
    return whole, {name: torch.cat(seen) for name, seen in times.items() if seen}


def named(frames: Any) -> dict[str, Tensor]:
    return frames if isinstance(frames, dict) else {"": frames}
