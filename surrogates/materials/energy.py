"""An isotropic elastic energy as a network of the invariants of strain."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["InvariantEnergy"]


class InvariantEnergy(nn.Module):
    """W = scale [m/2 a + k/2 b^2 + N(z) - N(0) - b dN/db(0)],   tau = dW/dF F'   [Pa]

    a = (tr B - d - 2 ln J) / 2, b = J - 1, B = FF', and in three dimensions c = tr (B - I)^2 / 8: invariants of second
    order in strain but for b, whose linear part is taken out. So W and tau vanish at every rotation, tau turns with the
    observer and is symmetric, and work done around a cycle is zero, whatever the weights. In two dimensions every
    isotropic elastic energy is a function of a and b.

    N is a perceptron of two hidden layers (tanh) of z = (a / reach^2, b / reach, c / reach^2). Its derivatives are
    written out, so that tau needs no graph of its own. At first the law is that of moduli `scale`, which N bends at
    random.
    scale: stiffness expected [Pa]; reach: size of the strains expected.
    """

    def __init__(self, dim: int, scale: float, reach: float = 0.3, width: int = 24):
        super().__init__()
        self.dim, self.scale, self.reach = dim, scale, reach
        inputs = 2 if dim == 2 else 3
        self.moduli = nn.Parameter(torch.zeros(2))  # ln m, ln k
        self.first = nn.Linear(inputs, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Parameter(0.5 * reach**2 * torch.randn(width) / width**0.5)

    def forward(self, F: Tensor) -> Tensor:
        """tau = W_a (B - I) + W_b J I + W_c (B - I) B / 2, for a' F' = B - I, b' F' = J I, c' F' = (B - I) B / 2."""
        B, J, z = self.invariants(F)
        slope = self.slopes(z) / self.units(F)
        rest = self.slopes(torch.zeros_like(self.units(F))) / self.units(F)
        m, k = self.moduli.exp()
        one = torch.eye(self.dim, dtype=F.dtype, device=F.device)
        by_a = (m + slope[..., 0])[..., None, None]
        by_b = (k * (J - 1) + slope[..., 1] - rest[1])[..., None, None]
        tau = by_a * (B - one) + by_b * J[..., None, None] * one
        if self.dim == 3:
            tau = tau + slope[..., 2, None, None] / 2 * ((B - one) @ B)
        return self.scale * tau

    def energy(self, F: Tensor) -> Tensor:
        """W [...], [Pa]"""
        _, J, z = self.invariants(F)
        origin = torch.zeros_like(self.units(F))
        m, k = self.moduli.exp()
        b = J - 1
        a = z[..., 0] * self.reach**2
        net = self.potential(z) - self.potential(origin) - b / self.reach * self.slopes(origin)[1]
        return self.scale * (m * a + k / 2 * b.square() + net)

    def invariants(self, F: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """B, J and z."""
        B = F @ F.mT
        J = torch.linalg.det(F)
        a = (B.diagonal(dim1=-2, dim2=-1).sum(-1) - self.dim) / 2 - J.log()
        known = [a, J - 1]
        if self.dim == 3:
            one = torch.eye(3, dtype=F.dtype, device=F.device)
            known.append((B - one).square().sum((-2, -1)) / 8)
        return B, J, torch.stack(known, -1) / self.units(F)

    def units(self, like: Tensor) -> Tensor:
        return like.new_tensor([self.reach**2, self.reach, self.reach**2][: 2 if self.dim == 2 else 3])

    def potential(self, z: Tensor) -> Tensor:
        """N [...]"""
        return self.second(self.first(z).tanh()).tanh() @ self.last

    def slopes(self, z: Tensor) -> Tensor:
        """dN/dz [..., invariant]"""
        h = self.first(z).tanh()
        bar = (1 - self.second(h).tanh().square()) * self.last
        return ((1 - h.square()) * (bar @ self.second.weight)) @ self.first.weight
