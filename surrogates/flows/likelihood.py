"""How probable a flow thinks what it is shown."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.more_samplers import normal_log_density

__all__ = ["log_likelihood"]


@torch.no_grad()
def log_likelihood(
    field: Field, x: Tensor, *, steps: int = 64, probes: int = 0, random: torch.Generator | None = None
) -> Tensor:
    """log p(x1 = x) [batch] of a flow from white noise: log p(x0) - integral of div v along the way, by RK4 backwards
    [Chen et al. 2018, arXiv:1806.07366].

    steps, probes, random: as for `Continuous`; with probes the result is right on the average. The density is that of
    the channels of order one; divide by the scales of the outputs for one per physical unit.
    """
    x0, backwards = Continuous(field.velocity, steps=steps, probes=probes, random=random).inverse(x)
    return normal_log_density(x0) + backwards
