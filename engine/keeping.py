"""How much memory a step holds on to until it is pulled back through, and how much all may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

__all__ = ["POCKET", "Kept", "counted", "keeps"]

POCKET = 2**29  # what linearised steps may hold where no more memory is given [bytes]


class Kept:
    """Memory that was told of, each storage once [bytes]."""

    def __init__(self) -> None:
        self.storages: dict[int, int] = {}
        self.others = 0

    @property
    def size(self) -> int:
        return self.others + sum(self.storages.values())

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.storages[storage.data_ptr()] = storage.nbytes()


counting: ContextVar[Kept | None] = ContextVar("counting", default=None)


@contextmanager
def counted() -> Iterator[Kept]:
    """Counts what torch keeps for its graph and what `keeps` is told of; numbers that steps share count as well."""
    kept = Kept()

    def pack(tensor: Tensor) -> Tensor:
        kept.add(tensor)
        return tensor.detach()

    before = counting.set(kept)
    try:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            yield kept
    finally:
        counting.reset(before)


def keeps(*held: Tensor | int) -> None:
    """Told by whoever keeps tensors, or so many bytes, for the way back by other means than torch's graph."""
    kept = counting.get()
    if kept is None:
        return
    for one in held:
        if isinstance(one, Tensor):
            kept.add(one)
        else:
            kept.others += one
