"""The static structure factor: how strongly atoms scatter waves that fit into the box."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scenegrad.solvers.md.box import Box

__all__ = ["WaveVectors", "structure_factor", "wave_vectors"]

ROOM = 2**24  # products of a wave vector and an atom at a time


@dataclass(frozen=True)
class WaveVectors:
    """q = 2 pi n B^-T, where the rows of B are the edges of the box. whole: n [vector, dim], of which n and -n are one;
    shell: that each is in [vector]; count: shells."""

    whole: Tensor
    shell: Tensor
    count: int

    def q(self, box: Box) -> Tensor:
        """[batch, vector, dim], float64"""
        turn = 2.0 * math.pi * torch.linalg.inv(box.matrix).transpose(1, 2)
        return self.whole.to(turn) @ turn

    def mean(self, values: Tensor) -> Tensor:
        """Over the vectors of each shell: [batch, vector] to [batch, shell]."""
        total = values.new_zeros(len(values), self.count).index_add_(1, self.shell, values)
        return total / torch.bincount(self.shell, minlength=self.count)


def wave_vectors(box: Box, q_max: float, shells: int, most: int) -> WaveVectors:
    """Those up to q_max in shells of equal width, for the first box of a batch; shells that no vector falls into are
    left out. Of a shell with more than `most`, so many are taken, spread evenly over directions by their order."""
    rows = box.matrix[0].cpu().numpy()
    reach = np.floor(q_max * np.linalg.norm(rows, axis=1) / (2 * np.pi)).astype(int)
    axes = [np.arange(-r, r + 1) for r in reach]
    whole = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(reach))
    whole = whole[len(whole) // 2 + 1 :]  # one of each pair n, -n
    q = np.linalg.norm(2 * np.pi * whole @ np.linalg.inv(rows).T, axis=1)
    whole, q = whole[q <= q_max], q[q <= q_max]
    place = np.minimum((q / q_max * shells).astype(int), shells - 1)
    chosen: list[np.ndarray] = []
    shell: list[np.ndarray] = []
    for number in np.unique(place):
        inside = np.flatnonzero(place == number)
        taken = inside[np.unique(np.linspace(0, len(inside) - 1, min(most, len(inside))).astype(int))]
        shell.append(np.full(len(taken), len(shell)))
        chosen.append(whole[taken])
    device = box.edges.device
    return WaveVectors(
        torch.from_numpy(np.concatenate(chosen)).to(device),
        torch.from_numpy(np.concatenate(shell)).to(device),
        len(shell),
    )


def structure_factor(position: Tensor, box: Box, waves: WaveVectors, groups: tuple[Tensor, Tensor]) -> Tensor:
    """S_ab of each shell, float64 [batch, shell]; groups: indices of the atoms a and b.

    S_ab(q) = Re[rho_a(q) rho_b(-q)] / sqrt(N_a N_b), rho_a(q) = sum over atoms a of exp(-i q . x).
    """
    q, x = waves.q(box), position.double()
    size = max(1, ROOM // (len(x) * x.shape[1]))
    parts = []
    for begin in range(0, q.shape[1], size):
        phase = q[:, begin : begin + size] @ x.transpose(1, 2)
        cosine, sine = torch.cos(phase), torch.sin(phase)
        (a, b) = groups
        together = cosine[:, :, a].sum(2) * cosine[:, :, b].sum(2) + sine[:, :, a].sum(2) * sine[:, :, b].sum(2)
        parts.append(together)
    return waves.mean(torch.cat(parts, dim=1)) / math.sqrt(len(groups[0]) * len(groups[1]))
