"""How far the energies of samples are from those of the target."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["Floor", "energy_w2", "energy_w2_floor"]


def energy_w2(a: Tensor, b: Tensor, weights_a: Tensor | None = None, weights_b: Tensor | None = None) -> float:
    """Wasserstein-2 distance of two sets of numbers, exactly: sqrt of the integral of (F_a^-1(p) - F_b^-1(p))^2.

    In one dimension what is sorted is transported best. The sets may differ in size and have weights, which need no
    norm. In the units of a and b.
    """
    (a, up_a), (b, up_b) = in_order(a, weights_a), in_order(b, weights_b)
    marks = torch.cat([up_a, up_b]).sort().values
    lengths = torch.diff(marks, prepend=marks.new_zeros(1))
    middle = marks - 0.5 * lengths  # inside the piece on which both quantile functions are constant
    at_a = a[torch.searchsorted(up_a, middle).clamp(max=len(a) - 1)]
    at_b = b[torch.searchsorted(up_b, middle).clamp(max=len(b) - 1)]
    return math.sqrt(float((lengths * (at_a - at_b).square()).sum()))


@dataclass(frozen=True)
class Floor:
    """W2 of `count` samples of the target from as many others: mean and standard deviation over repeats."""

    mean: float
    std: float
    count: int


def energy_w2_floor(reference: Tensor, count: int, repeats: int = 20, random: torch.Generator | None = None) -> Floor:
    """What `energy_w2` between samples of one distribution is, for they are finite: no sampler is seen below this.

    Two disjoint sets of `count` are drawn from the reference, `repeats` times.
    """
    if not 0 < 2 * count <= len(reference):
        raise EngineError(
            f"energy_w2_floor got count={count} and {len(reference)} reference energies; two disjoint sets need at "
            f"least {2 * count}. Take count <= {len(reference) // 2}."
        )
    found = []
    for _ in range(repeats):
        order = torch.randperm(len(reference), generator=random).to(reference.device)
        found.append(energy_w2(reference[order[:count]], reference[order[count : 2 * count]]))
    values = torch.tensor(found, dtype=torch.float64)
    return Floor(float(values.mean()), float(values.std(correction=0)), count)


def in_order(values: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sorted values, and the share of the weight up to and with each."""
    values = values.detach().double().flatten()
    shares = torch.ones_like(values) if weights is None else weights.detach().double().flatten().to(values.device)
    if (
        not len(values)
        or not bool(values.isfinite().all())
        or bool((shares < 0.0).any())
        or not float(shares.sum()) > 0.0
    ):
        raise EngineError(
            f"energy_w2 got {len(values)} values, {int((~values.isfinite()).sum())} of them not finite; it takes at "
            f"least one, all finite, and weights that are not negative. Leave out samples of no weight."
        )
    values, order = values.sort()
    rising = shares[order].cumsum(dim=0)
    return values, rising / rising[-1]
