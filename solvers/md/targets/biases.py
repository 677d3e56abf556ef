"""Energies of a few atoms that are written in torch: a soft wall around a cluster, a bias on a distance."""

from __future__ import annotations

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.torch_term import Energy, TorchTerm, nearest

__all__ = ["confinement", "distance_bias"]


def confinement(name: str) -> TorchTerm:
    """U = k/2 sum_i max(|x_i - mean(x)| - R, 0)^2"""

    def energy(x: Tensor, edges: Tensor, params: Params) -> Tensor:
        apart = x - x.mean(dim=1, keepdim=True)
        beyond = (apart.square().sum(dim=2) + 1e-30).sqrt() - params[f"{name}.radius"][:, None]
        return 0.5 * params[f"{name}.stiffness"] * beyond.clamp(min=0.0).square().sum(dim=1)

    return known(energy, name, "radius", "stiffness")


def distance_bias(name: str, i: int, j: int) -> TorchTerm:
    """U = k/2 (|x_i - x_j| - r0)^2, of the nearest images"""

    def energy(x: Tensor, edges: Tensor, params: Params) -> Tensor:
        r = nearest((x[:, i] - x[:, j])[:, None], edges)[:, 0].norm(dim=1)
        return 0.5 * params[f"{name}.stiffness"] * (r - params[f"{name}.center"]).square()

    return known(energy, name, "center", "stiffness")


def known(energy: Energy, name: str, *fields: str) -> TorchTerm:
    return TorchTerm(energy, [f"{name}.{field}" for field in fields])
