"""States are frozen dataclasses of tensors, batch axis first; here is what the engine does with any of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

__all__ = [
    "Params",
    "batch_size",
    "first_non_finite",
    "map_tensors",
    "member",
    "place_of_non_finite",
    "select",
    "size_of",
    "stack",
    "tensors",
    "witness",
    "with_tensors",
]

S = TypeVar("S")


def tensors(state: Any) -> dict[str, Tensor]:
    """The tensors of a state by field name, in the order of their declaration."""
    if isinstance(state, Mapping):
        return dict(state)
    values = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def with_tensors(state: S, values: Mapping[str, Tensor]) -> S:
    """The same state with some of its tensors replaced."""
    if isinstance(state, Params):
        return state.replace(values)  # type: ignore[return-value]  # S is Params here
    return dataclasses.replace(state, **values)  # type: ignore[type-var]


def size_of(state: Any) -> int:
    """[bytes]"""
    return sum(value.numel() * value.element_size() for value in tensors(state).values())


def map_tensors(function: Callable[[Tensor], Tensor], state: S) -> S:
    return with_tensors(state, {name: function(value) for name, value in tensors(state).items()})


def batch_size(state: Any) -> int:
    return next(iter(tensors(state).values())).shape[0]


def member(state: S, index: int) -> S:
    """One member of the batch, as a batch of one."""
    return map_tensors(lambda value: value[index : index + 1], state)


def stack(states: list[S]) -> S:
    """Batches joined along the batch axis."""
    columns = [tensors(state) for state in states]
    return with_tensors(states[0], {name: torch.cat([column[name] for column in columns]) for name in columns[0]})


def select(mask: Tensor, chosen: S, other: S) -> S:
    """Per member: `chosen` where mask [batch] holds, `other` elsewhere."""
    before = tensors(other)

    def pick(name: str, value: Tensor) -> Tensor:
        return torch.where(mask.to(value.device).view(-1, *[1] * (value.ndim - 1)), value, before[name])

    return with_tensors(chosen, {name: pick(name, value) for name, value in tensors(chosen).items()})


def first_non_finite(state: Any) -> tuple[str, tuple[int, ...]] | None:
    """Field and members that hold the first value which is not finite; None where all is well."""
    # The host asks once.
    found = {name: witness(value) for name, value in tensors(state).items() if value.is_floating_point()}
    bad = ~torch.isfinite(torch.stack([*found.values()])) if found else torch.zeros(0, dtype=torch.bool)
    if not bool(bad.any()):
        return None
    field = int(bad.any(dim=1).nonzero()[0])
    return list(found)[field], tuple(int(i) for i in bad[field].nonzero().flatten())


def witness(value: Tensor) -> Tensor:
    """A number of each member that is finite where all of its entries are; float64 [batch]."""
    flat = value.detach().reshape(len(value), -1)
    if flat.dtype == torch.float64 or not flat.shape[1]:
        return flat.sum(dim=1, dtype=torch.float64)
    # In single precision a sum may overflow where its terms do not, and in double it costs twice as much as both ends.
    return flat.amax(1).double() - flat.amin(1).double()


def place_of_non_finite(state: Any, name: str, member: int) -> tuple[int, ...]:
    """Where in a field of one member the first value stands that is not finite; empty where all is well."""
    bad = torch.nonzero(~torch.isfinite(tensors(state)[name][member]))
    return tuple(int(i) for i in bad[0]) if len(bad) else ()


class Params(Mapping[str, Tensor]):
    """Numbers that may learn, each [batch, ...], by address: `params["block.material.youngs_modulus"]`.

    Immutable; `replace` makes a changed copy. A tensor asks for a gradient where the scene marked it as a Parameter.
    """

    def __init__(self, values: Mapping[str, Tensor]):
        self._values = dict(values)

    def __getitem__(self, address: str) -> Tensor:
        try:
            return self._values[address]
        except KeyError:
            raise KeyError(f"no parameter {address!r}; there are: {', '.join(self._values) or 'none'}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{k}: {tuple(v.shape)}' for k, v in self._values.items())})"

    def replace(self, values: Mapping[str, Tensor | float]) -> Params:
        """A copy with the values at some addresses replaced; a plain number serves every member."""
        made = dict(self._values)
        for address, value in values.items():
            known = self[address]  # an unknown address is an error that lists the known ones
            made[address] = value if isinstance(value, Tensor) else torch.full_like(known, value)
        return Params(made)

    def detach(self) -> Params:
        return Params({address: value.detach() for address, value in self._values.items()})
