"""The far part of Ewald's sum, wave by wave, in torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Waves"]


@dataclass(frozen=True)
class Waves:
    """U = 1/(2V) sum_{k != 0} 4 pi/k^2 exp(-k^2 / 4 alpha^2) |S(k)|^2 - alpha/sqrt(pi) sum_i q_i^2,

    S(k) = sum_i q_i exp(i k.x_i), in a conductor at infinity [de Leeuw, Perram & Smith 1980, Proc. R. Soc. A 373, 27].
    alpha: float64 [batch]. most: highest number of a wave along each edge, int [batch, 3]; the waves are those within
    an ellipsoid of numbers, which stays the same when the box is strained: (n_a / most_a)^2 adding up to at most 1, or
    n.Kn with shape K [batch, 3, 3], that of a sphere of waves in a triclinic box.
    """

    alpha: Tensor
    most: Tensor
    shape: Tensor | None = None

    def energy(self, x: Tensor, matrix: Tensor, q: Tensor) -> Tensor:
        """[batch], of positions [batch, atom, 3], the edges as rows of a matrix, and charges [batch, atom]."""
        inverse = torch.linalg.inv(matrix)
        turns = 2.0 * math.pi * (x @ inverse)
        top = [int(n) for n in self.most.amax(dim=0)]
        numbers = [torch.arange(low, n + 1, dtype=x.dtype, device=x.device) for low, n in self.ranges(top)]
        along = [turns[:, :, a, None] * numbers[a] for a in range(3)]
        e0, e1, e2 = (torch.complex(angle.cos(), angle.sin()) for angle in along)
        plane = (e1[..., :, None] * e2[..., None, :]).flatten(2)
        amplitude = (q[..., None] * e0).transpose(1, 2) @ plane  # [batch, n0, n1 n2]
        power = amplitude.real.square() + amplitude.imag.square()
        number = torch.stack(torch.meshgrid(*numbers, indexing="ij"), dim=-1).reshape(-1, 3)
        if self.shape is None:
            size = (number / self.most[:, None].to(x)).square().sum(-1)
        else:
            size = ((number @ self.shape.to(x)) * number).sum(-1)
        inside = (size <= 1.0) & (number != 0).any(dim=1)
        k2 = (2.0 * math.pi * number @ inverse.transpose(1, 2)).square().sum(-1)
        k2 = torch.where(inside, k2, 1.0)
        alpha = self.alpha.to(x)[:, None]
        twice = torch.where(number[:, 0] > 0, 2.0, 1.0).to(x)  # the half of the waves that is left out
        weight = torch.where(inside, twice * torch.exp(-k2 / (4.0 * alpha**2)) / k2, 0.0)
        far = 2.0 * math.pi / torch.linalg.det(matrix).abs() * (weight * power.flatten(1)).sum(dim=1)
        return far - alpha[:, 0] / math.sqrt(math.pi) * q.square().sum(dim=1)

    def ranges(self, top: list[int]) -> list[tuple[int, int]]:
        return [(0, top[0]), (-top[1], top[1]), (-top[2], top[2])]
