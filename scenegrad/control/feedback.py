"""A torch module as a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from scenegrad.control.actions import Actions
from scenegrad.control.sensing import Observation
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params

__all__ = ["Feedback"]


@dataclass(frozen=True)
class Feedback:
    """action = squash(network(observation)), within the bounds of the actions.

    network: any torch module or function from [batch, n] to [batch, actions.size]; gradients reach its weights.
    """

    observe: Observation
    network: Callable[[Tensor], Tensor]
    actions: Actions

    def __call__(self, solver: Solver[Any], state: Any, params: Params, time: Tensor) -> dict[str, Tensor]:
        return self.actions.values(self.actions.squash(self.network(self.observe(solver, state, params, time))))
