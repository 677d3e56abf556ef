"""Solvers around other solvers."""

from __future__ import annotations

from typing import Generic, TypeVar

from torch import Tensor

from scenegrad.engine.solver import Program, Solver
from scenegrad.engine.state import Params

__all__ = ["Around"]

S = TypeVar("S")


class Around(Generic[S]):
    """Mixed into what takes the steps of `solver` in a way of its own, and is that solver in all else."""

    solver: Solver[S]

    @property
    def program(self) -> Program[S]:
        return self.solver.program

    @property
    def order(self) -> int:
        return self.solver.order

    def max_dt(self, state: S, params: Params) -> Tensor:
        return self.solver.max_dt(state, params)

    def observe(self, state: S, params: Params) -> dict[str, Tensor]:
        return self.solver.observe(state, params)
