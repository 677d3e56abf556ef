"""A network of distances."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

__all__ = ["RadialNetwork"]


class RadialNetwork(nn.Module):
    """u_i = N(G_i), G_ik = sum_j exp(-(r_ij - c_k)^2 / w^2) f(r_ij)   [Behler & Parrinello 2007, PRL 98, 146401]

    with f = (1 - r^2/r_c^2)^3, which ends with two derivatives, apart for each species of neighbours; N is linear plus
    a network of one hidden layer. It knows distances alone, so it does not change when atoms are turned, moved, or
    exchanged with others of their species. first: where the first of the bumps stands [length].
    """

    def __init__(self, cutoff: float, first: float, bumps: int = 24, hidden: int = 16, species: int = 1):
        super().__init__()
        self.cutoff, self.species = cutoff, species
        self.centers = tuple(first + (cutoff - first) * k / (bumps - 1) for k in range(bumps))
        self.width = 1.5 * (self.centers[1] - self.centers[0])
        self.linear = nn.Linear((bumps + 1) * species, 1)
        self.inner = nn.Linear((bumps + 1) * species, hidden)
        self.outer = nn.Linear(hidden, 1, bias=False)

    def forward(self, apart: Tensor, there: Tensor, mine: Tensor, others: Tensor) -> Tensor:
        square = torch.where(there, apart.square().sum(-1), self.cutoff**2)
        end = torch.where(there, (1.0 - square / self.cutoff**2).clamp(min=0.0) ** 3, 0.0)
        bumps = torch.exp(-(((square.sqrt()[..., None] - apart.new_tensor(self.centers)) / self.width) ** 2))
        weighted = bumps * end[..., None]
        kinds = one_hot(others, self.species).to(apart)
        around = (kinds.transpose(-1, -2) @ weighted).flatten(-2)
        seen = torch.cat([around, one_hot(mine, self.species).to(apart)], dim=-1)
        return (self.linear(seen) + self.outer(torch.tanh(self.inner(seen))))[..., 0]
