"""Tensors that stay where they are, for work that is recorded with the places it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["Places", "clones"]

K = TypeVar("K")


class Places:
    """Room for tensors by name. Copies are one launch where all are of one precision."""

    def __init__(self, like: Mapping[str, Tensor]):
        self.own = {
            name: torch.empty_like(value, requires_grad=False, memory_format=torch.contiguous_format)
            for name, value in like.items()
        }
        self.seen: list[tuple[Tensor, int]] = []

    def fill(self, values: Mapping[str, Tensor]) -> None:
        if self.own:
            torch._foreach_copy_([*self.own.values()], [values[name].detach() for name in self.own])

    def fill_where_new(self, values: Mapping[str, Tensor]) -> None:
        """The same, but not where these are the very numbers that were filled in last; they are kept to know them."""
        now = [(value.detach(), value._version) for value in values.values()]
        if not same(now, self.seen):
            self.fill(values)
            self.seen = now


def clones(named: Mapping[K, Tensor]) -> dict[K, Tensor]:
    made = {name: torch.empty_like(value) for name, value in named.items()}
    if made:
        torch._foreach_copy_([*made.values()], [*named.values()])
    return made


def same(now: list[tuple[Tensor, int]], seen: list[tuple[Tensor, int]]) -> bool:
    return len(now) == len(seen) and all(
        (one.data_ptr(), one.stride(), version) == (other.data_ptr(), other.stride(), then)
        for (one, version), (other, then) in zip(now, seen, strict=True)
    )
