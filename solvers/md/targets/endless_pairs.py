"""A pair potential without a cutoff: of every two atoms of a system, whatever their distance."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.everyone import Everyone
from scenegrad.solvers.md.numbers import launch, view
from scenegrad.solvers.md.pairs.kernels import stiffest
from scenegrad.solvers.md.pairs.term import PairTable, PairTerm
from scenegrad.solvers.md.targets.kinds import STIFFEST

__all__ = ["EndlessPairs"]

ENDLESS = 1e9  # [length]; its square is still a number in single precision


class EndlessPairs(PairTerm):
    """U = sum_{i<j} u(|x_i - x_j|), u of one of the targets; see `Term`."""

    def __init__(self, kind: str, name: str, names: int, species: Tensor, batch: int, dim: int, dtype: torch.dtype):
        one_for_all = torch.zeros(names, names, dtype=torch.int32, device=species.device)
        reach = torch.full((batch, 1), ENDLESS, dtype=torch.float64, device=species.device)
        everyone = Everyone(batch, len(species), dim, species.device)
        super().__init__(PairTable(kind, "none", (name,), one_for_all, reach), species, everyone, dtype)  # type: ignore[arg-type]  # in the place of lists

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """omega^2 = u'' (1/m_i + 1/m_j) of the stiffest pair: of those now, and of those that meet."""
        real = self.numbers.real
        now = torch.empty(self.batch, self.atoms, dtype=self.dtype, device=x.device)
        given = [*self.system(x, box, params), view(mass.contiguous(), real), view(now, real)]
        launch(stiffest(self.law), (self.batch, self.atoms), given, self.device)
        theta = [column.double() for column in self.theta(params)[:, 0].unbind(dim=1)]
        met = STIFFEST[self.table.kind](theta, height.double())
        return torch.maximum(now.amax(dim=1).double(), 2.0 * met / mass.amin(dim=1).double())

    def refuse_ends_beyond(self, theta: Tensor) -> None:
        """There is no end."""
