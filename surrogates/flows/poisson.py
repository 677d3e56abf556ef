"""Starts with heavy tails: the field of charges in a space of more dimensions, as a flow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.scales import Scales

__all__ = ["FromPoissonField"]


@dataclass(frozen=True)
class FromPoissonField:
    """Noise whose flow runs along the lines of an electric field: PFGM++ [Xu et al. 2023, arXiv:2302.04265].

    Give each example a charge and N + D dimensions, N of the example itself. In the distance r from its own N the field
    of all charges spreads them over densities of

        x ~ 1 / (|x - y|^2 + r^2)^((N + D) / 2)

    about each y, and dx/dr along a line of the field is the mean of (x - y) / r over them. With r = sqrt(D) a / b that
    is x / b = y + (a / b) x0 of any path, x0 being Student's t of D degrees of freedom in N dimensions; so it is a
    start, and the flow, its training and its samplers stay as they are. D = 1 is the Poisson flow of Xu et al. 2022,
    and for large D it is FromNoise(): fewer dimensions forgive more of what the network gets wrong, more are easier to
    learn.

    extra: D. The white noise z is stretched along its own direction, so that the same noise gives the same start.
    """

    extra: float = 128.0

    def __post_init__(self) -> None:
        if not 0.0 < self.extra < math.inf:
            raise EngineError(
                f"FromPoissonField got extra={self.extra}; it is a positive number of dimensions, such as 128."
            )

    def __call__(self, noise: Tensor, state: Mapping[str, Tensor], scales: Scales, dt: Tensor | None = None) -> Tensor:
        flat = noise.flatten(1)
        square = flat.square().sum(1)
        return noise * (self.squares(square, flat.shape[1]) / square).sqrt().view(-1, *[1] * (noise.ndim - 1))

    def squares(self, normal: Tensor, count: int) -> Tensor:
        """|x0|^2 from |z|^2: as many lie below the one as below the other. Autograd knows its slope."""
        n, d = 0.5 * count, 0.5 * self.extra
        q = normal.detach().double().cpu().numpy()
        share = special.betaincinv(d, n, special.gammaincc(n, 0.5 * q))  # D / (D + |x0|^2), precise where it is small
        most = special.betaincinv(n, d, special.gammainc(n, 0.5 * q))
        odds = np.where(share < 0.5, (1.0 - share) / share, most / (1.0 - most))
        log_normal = (n - 1.0) * np.log(q) - 0.5 * q - n * math.log(2.0) - special.gammaln(n)
        log_odds = (n - 1.0) * np.log(odds) - (n + d) * np.log1p(odds) - special.betaln(n, d)
        value, slope = (torch.from_numpy(v).to(normal) for v in (self.extra * odds, np.exp(log_normal - log_odds)))
        return value + self.extra * slope * (normal - normal.detach())

    def log_density(self, x0: Tensor) -> Tensor:
        flat = x0.flatten(1)
        n, d = 0.5 * flat.shape[1], 0.5 * self.extra
        norm = math.lgamma(n + d) - math.lgamma(d) - n * math.log(self.extra * math.pi)
        return norm - (n + d) * torch.log1p(flat.square().sum(1) / self.extra)
