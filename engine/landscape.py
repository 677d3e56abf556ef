"""An objective of a rollout as a function of coordinates, with its slope."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.coordinates import Axis, plain, split, spoken
from scenegrad.engine.errors import Diverged, EngineError
from scenegrad.engine.rollout import Rollout, rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, tensors

__all__ = ["Landscape", "Objective", "Trial", "rebuilt"]

S = TypeVar("S")

Objective = Callable[[Rollout[S]], Tensor]


@dataclass(frozen=True)
class Trial:
    """One evaluation of the objective and its gradient."""

    value: float
    params: dict[str, np.ndarray]
    gradient: dict[str, np.ndarray]  # with respect to the parameters themselves, in their units
    seconds: float


@dataclass(frozen=True)
class Landscape(Generic[S]):
    """What a solver makes of an objective, wherever the axes lead."""

    solver: Solver[S]
    state: S
    params: Params
    objective: Objective[S]
    axes: list[Axis]
    until: float | None
    build: Callable[[Params], S] | None
    penalty: Callable[[Params], Tensor] | None = None

    def __call__(self, point: np.ndarray) -> tuple[Trial, np.ndarray]:
        """The trial at a point, and the slope in the coordinates [coordinate]."""
        began = time.perf_counter()
        try:
            values = self.params.replace({axis.address: axis.tensor(part) for axis, part in split(self.axes, point)})
            start = self.state if self.build is None else self.build(values)
            loss = self.objective(rollout(self.solver, start, values, self.until)).sum()
            if self.penalty is not None:
                loss = loss + self.penalty(values).sum()
            wanted = [values[axis.address] for axis in self.axes]
            felt = loss.requires_grad
            slopes = torch.autograd.grad(loss, wanted, allow_unused=True) if felt else (None,) * len(wanted)
        except Diverged as error:
            place = spoken(self.axes, point)
            raise Diverged(f"{error} This was met while optimising, at {place}.", error.members) from error
        refuse_unfelt(self.axes, slopes)
        found = {axis.address: plain(slope) for axis, slope in zip(self.axes, slopes, strict=True)}
        tried = {axis.address: plain(value) for axis, value in zip(self.axes, wanted, strict=True)}
        trial = Trial(float(loss.detach()), tried, found, time.perf_counter() - began)
        chained = [axis.slope(found[axis.address], part) for axis, part in split(self.axes, point)]
        return trial, np.concatenate(chained)


def rebuilt(solver: Solver[S], state: S, params: Params) -> Callable[[Params], S] | None:
    """How the solver's scene makes this state from parameters; None where the state does not depend on any.

    A graph of torch can be walked back once, so that a state with a graph has to be made anew for each evaluation.
    """
    given = tensors(state)
    if not any(value.requires_grad for value in given.values()):
        return None
    initial = solver.program.initial
    made = tensors(initial(params)) if initial is not None else {}
    if any(name not in made or not torch.equal(value, made[name]) for name, value in given.items()):
        raise EngineError(
            "The initial state depends on parameters in a way that is not the scene's. Pass build=, a function from "
            "params to the initial state; or detach the state, if it shall stay as it is."
        )
    return initial


def refuse_unfelt(axes: list[Axis], slopes: tuple[Tensor | None, ...]) -> None:
    """A parameter that the objective does not feel, or feels without limit, cannot be fitted."""
    unfelt = [axis.address for axis, slope in zip(axes, slopes, strict=True) if slope is None]
    if unfelt:
        raise EngineError(
            f"The objective does not depend on {', '.join(unfelt)}. Measure something that does, or leave it out."
        )
    wild = [a.address for a, s in zip(axes, slopes, strict=True) if s is not None and not math.isfinite(float(s.sum()))]
    if wild:
        raise Diverged(f"The gradient of the objective with respect to {', '.join(wild)} is not finite.")
