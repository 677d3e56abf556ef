"""Exact weights of samples whose density is known, and what they say of the sampler."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["Energy", "Weighted", "effective_share", "forward_effective_share", "importance"]

Energy = Callable[[Tensor], Tensor]
"""U(x) [batch] of configurations x [batch, ...]; differentiable where moves along the force are asked for."""


@dataclass(frozen=True)
class Weighted:
    """Samples x [batch, ...], ln w [batch] with w ~ exp(-U/T) / q, and their energies [batch]."""

    x: Tensor
    log_weights: Tensor
    energies: Tensor

    @property
    def share(self) -> Tensor:
        """Weights that sum to one [batch]."""
        return self.log_weights.softmax(dim=0)

    @property
    def effective(self) -> float:
        """Kish's effective sample size by the number of samples: `effective_share`."""
        return effective_share(self.log_weights)

    @property
    def log_z(self) -> float:
        """ln of the integral of exp(-U/T): ln of the mean weight."""
        return float(self.log_weights.logsumexp(dim=0)) - math.log(len(self.log_weights))

    @property
    def log_z_error(self) -> float:
        """One standard deviation of log_z, of samples that are independent: sqrt((1 / effective - 1) / N)."""
        return math.sqrt(max(1.0 / self.effective - 1.0, 0.0) / len(self.log_weights))

    def mean(self, observable: Tensor) -> Tensor:
        """<O> from O(x) [batch, ...], self-normalised."""
        return torch.tensordot(self.share.to(observable), observable, dims=1)

    def resampled(self, random: torch.Generator | None = None) -> Tensor:
        """As many samples, each about as often as its weight says, all of one weight: systematically."""
        return self.x[systematic(self.log_weights, random)]


def importance(
    x: Tensor, log_density: Tensor, energy: Energy, temperature: float = 1.0, chunk: int | None = None
) -> Weighted:
    """w = exp(-U(x) / T) / q(x) of samples x ~ q: averages are exact for any q that covers where exp(-U/T) is.

    temperature is in units of the energy. The same samples serve another temperature with another call. chunk: how many
    configurations the energy is asked for at a time; all, unless said.
    """
    if not temperature > 0.0:
        raise EngineError(f"importance got temperature={temperature}; it is a positive number, such as 1.0.")
    with torch.no_grad():
        energies = torch.cat([energy(part) for part in x.detach().split(chunk or len(x))]).to(log_density)
    log_weights = -energies / temperature - log_density.detach()
    if bool(log_weights.isnan().any()):
        bad = log_weights.isnan().nonzero().flatten()
        raise EngineError(
            f"{len(bad)} of {len(x)} samples have an energy or a density that is not a number; the first is sample "
            f"{int(bad[0])}. An energy may be inf, where nothing can be, but not nan."
        )
    return Weighted(x.detach(), log_weights, energies)


def effective_share(log_weights: Tensor) -> float:
    """(sum w)^2 / (N sum w^2) of samples of q [Kish 1965]: one where q is the target. Reverse ESS: it does not see what
    q never visits."""
    w = log_weights.detach().double()
    return float((2.0 * w.logsumexp(0) - (2.0 * w).logsumexp(0)).exp()) / len(w)


def forward_effective_share(log_weights: Tensor) -> float:
    """N^2 / (sum w sum 1/w) of samples of the target itself, with ln w = -U/T - ln q there: forward ESS, which does see
    the modes that q has lost [Midgley et al. 2023, FAB, arXiv:2208.01893]."""
    w = log_weights.detach().double()
    return float((2.0 * math.log(len(w)) - w.logsumexp(0) - (-w).logsumexp(0)).exp())


def systematic(log_weights: Tensor, random: torch.Generator | None) -> Tensor:
    """Which samples come next: each floor(N w) or ceil(N w) times, N w on the average."""
    count = len(log_weights)
    rising = log_weights.double().softmax(dim=0).cumsum(dim=0)
    first = torch.rand((), generator=random, dtype=torch.float64).to(rising.device)
    marks = (torch.arange(count, dtype=torch.float64, device=rising.device) + first) / count
    return torch.searchsorted(rising, marks).clamp(max=count - 1)
