"""A velocity of particles that turns, shifts and permutes with them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.bases import centered

__all__ = ["ParticleField"]


class ParticleField(nn.Module):
    """v(x, s) [batch, particle, dim] by messages between all pairs [Garcia Satorras et al. 2021, EGNN and E(n) flows,
    arXiv:2102.09844, 2105.09016], with d = x_i - x_j and r = |d|:

        m_ij = phi_e(h_i, h_j, r, s),   x_i += mean_j d phi_x(m_ij) / (1 + r),   h_i += phi_h(h_i, sum_j m_ij).

    v is what all layers together move, less its mean: particles move about their centre. Distances enter as Gaussians
    up to `reach` [length]. species: one number a particle, where not all are alike.
    """

    def __init__(
        self, particles: int, *, species: tuple[int, ...] = (), width: int = 32, layers: int = 2, reach: float = 8.0
    ):
        super().__init__()
        if particles < 2 or (species and len(species) != particles):
            raise EngineError(
                f"ParticleField got particles={particles} and species={species}; it takes two or more particles and "
                f"one number for each, or none where all are alike."
            )
        kinds = species or (0,) * particles
        self.begin = nn.Embedding(max(kinds) + 1, width)
        centers = torch.linspace(0.0, reach, 16)
        pairs = [(i, j) for i in range(particles) for j in range(particles) if i != j]
        for name, value in {
            "species": torch.tensor(kinds),
            "centers": centers,
            "into": torch.tensor([i for i, _ in pairs]),
            "of": torch.tensor([j for _, j in pairs]),
        }.items():
            self.register_buffer(name, value, persistent=False)
        self.species: Tensor
        self.centers: Tensor
        self.into: Tensor
        self.of: Tensor
        self.edge = nn.ModuleList(two_layers(2 * width + len(centers) + 1, width, width) for _ in range(layers))
        self.push = nn.ModuleList(two_layers(width, width, 1) for _ in range(layers))
        self.node = nn.ModuleList(two_layers(2 * width, width, width) for _ in range(layers))

    def forward(self, x: Tensor, s: Tensor) -> Tensor:
        batch, particles, dim = x.shape
        at, others = x, particles - 1
        h = self.begin(self.species).expand(batch, particles, -1)
        time = s.view(-1, 1, 1).expand(batch, len(self.into), 1)
        for edge, push, node in zip(self.edge, self.push, self.node, strict=True):
            d = at[:, self.into] - at[:, self.of]
            r = (d.square().sum(dim=2, keepdim=True) + 1e-12).sqrt()  # two particles in one place have a slope too
            near = torch.exp(-((r - self.centers) / (self.centers[1] - self.centers[0])).square())
            m = edge(torch.cat([h[:, self.into], h[:, self.of], near, time], dim=2))
            moved = (d * push(m) / (1.0 + r)).view(batch, particles, others, dim)
            at = at + moved.mean(dim=2)
            h = h + node(torch.cat([h, m.view(batch, particles, others, -1).sum(dim=2)], dim=2))
        return centered(at - x)


def two_layers(enter: int, width: int, leave: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(enter, width), nn.SiLU(), nn.Linear(width, leave))
