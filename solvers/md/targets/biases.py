"""Energies that are written in torch: a soft wall around a cluster, a bias on a distance."""

from __future__ import annotations

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.torch_term import TorchTerm, nearest

__all__ = ["ConfinementTerm", "DistanceBiasTerm"]


class ConfinementTerm(TorchTerm):
    """U = k/2 sum_i max(|x_i - mean(x)| - R, 0)^2; its force, which is wanted most, is written out."""

    def __init__(self, name: str):
        def energy(x: Tensor, edges: Tensor, params: Params) -> Tensor:
            out = x - x.mean(dim=1, keepdim=True)
            beyond = (out.square().sum(dim=2) + 1e-30).sqrt() - params[f"{name}.radius"][:, None]
            return 0.5 * params[f"{name}.stiffness"] * beyond.clamp(min=0.0).square().sum(dim=1)

        super().__init__(energy, [f"{name}.radius", f"{name}.stiffness"])

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        radius, stiffness = (params[address].detach()[:, None, None] for address in self.addresses)
        out = x - x.mean(dim=1, keepdim=True)
        pull = stiffness * (1.0 - radius / out.norm(dim=2, keepdim=True).clamp(min=1e-15)).clamp(min=0.0) * out
        force.sub_(pull - pull.mean(dim=1, keepdim=True))


class DistanceBiasTerm(TorchTerm):
    """U = k/2 (|x_i - x_j| - r0)^2, of the nearest images; its force, which is wanted most, is written out."""

    def __init__(self, name: str, i: int, j: int):
        def energy(x: Tensor, edges: Tensor, params: Params) -> Tensor:
            r = nearest((x[:, i] - x[:, j])[:, None], edges)[:, 0].norm(dim=1)
            return 0.5 * params[f"{name}.stiffness"] * (r - params[f"{name}.center"]).square()

        super().__init__(energy, [f"{name}.center", f"{name}.stiffness"])
        self.i, self.j = i, j

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        center, stiffness = (params[address].detach()[:, None] for address in self.addresses)
        apart = box.nearest((x[:, self.i] - x[:, self.j])[:, None])[:, 0]
        pull = stiffness * (center / apart.norm(dim=1, keepdim=True) - 1.0) * apart
        force[:, self.i] += pull
        force[:, self.j] -= pull
