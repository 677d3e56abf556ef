"""Annealed sequential Monte Carlo: a population on its way from one density to another.

ln gamma_l = (1 - l) ln gamma_0 + l ln gamma_1 with l from 0 to 1; at every stage members are weighted by gamma_l' /
gamma_l, resampled where weights have become uneven, and moved [Neal 2001; Del Moral, Doucet & Jasra 2006].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.moves import MALA, Move, Noise
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.weights import Energy, Weighted, effective_share, systematic

__all__ = ["Annealed", "anneal", "annealed_smc"]

LogDensity = Callable[[Tensor], Tensor]
"""ln gamma(x) [batch], up to a constant, differentiable."""


@dataclass(frozen=True)
class Annealed:
    """x [batch, ...] with ln w [batch] for the last density; `log_ratio` is ln of its norm over that of the first."""

    x: Tensor
    log_weights: Tensor
    log_ratio: float
    ladder: tuple[float, ...]  # every l, from 0 to 1
    effective: tuple[float, ...]  # Kish's share at every stage, before resampling
    accepted: tuple[float, ...]  # share of moves at every stage

    def weighted(self, energies: Tensor) -> Weighted:
        return Weighted(self.x, self.log_weights, energies)


def anneal(
    x: Tensor,
    first: LogDensity,
    last: LogDensity,
    *,
    noise: Noise,
    move: Move | None = None,
    ladder: tuple[float, ...] | None = None,
    share: float = 0.9,
    resample: float = 0.5,
    random: torch.Generator | None = None,
) -> Annealed:
    """A population x of the first density as one of the last.

    ladder: the values of l, from 0 to 1, with which the mean weight has no bias; without one, each l is the next at
    which the effective share of what it adds to the weights is `share`. Members are resampled, systematically, where
    that of all weights since is below `resample`. noise: white noise in the directions that x can move in
    (`base.noise`).
    """
    if ladder is not None and not (len(ladder) > 1 and ladder[0] == 0.0 and ladder[-1] == 1.0 and rises(ladder)):
        raise EngineError(f"anneal got ladder={ladder}; it takes values that rise from 0.0 to 1.0.")
    if not (0.0 < share < 1.0 and 0.0 <= resample <= 1.0):
        raise EngineError(f"anneal got share={share}, resample={resample}; they are shares between 0 and 1.")
    move = move or MALA(step=0.1, steps=5)
    log_weights, log_ratio, at = x.new_zeros(len(x)), 0.0, 0.0
    seen, effective, accepted = [0.0], [], []
    while at < 1.0:
        with torch.no_grad():
            slope = last(x) - first(x)
        after = ladder[len(seen)] if ladder is not None else next_by_share(slope, log_weights, at, share)
        log_weights = log_weights + (after - at) * slope

        def between(y: Tensor, at: float = after) -> Tensor:
            return (1.0 - at) * first(y) + at * last(y) if at < 1.0 else last(y)

        effective.append(effective_share(log_weights))
        if effective[-1] < resample:
            log_ratio += float(log_weights.logsumexp(dim=0)) - math.log(len(x))
            x, log_weights = x[systematic(log_weights, random)], torch.zeros_like(log_weights)
        x, extra, share_moved = move(x, between, noise, random)
        log_weights = log_weights + extra
        accepted.append(share_moved)
        at = after
        seen.append(at)
    log_ratio += float(log_weights.logsumexp(dim=0)) - math.log(len(x))
    return Annealed(x, log_weights, log_ratio, tuple(seen), tuple(effective), tuple(accepted))


def annealed_smc(
    flow: NormalizingFlow,
    energy: Energy,
    population: int,
    *,
    temperature: float = 1.0,
    move: Move | None = None,
    ladder: tuple[float, ...] | None = None,
    share: float = 0.9,
    resample: float = 0.5,
    random: torch.Generator | None = None,
) -> Annealed:
    """From samples of a flow to samples of exp(-U / temperature); `log_ratio` is ln of its integral.

    A flow without bijections is its base: annealing from a normal distribution.
    """
    with torch.no_grad():
        x, _ = flow.sample(population, random)

    def last(y: Tensor) -> Tensor:
        return -energy(y).to(y) / temperature

    return anneal(
        x, flow.log_density, last, noise=flow.base.noise, move=move, ladder=ladder, share=share, resample=resample,
        random=random,
    )  # fmt: skip


def next_by_share(slope: Tensor, log_weights: Tensor, at: float, share: float) -> float:
    """The l at which what is added to the weights, exp((l - at) slope), has this effective share among members as they
    count by now, by bisection; 1 if it is kept till then. Members that have lost their weight decide nothing."""
    if conditional_share((1.0 - at) * slope, log_weights) >= share:
        return 1.0
    low, high = at, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        keeps = conditional_share((middle - at) * slope, log_weights) >= share
        low, high = (middle, high) if keeps else (low, middle)
    if low <= at:
        raise EngineError(
            f"At l = {at:g} no step of the ladder keeps an effective share of {share:g}: members of the population "
            f"differ too much, or some have an energy that is not finite. Begin with a density that is nearer, or with "
            f"more members."
        )
    return low


def conditional_share(log_ratio: Tensor, log_weights: Tensor) -> float:
    """(sum W w)^2 / (sum W w^2) with shares W of the weights so far, which sum to one [Zhou, Johansen & Aston 2016,
    J. Comput. Graph. Stat. 25, 701]."""
    so_far = log_weights.log_softmax(dim=0)
    return float((2.0 * (so_far + log_ratio).logsumexp(dim=0) - (so_far + 2.0 * log_ratio).logsumexp(dim=0)).exp())


def rises(values: tuple[float, ...]) -> bool:
    return all(a < b for a, b in pairwise(values))
