"""How probable a flow thinks what it is shown."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.continuous import Continuous
from scenegrad.surrogates.flows.field import Field

__all__ = ["log_likelihood"]


@torch.no_grad()
def log_likelihood(
    field: Field, x: Tensor, *, steps: int = 64, probes: int = 0, random: torch.Generator | None = None
) -> Tensor:
    """log p(x1 = x) [batch] of a flow from noise: log p(x0) - integral of div v along the way, by RK4 backwards
    [Chen et al. 2018, arXiv:1806.07366].

    steps, probes, random: as for `Continuous`; with probes the result is right on the average. The density is that of
    the channels of order one; divide by the scales of the outputs for one per physical unit.
    """
    if field.log_start is None:
        raise EngineError(
            "Likelihoods are known of flows whose starts have a known density. Take start=FromNoise() or "
            "FromPoissonField()."
        )
    if field.acceleration is not None:
        raise EngineError(
            "A flow of constant acceleration knows its velocity at the start alone, and likelihoods need it all along "
            "the way. Take one that was trained by FlowMatching()."
        )
    x0, backwards = Continuous(field.velocity, steps=steps, probes=probes, random=random).inverse(x)
    return field.log_start(x0) + backwards
