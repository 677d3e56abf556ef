"""States that remember: those of a solver, with the earlier frames that a network looks back on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, make_dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from scenegrad.engine.state import tensors, with_tensors
from scenegrad.surrogates.operators.names import Names, earlier

__all__ = ["Memory"]

S = TypeVar("S")
KNOWN = "known_frames"


@dataclass(frozen=True)
class Memory(Generic[S]):
    """Keeps what `names` recalls of a state beside it, in a state of a class made for that: a subclass of its own, with
    past_<field> [batch, history - 1, ...], the newest first, and known_frames [batch], how many of all are known."""

    names: Names

    @property
    def past(self) -> dict[str, str]:
        """Of each field that is recalled, what its past is called."""
        return {name: f"past_{name}" for name in self.names.recalled}

    def begin(self, state: S, shapes: Mapping[str, tuple[int, ...]]) -> S:
        """With a past that is not known yet; a state that has one keeps it. shapes: of the fields that are recalled."""
        if not self.past or hasattr(state, KNOWN):
            return state
        one = next(value for value in tensors(state).values() if value.is_floating_point())
        batch, frames = len(one), self.names.history - 1
        kept = {past: one.new_zeros(batch, frames, *shapes[name]) for name, past in self.past.items()}
        known = torch.ones(batch, dtype=torch.int64, device=one.device)
        kind: Any = remembering(type(state), tuple(self.past.values()))  # type: ignore[arg-type]  # a class is hashable
        return kind(**content(state, type(state)), **kept, **{KNOWN: known})

    def alone(self, state: S) -> S:
        """The state as its solver knows it."""
        if not hasattr(state, KNOWN):
            return state
        kind = type(state).__bases__[0]
        return kind(**content(state, kind))

    def complete(self, state: S) -> Tensor:
        """Of which members the network has all the frames that it needs [batch]."""
        if not self.past:
            return torch.ones(len(next(iter(tensors(state).values()))), dtype=torch.bool)
        return (getattr(state, KNOWN) >= self.names.history).cpu()

    def recalled(self, state: S) -> dict[str, Tensor]:
        """The earlier frames as the network calls them: "u[-1]", "u[-2]", ..."""
        here = tensors(state)
        return {
            earlier(name, steps): here[kept][:, steps - 1]
            for name, kept in self.past.items()
            for steps in range(1, self.names.history)
        }

    def follow(self, before: S, fields: Mapping[str, Tensor], after: S) -> S:
        """The state `after` a step of which `before` was the beginning, with the fields of that as its newest past."""
        if not self.past:
            return after
        here = tensors(before)
        aged = {past: torch.cat([fields[name][:, None], here[past][:, :-1]], dim=1) for name, past in self.past.items()}
        count = (here[KNOWN] + 1).clamp(max=self.names.history)
        return with_tensors(before, {**tensors(self.alone(after)), **aged, KNOWN: count})


def content(state: Any, kind: type[Any]) -> dict[str, Any]:
    return {item.name: getattr(state, item.name) for item in fields(kind)}


@lru_cache
def remembering(kind: type[Any], past: Sequence[str]) -> type[Any]:
    """The class of states that are such, and remember."""
    more = [(name, Tensor) for name in (*past, KNOWN)]
    return make_dataclass(f"Remembering{kind.__name__}", more, bases=(kind,), frozen=True, kw_only=True)
