"""How far two states are from being neighbours on a solution of a solver's equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from torch import Tensor

from scenegrad.engine.controllers import Controller
from scenegrad.engine.errors import EngineError
from scenegrad.engine.gradients import Gradient
from scenegrad.engine.rollout import STORED, rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params, tensors

__all__ = ["residual"]

S = TypeVar("S")


def residual(
    solver: Solver[S],
    before: S,
    after: S | Mapping[str, Tensor],
    params: Params,
    dt: float,
    *,
    time: float = 0.0,
    controller: Controller | None = None,
    gradient: Gradient = STORED,
) -> dict[str, Tensor]:
    """(after - where the solver goes from `before` in dt) / dt, field by field, in units of each per time.

    Zero, to rounding, for frames that the solver itself made; for those of a surrogate it is the discrete residual of
    the equations, all of them with their sides and forces, between two frames. Gradients reach `before`, `after` and
    `params`: its mean square can be trained on. after: a state, or the fields of one that are known. time: of `before`.
    controller: how the solver gets there; Fixed(dt) takes the one step, and the solver's own choice, which is taken if
    it is left out, as many as are stable. gradient: see `rollout`.
    """
    if not dt > 0.0:
        raise EngineError(f"residual got dt={dt}; it is the time from one state to the other, and positive.")
    known = {name: value for name, value in tensors(after).items() if value.is_floating_point()}
    there = tensors(before)
    if strange := [name for name in known if name not in there or known[name].shape != there[name].shape]:
        raise EngineError(
            f"residual compares fields of one kind, but `before` has no {', '.join(strange)} of the shape that `after` "
            f"has. It has {', '.join(f'{name}: {tuple(value.shape)}' for name, value in there.items())}."
        )
    made: Any = rollout(
        solver, before, params, time + dt, start=time, controller=controller, probes=(), gradient=gradient
    ).state
    reached = tensors(made)
    return {name: (value - reached[name]) / dt for name, value in known.items()}
