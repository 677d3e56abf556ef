"""First velocities: of the Maxwell distribution, without total momentum, at exactly the temperature asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["maxwell"]


def maxwell(seeds: Sequence[int], species: Tensor, dim: int, mass: Tensor, temperature: Tensor) -> Tensor:
    """v = c (g sqrt(T/m) - their mean by mass), with c such that 2 K = sum over species of dim (N - 1)/N N_s T_s.

    mass, temperature: [batch, species]; the result [batch, atom, dim] is a differentiable function of both.
    """
    drawn = [
        np.random.default_rng(np.random.SeedSequence(s, spawn_key=(0,))).standard_normal((len(species), dim))
        for s in seeds
    ]
    g = torch.from_numpy(np.stack(drawn)).to(mass.device)
    m, heat = mass.double()[:, species, None], temperature.double()[:, species, None]
    cold = heat == 0.0  # a root has no derivative there
    v = torch.where(cold, 0.0, torch.where(cold, 1.0, heat / m).sqrt()) * g
    v = v - (m * v).sum(dim=1, keepdim=True) / m.sum(dim=1, keepdim=True)
    wanted = dim * heat.sum(dim=1, keepdim=True) * (len(species) - 1) / len(species)
    found = (m * v.square()).sum(dim=(1, 2), keepdim=True)
    still = found == 0.0
    scale = torch.where(still, 0.0, torch.where(still, 1.0, wanted / torch.where(still, 1.0, found)).sqrt())
    return (scale * v).to(mass.dtype)
