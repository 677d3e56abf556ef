"""Samplers of Boltzmann's distribution: how much their samples are worth, and how far their energies are off."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.energies import energy_w2, energy_w2_floor
from scenegrad.surrogates.boltzmann.normalizing_flow import NormalizingFlow
from scenegrad.surrogates.boltzmann.weights import Energy, forward_effective_share, importance
from scenegrad.surrogates.evaluation.report import Report

__all__ = ["judge_sampler"]


def judge_sampler(
    flow: NormalizingFlow,
    energy: Energy,
    reference: Tensor,
    *,
    temperature: float = 1.0,
    count: int | None = None,
    random: torch.Generator | None = None,
) -> Report:
    """Holds `count` samples of a flow against samples of the target, which it was not trained on.

    reference: configurations [sample, ...]. ess, forward_ess: effective shares of samples of the flow, and of samples
    of the target, which sees lost modes. w2, w2_weighted: Wasserstein-2 distance of the energies of the samples from
    those of the reference, as they are and with their weights, in units of the energy; w2_floor: what it is between two
    sets of as many samples of the target. mean_energy: weighted, beside that of the reference. beyond: the share of the
    samples that have no finite energy.
    """
    count = len(reference) // 2 if count is None else count
    if not 2 <= 2 * count <= len(reference):
        raise EngineError(
            f"judge_sampler got count={count} and {len(reference)} samples of the target; the floor needs two disjoint "
            f"sets of them. Take count <= {len(reference) // 2}."
        )
    with torch.no_grad():
        x, log_density = flow.sample(count, random)
        backward = flow.log_density(reference[:count].to(flow.like))
        true = energy(reference).double()
    drawn = importance(x, log_density, energy, temperature)
    forward = -true[:count].to(backward) / temperature - backward
    floor = energy_w2_floor(true, count, random=random)
    finite = drawn.energies.isfinite()
    return Report(
        ess=drawn.effective,
        forward_ess=forward_effective_share(forward),
        log_z=drawn.log_z,
        log_z_error=drawn.log_z_error,
        w2=energy_w2(drawn.energies[finite], true),
        w2_weighted=energy_w2(drawn.energies[finite], true, drawn.share[finite]),
        w2_floor=floor.mean,
        w2_floor_spread=floor.std,
        mean_energy=float(drawn.mean(drawn.energies.where(finite, torch.zeros_like(drawn.energies)))),
        mean_energy_of_target=float(true.mean()),
        beyond=float((~finite).double().mean()),
    )
