"""A stress as a network of the strain that the body itself sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenegrad.surrogates.materials.polar import polar_rotation

__all__ = ["EquivariantStress"]


class EquivariantStress(nn.Module):
    """tau = scale R [m E + k/2 tr E I + N(e) - N(0)] R',   F = R S,   E = (S^2 - I) / 2   [Pa]

    e: the entries of E, and J - 1, in units of `reach`; N a perceptron of two hidden layers with symmetric matrices as
    values, after [Ma et al. 2023 (NCLaw), ICML], which rotates it into the first Piola-Kirchhoff stress: here it is the
    Kirchhoff stress that is rotated, so that it is symmetric. Matter may differ by direction; no energy is supposed.
    tau turns with the observer and vanishes at every rotation, whatever the weights.
    scale: stiffness expected [Pa]; reach: size of the strains expected.
    """

    def __init__(self, dim: int, scale: float, reach: float = 0.3, width: int = 24):
        super().__init__()
        self.dim, self.scale, self.reach = dim, scale, reach
        entries = dim * (dim + 1) // 2
        self.moduli = nn.Parameter(torch.zeros(2))  # ln m, ln k
        self.layers = nn.Sequential(
            nn.Linear(entries + 1, width),
            nn.Tanh(),
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Linear(width, entries, bias=False),
        )
        with torch.no_grad():
            last = self.layers[-1]
            assert isinstance(last, nn.Linear)
            last.weight.mul_(0.1 * reach)
        self.places = [(i, j) for i in range(dim) for j in range(i, dim)]

    def forward(self, F: Tensor) -> Tensor:
        R = polar_rotation(F)
        one = torch.eye(self.dim, dtype=F.dtype, device=F.device)
        E = (F.mT @ F - one) / 2
        seen = torch.stack([*(E[..., i, j] for i, j in self.places), torch.linalg.det(F) - 1], -1) / self.reach
        found = self.layers(seen) - self.layers(seen.new_zeros(seen.shape[-1]))
        m, k = self.moduli.exp()
        trace = E.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        inner = m * E + k / 2 * trace * one + self.symmetric(found)
        return self.scale * (R @ inner @ R.mT)

    def symmetric(self, entries: Tensor) -> Tensor:
        """[..., entry] -> [..., dim, dim]"""
        number = {place: index for index, place in enumerate(self.places)}
        rows = [
            torch.stack([entries[..., number[min(i, j), max(i, j)]] for j in range(self.dim)], -1)
            for i in range(self.dim)
        ]
        return torch.stack(rows, -2)
