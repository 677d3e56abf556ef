"""The charges of atoms, from those of their species."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.system import PerAtom

__all__ = ["Charges"]


@dataclass(frozen=True)
class Charges:
    """q sqrt(k) [batch, atom], k Coulomb's constant: so that u = q_i q_j / r from here on."""

    by_atom: PerAtom
    constant: float = 1.0

    @property
    def root(self) -> float:
        return math.sqrt(self.constant)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.by_atom.addresses

    def __call__(self, params: Params) -> Tensor:
        """Without a graph."""
        return self.root * self.by_atom(params)

    def differentiable(self, params: Params) -> Tensor:
        return self.root * self.by_atom.differentiable(params)

    def learning(self, params: Params) -> bool:
        return self.by_atom.learning(params)

    def parts(self, bar: Tensor, params: Params) -> dict[str, Tensor]:
        """Cotangents [batch, atom] to those of the params that ask for one."""
        return self.by_atom.parts(self.root * bar, params)
