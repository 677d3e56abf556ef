"""A solver whose members live at different times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from scenegrad.engine.around import Around
from scenegrad.engine.solver import Solver, Step
from scenegrad.engine.state import Params

__all__ = ["Later"]

S = TypeVar("S")


@dataclass(frozen=True)
class Later(Around[S]):
    """The same solver, each member `offset` [batch] ahead of the clock; float64 on the host."""

    solver: Solver[S]
    offset: Tensor

    def step(self, state: S, params: Params, time: Tensor, dt: Tensor) -> Step[S]:
        return self.solver.step(state, params, time + self.offset, dt)

    def vjp(
        self, state: S, params: Params, time: Tensor, dt: Tensor, cotangent: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return self.solver.vjp(state, params, time + self.offset, dt, cotangent)
