"""How hard Lennard-Jones atoms meet that carry charges."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.pairs.mixing import MixedNumbers

__all__ = ["Encounters"]

HALVINGS = 30


@dataclass(frozen=True)
class Encounters:
    """u'' of two species where they turn round that meet with an energy [batch, species, species]: where the sum of
    Lennard-Jones and, of like charges, k q_i q_j / r is as high. Without the charges the hydrogens of amides, hardly
    larger than nothing, would bound the step by encounters that never come.

    rows: of the numbers of each two species [species, species].
    """

    numbers: MixedNumbers
    rows: Tensor
    charges: Joined | None
    constant: float

    def __call__(self, params: Params, height: Tensor) -> Tensor:
        epsilon, sigma = self.numbers(params).double()[:, self.rows].unbind(dim=-1)
        apart = torch.zeros_like(epsilon)
        if self.charges is not None:
            q = self.charges(params).double()
            apart = (self.constant * q[:, :, None] * q[:, None]).clamp(min=0.0)
        height = height.double().view(-1, 1, 1)
        low = sigma / ((1.0 + (1.0 + height / epsilon).sqrt()) / 2.0) ** (1.0 / 6.0)  # without charges
        high = torch.maximum(sigma, apart / height.clamp(min=1e-30)) * 2.0
        for _ in range(HALVINGS):
            r = (low * high).sqrt()
            s = (sigma / r) ** 6
            inside = 4.0 * epsilon * s * (s - 1.0) + apart / r > height
            low, high = torch.where(inside, r, low), torch.where(inside, high, r)
        s = (sigma / low) ** 6
        return 24.0 * epsilon * s * (26.0 * s - 7.0).clamp(min=0.0) / low**2
