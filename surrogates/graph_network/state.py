"""What a step of a graph network changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["GraphState"]


@dataclass(frozen=True)
class GraphState:
    """Particles of a batch of independent systems, with their latest velocities, the last one newest."""

    position: Float[Tensor, "batch particle dim"]  # [m]
    velocity: Float[Tensor, "batch particle past dim"]  # [m/s]
