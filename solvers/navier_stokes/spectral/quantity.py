"""What can be seen of a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from scenegrad.engine.state import Params

__all__ = ["Quantity"]


@dataclass(frozen=True)
class Quantity:
    """measure: field [batch, channel, *cells] -> [batch, *cells], or [batch, *cells, dim] of a vector."""

    unit: str
    measure: Callable[[Tensor, Params], Tensor]
