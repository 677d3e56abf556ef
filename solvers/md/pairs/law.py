"""What pair kernels are specialised for."""

from dataclasses import dataclass
from typing import Any

import torch

from scenegrad.solvers.md.images import nearest_image

__all__ = ["PairLaw"]


@dataclass(frozen=True)
class PairLaw:
    """A potential with its cut, in a dimension and a precision.

    mixed: more than one pair of species, looked up for every neighbour. partial: some two species have nothing to do
    with this potential, their row is -1. once: a list has each pair in one row only. tilted: boxes are triclinic.
    """

    kind: str
    cut: str
    dim: int
    dtype: torch.dtype
    mixed: bool
    partial: bool = False
    once: bool = False
    tilted: bool = False

    @property
    def share(self) -> float:
        """Of a pair, that a row counts."""
        return 1.0 if self.once else 0.5

    @property
    def image(self) -> Any:
        return nearest_image(self.dim, self.dtype, self.tilted)
