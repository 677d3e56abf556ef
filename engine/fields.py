"""Solvers whose states can be told, and made, by the names of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from scenegrad.engine.state import Params, tensors, with_tensors

__all__ = ["Fielded", "fields_of", "with_fields"]

S = TypeVar("S")


@runtime_checkable
class Fielded(Protocol[S]):
    """A solver that packs what it carries in its own way, and knows it as the fields that a scene's outputs name."""

    def fields(self, state: S, params: Params) -> dict[str, Tensor]:
        """All that a step changes: a scalar [batch, *cells], a vector [batch, *cells, component]; differentiable."""
        ...

    def with_fields(self, state: S, params: Params, fields: Mapping[str, Tensor], time: Tensor) -> S:
        """The state in which these fields have these values, at a time [batch, float64]; others stay as they are."""
        ...


def fields_of(solver: Any, state: Any, params: Params) -> dict[str, Tensor]:
    """The fields of a state by name: those of its solver, or its own tensors where the solver has no other names."""
    return solver.fields(state, params) if isinstance(solver, Fielded) else tensors(state)


def with_fields(solver: Any, state: S, params: Params, fields: Mapping[str, Tensor], time: Tensor) -> S:
    """The state with these fields replaced; undoes `fields_of`."""
    if isinstance(solver, Fielded):
        return solver.with_fields(state, params, fields, time)
    there = tensors(state)
    return with_tensors(state, {name: value for name, value in fields.items() if name in there})
