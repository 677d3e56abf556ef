"""What a step of a conservation law changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["FlowState"]


@dataclass(frozen=True)
class FlowState:
    """Conserved quantities per volume (per area in shallow water) of a batch of independent flows.

    Values belong to the middles of the cells. A gas has density, momentum and total energy; water has depth and depth
    times velocity. They are written in this order.

    entered: of each of them, what came in through each side since the start, and what obstacles pushed, in the order of
    `Entering.causes`, in double precision; None where nobody asks for it.
    """

    conserved: Float[Tensor, "batch field *cells"]
    entered: Float[Tensor, "batch cause field"] | None = None
