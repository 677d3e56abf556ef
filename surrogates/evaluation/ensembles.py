"""Scores of forecasts that are drawn at random: an ensemble of draws against the one thing that happened."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["crps", "rank_distance", "ranks", "spread_skill"]


def crps(draws: Tensor, true: Tensor) -> Tensor:
    """Continuous ranked probability score at each point, E|X - y| - E|X - X'| / 2, in the units of the field [...].

    draws: [draw, ...]; true: [...]. Fair: the second mean is over pairs of different draws, so that the expected score
    of a few draws is that of many [Ferro 2014, doi:10.1002/qj.2270]. What draws the truth's own distribution has the
    least, and a forecast that is always the same its absolute error.
    """
    count = at_least_two(draws)
    order = torch.arange(1, count + 1, dtype=draws.dtype, device=draws.device)
    weights = (2.0 * order - count - 1.0) / (count * (count - 1.0))
    # Half the mean distance of two draws is a weighted sum of the sorted ones: no table of all pairs is made.
    return (draws - true).abs().mean(dim=0) - torch.tensordot(weights, draws.sort(dim=0).values, dims=1)


def spread_skill(draws: Tensor, true: Tensor) -> float:
    """sqrt((1 + 1/M) <variance of the M draws>) / sqrt(<square error of their mean>), the means over all points.

    One where the draws are as far from each other as they are from the truth; below one they are too sure of
    themselves [Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1]. draws: [draw, ...]; true: [...].
    """
    count = at_least_two(draws)
    spread = (1.0 + 1.0 / count) * draws.var(dim=0).mean()
    return float((spread / (draws.mean(dim=0) - true).square().mean().clamp(min=1e-30)).sqrt())


def ranks(draws: Tensor, true: Tensor) -> Tensor:
    """How often the truth lies above none, one, ... all of the M draws [M + 1]: a flat histogram where it is one of
    them [Hamill 2001]. draws: [draw, ...]; true: [...]. Of draws equal to the truth half lie below it."""
    count = at_least_two(draws)
    below = (draws < true).sum(dim=0) + (draws == true).sum(dim=0) // 2
    return torch.bincount(below.flatten(), minlength=count + 1).double()


def rank_distance(histogram: Tensor) -> float:
    """What part of a rank histogram would have to move for it to be flat: 0 where calibrated, near 1 where hopeless."""
    shares = histogram / histogram.sum().clamp(min=1.0)
    return float((shares - 1.0 / len(histogram)).abs().sum() / 2.0)


def at_least_two(draws: Tensor) -> int:
    if len(draws) < 2:
        raise EngineError(f"An ensemble of {len(draws)} has no spread; it takes two draws or more, such as 16.")
    return len(draws)
