"""What an agent sees of a state: functions of it, differentiable, one row [batch, n] each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from scenegrad.engine.solver import Probe, Solver
from scenegrad.engine.state import Params, batch_size, tensors
from scenegrad.scenes.errors import SceneError, nearest

__all__ = ["Bodies", "Joined", "Observation", "Outputs", "Phases"]


class Observation(Protocol):
    """solver: what made the state. time: of each member [batch]. Returns [batch, n]."""

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> Tensor: ...


class Sum:
    """Observations stand side by side: a + b."""

    def __add__(self, other: Observation) -> Joined:
        return Joined((self, other))  # type: ignore[arg-type]  # every subclass is an Observation


class Joined(Sum):
    """Several observations in one row."""

    def __init__(self, parts: tuple[Observation, ...]):
        self.parts = parts

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> Tensor:
        return torch.cat([part(solver, state, params, time) for part in self.parts], dim=1)


class Outputs(Sum):
    """What the scene asks to have written down, measured now, by the names of the outputs."""

    def __init__(self, *names: str):
        self.names = names

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> Tensor:
        found = [self.probe(solver, name).look(state, params, time) for name in self.names]
        return torch.cat([value.flatten(1) if value.ndim > 1 else value[:, None]
                          for one in found for value in one.values()], dim=1)  # fmt: skip

    def probe(self, solver: Solver[Any], name: str) -> Probe[Any]:
        probes = {probe.name: probe for probe in solver.program.probes}
        if name not in probes:
            raise SceneError(
                f"There is no output {name!r} to observe.{nearest(name, probes)} "
                f"The scene has: {', '.join(probes) or 'none'}."
            )
        return probes[name]


class Bodies(Sum):
    """Of every body, or of those named: the mean velocity of its parts [m/s], and the mean place of its parts from that
    of all bodies [m]; of all bodies the height of the middle, the last coordinate [m].

    Nothing here changes when everything is moved along the floor.
    """

    def __init__(self, *names: str):
        self.names = names

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> Tensor:
        matter = getattr(solver, "matter", None)
        if matter is None:
            raise SceneError("Bodies sees bodies of matter and of springs; this scene has none. Observe Outputs(...).")
        bodies = {body.name: body.slice for body in matter.bodies}
        chosen = self.names or tuple(bodies)
        for name in chosen:
            if name not in bodies:
                raise SceneError(f"There is no body {name!r}.{nearest(name, bodies)} Bodies: {', '.join(bodies)}.")
        x = torch.stack([state.position[:, bodies[name]].mean(1) for name in chosen], dim=1)
        v = torch.stack([state.velocity[:, bodies[name]].mean(1) for name in chosen], dim=1)
        middle = x.mean(1, keepdim=True)
        return torch.cat([v.flatten(1), (x - middle).flatten(1), middle[:, 0, -1:]], dim=1)


@dataclass(frozen=True)
class Phases(Sum):
    """sin(2 pi (f t + k / count)) for k = 0 ... count - 1: a clock, for rhythms. frequency: f [1/time]."""

    frequency: float
    count: int = 4

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> Tensor:
        like = next(value for value in tensors(state).values() if value.is_floating_point())
        shift = torch.arange(self.count, dtype=torch.float64) / self.count
        turns = self.frequency * time.to("cpu", torch.float64).expand(batch_size(state))[:, None] + shift
        return torch.sin(2.0 * math.pi * turns).to(like)
