"""A batch in parts, over processes and one after the other, so that the parts add up to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["Share", "shares_of"]


@dataclass(frozen=True)
class Share:
    """The examples first ... last - 1 of a batch of `count`. weight: its part of the mean over the batch.

    Where a batch has fewer examples than parts, a part without any stands in with one of weight 0: processes that work
    together must all take part.
    """

    first: int
    last: int
    count: int
    weight: float

    def of(self, batch: Sequence[int]) -> Sequence[int]:
        return batch[self.first : self.last]

    def drawing(self) -> AbstractContextManager[Any]:
        """Within it, what is drawn for this share is the share of what would be drawn for the whole batch."""
        return nullcontext() if self.last - self.first == self.count else ShareOfDraws(self)


def shares_of(count: int, rank: int, size: int, parts: int) -> list[Share]:
    """What the process `rank` of `size` does of a batch of `count` examples, in so many parts one after the other."""
    found = []
    for place in range(rank, size * parts, size):
        first, last = (count * edge // (size * parts) for edge in (place, place + 1))
        stand_in = min(first, count - 1)
        empty = Share(stand_in, stand_in + 1, count, 0.0)
        found.append(Share(first, last, count, (last - first) / count) if last > first else empty)
    return found


class ShareOfDraws(TorchFunctionMode):
    """torch.randn, rand and randint with a generator, if the first axis is as long as the share, draw for the whole
    batch and keep the share. What has another first axis is no property of examples, and drawn as it is."""

    drawn = (torch.randn, torch.rand, torch.randint)

    def __init__(self, share: Share):
        super().__init__()
        self.share = share

    def __torch_function__(self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function not in self.drawn or kwargs.get("generator") is None:
            return function(*args, **kwargs)
        share, rows = self.share, self.share.last - self.share.first
        listed = [*args, *([kwargs.pop("size")] if "size" in kwargs else [])]
        place = next((i for i, one in enumerate(listed) if isinstance(one, Sequence)), None)
        shape = listed if place is None else list(listed[place])
        if not shape or shape[0] != rows:
            return function(*listed, **kwargs)
        whole = [share.count, *shape[1:]]
        asked = whole if place is None else [*listed[:place], whole, *listed[place + 1 :]]
        return function(*asked, **kwargs)[share.first : share.last]
