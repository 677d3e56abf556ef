"""A pair potential without a cutoff: of every two atoms of a system, whatever their distance."""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.targets.kernels import Law, force, force_adjoint, stiffest, sums, sums_adjoint
from scenegrad.solvers.md.targets.kinds import KINDS

__all__ = ["EndlessPairs"]


class EndlessPairs:
    """U = sum_{i<j} u(|x_i - x_j|), u of one of the targets, between all atoms; see `Term`."""

    def __init__(self, kind: str, name: str, dim: int, dtype: torch.dtype):
        self.kind, self.law, self.numbers = KINDS[kind], Law(kind, dim, dtype), numbers(dim, dtype)
        fields = self.kind.parameters
        self.theta = Joined([f"{name}.{field}" for field in fields], (len(fields),))

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.theta.addresses

    def launched(self, kernel: wp.Kernel, x: Tensor, params: Params, *rest: object) -> None:
        given = [view(self.theta(params), self.law.theta), view(x, self.numbers.vec), *rest]
        launch(kernel, tuple(x.shape[:2]), given, str(x.device))

    def add_force(self, x: Tensor, box: Box, params: Params, force_out: Tensor) -> None:
        self.launched(force(self.law), x, params, view(force_out, self.numbers.vec))

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        vec, p_bar = self.numbers.vec, self.by_atom(x)
        self.launched(force_adjoint(self.law), x, params, view(w, vec), view(x_bar, vec), view(p_bar, self.law.theta))
        return self.parts(p_bar, params)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        by_atom = torch.empty(*x.shape[:2], 1 + x.shape[2] ** 2, dtype=torch.float64, device=x.device)
        self.launched(sums(self.law), x, params, view(by_atom, self.numbers.sums))
        return by_atom.sum(dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        n, dim, p_bar = self.numbers, x.shape[2], self.by_atom(x)
        bar = bar.to(x.dtype)
        u_bar, w_bar = bar[:, 0].contiguous(), bar[:, 1:].reshape(-1, dim, dim).contiguous()
        bars = [view(u_bar, n.real), view(w_bar, n.mat), view(x_bar, n.vec), view(p_bar, self.law.theta)]
        self.launched(sums_adjoint(self.law), x, params, *bars)
        return self.parts(p_bar, params)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """omega^2 = u'' (1/m_i + 1/m_j) of the stiffest pair: of those now, and of those that meet."""
        real, mass = self.numbers.real, mass.contiguous()
        now = torch.empty(x.shape[:2], dtype=x.dtype, device=x.device)
        self.launched(stiffest(self.law), x, params, view(mass, real), view(now, real))
        met = self.kind.stiffest(list(self.theta(params).double().unbind(dim=1)), height.double())
        return torch.maximum(now.amax(dim=1).double(), 2.0 * met / mass.amin(dim=1).double())

    def by_atom(self, x: Tensor) -> Tensor:
        return x.new_empty(*x.shape[:2], len(self.addresses))

    def parts(self, p_bar: Tensor, params: Params) -> dict[str, Tensor]:
        if not self.theta.learning(params):
            return {}
        return self.theta.parts(p_bar.sum(dim=1, dtype=torch.float64).to(p_bar.dtype), params)
