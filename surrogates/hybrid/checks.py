"""What tells, without the truth, that a learned step should not be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from scenegrad.engine.fields import fields_of
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params

__all__ = ["Check", "CoarseStep", "Drift", "Together"]

Fields = Callable[[Any], Mapping[str, Tensor]]


class Check(Protocol):
    """A check doubts a step: a number for each member, small where the step is as good as those of the training data.

    What is small is for `calibrated` to find out."""

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        """[batch], dimensionless; before and after: states as the solver knows them. Not finite means no trust."""
        ...


@dataclass(frozen=True)
class CoarseStep:
    """The distance from the proposal to one step of a coarse solver, relative to the change of the state over the step.

    coarse: the same scene with fewer cells. params: its own, for the same members, where the addresses do not carry
    over. down: from a state of the fine solver to one of the coarse one. fields: of a coarse state, what is compared,
    which is all that it carries unless said. Far from the training data, where a residual of the equations says little,
    this still does: a coarse step is wrong by its own error there too, and a network by any amount.

    `sg.coarse_check(scene)` makes one of a scene in a box by itself.
    """

    coarse: Solver[Any]
    down: Callable[[Any], Any]
    params: Params | None = None
    fields: Fields | None = None

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        own = params if self.params is None else self.params
        return gone_apart(self.coarse, self.down(before), self.down(after), own, time, dt, self.fields)


@dataclass(frozen=True)
class Drift:
    """How far observables that should keep still have moved over the step, the largest relative change of them.

    observe: such as the solver's own; names: which of what it gives, or all.
    """

    observe: Callable[[Any, Params], Mapping[str, Tensor]]
    names: tuple[str, ...] = ()

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        was, now = self.observe(before, params), self.observe(after, params)
        moved = [distance(now[n], was[n]) / size(was[n]).clamp(min=1e-30) for n in self.names or was]
        return torch.stack(moved).amax(dim=0)


@dataclass(frozen=True)
class Together:
    """Several checks, each in units of its own threshold: the most doubtful one counts, and 1 is the border."""

    checks: tuple[tuple[Check, float], ...]

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        doubts = [check(before, after, params, time, dt) / threshold for check, threshold in self.checks]
        return torch.stack([torch.where(d.isfinite(), d, math.inf) for d in doubts]).amax(dim=0)


def gone_apart(
    coarse: Solver[Any], start: Any, after: Any, params: Params, time: float, dt: float, fields: Fields | None = None
) -> Tensor:
    """How far `after` is from where a solver goes in dt from `start`, both its own states, over how far it goes: of the
    field of which that is most [batch]."""
    told: Fields = fields or (lambda state: fields_of(coarse, state, params))
    reached = told(rollout(coarse, start, params, time + dt, start=time, probes=()).state)
    began, proposed = told(start), told(after)
    parts = [
        distance(proposed[name], value) / distance(began[name], value).clamp(min=1e-30)
        for name, value in reached.items()
        if value.is_floating_point()
    ]
    return torch.stack(parts).amax(dim=0)


def size(value: Tensor) -> Tensor:
    """L2 norm of each member [batch]."""
    return value.double().reshape(len(value), -1).norm(dim=1)


def distance(a: Tensor, b: Tensor) -> Tensor:
    return size(a.double() - b.double())
