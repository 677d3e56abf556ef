"""Solvers whose steps depend on more than the state of the scene, such as on earlier frames."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["Remembering", "begun"]

S = TypeVar("S")


@runtime_checkable
class Remembering(Protocol[S]):
    def begin(self, state: S) -> S:
        """The same state with what the solver carries beside it, as fields more; one that has them is left as it is."""
        ...


def begun(solver: Any, state: S) -> S:
    """The state that a march of this solver begins from."""
    return solver.begin(state) if isinstance(solver, Remembering) else state
