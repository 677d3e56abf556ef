"""What a step of masses and springs changes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["SpringState"]


@dataclass(frozen=True)
class SpringState:
    """Masses of a batch of independent systems; those of one body stand together, body after body.

    activation: of each actuator, as the last step felt it; energies are measured with it.
    """

    position: Float[Tensor, "batch mass dim"]  # [m]
    velocity: Float[Tensor, "batch mass dim"]  # [m/s]
    activation: Float[Tensor, "batch actuator"]  # dimensionless
