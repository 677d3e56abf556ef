"""Population annealing: a population is cooled step by step, and its members multiply by their Boltzmann weights.

[Hukushima & Iba 2003, AIP Conf. Proc. 690, 200; Machta 2010, Phys. Rev. E 82, 026704]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import tensors, with_tensors
from scenegrad.solvers.md.sampling.draws import uniforms
from scenegrad.solvers.md.sampling.members import Members, System, members

__all__ = ["PopulationAnnealing", "population_annealing"]

OWN = (
    "step",
    "seed",
)  # of a place in the batch, not of the member that comes to stand there: copies part by their noise


@dataclass(frozen=True)
class PopulationAnnealing:
    """temperatures [stage], descending. energies: after a stage, [stage, population, member] float64.

    log_ratios: ln Z(T_k+1) / Z(T_k), configurational [stage - 1, population]. family: the first ancestor of every
    member [population, member].
    """

    temperatures: Tensor
    energies: Tensor
    log_ratios: Tensor
    family: Tensor
    members: Members

    @property
    def log_z(self) -> Tensor:
        """ln Z(T_k) / Z(T_0), the mean over populations [stage]."""
        return self.by_population.mean(dim=1)

    @property
    def log_z_error(self) -> Tensor:
        """Its standard error [stage], from how populations differ; not a number where there is one only."""
        populations = self.log_ratios.shape[1]
        return self.by_population.std(dim=1) / populations**0.5

    @property
    def by_population(self) -> Tensor:
        start = self.log_ratios.new_zeros(1, self.log_ratios.shape[1])
        return torch.cat([start, self.log_ratios.cumsum(dim=0)])

    @property
    def family_shares(self) -> Tensor:
        """Share of each population that descends from each first member [population, member]."""
        count = torch.zeros(self.family.shape, dtype=torch.float64, device=self.family.device)
        return count.scatter_add_(1, self.family, torch.ones_like(count)) / self.family.shape[1]

    @property
    def family_size(self) -> Tensor:
        """rho_t = R sum n^2, the mean square size of families [population]: 1 where none died out, R where one is left.
        The population is large enough where R / rho_t is [Wang, Machta & Katzgraber 2015, Phys. Rev. E 92, 063307]."""
        return self.family.shape[1] * self.family_shares.square().sum(dim=1)

    @property
    def family_entropy(self) -> Tensor:
        """-sum n ln n: of how many families, as exp of it, the population is worth [population]."""
        share = self.family_shares
        return -(share * share.clamp(min=1e-300).log()).sum(dim=1)


def population_annealing(
    system: System,
    temperatures: Sequence[float],
    *,
    population: int,
    every: int = 100,
    populations: int = 1,
    warmup: int = 1000,
    dt: float | None = None,
    seed: int = 0,
    device: str = "auto",
    dtype: str = "float32",
) -> PopulationAnnealing:
    """Cools `populations` independent populations, all members of one batch, through descending temperatures.

    At each stage members are resampled in proportion to exp(-(1/T' - 1/T) U), systematically, so that the population
    keeps its size; then all take `every` steps at T'. The means of the weights give the free energies. warmup: steps at
    the first temperature, which should be so high that they equilibrate there.
    """
    rungs = [float(t) for t in temperatures]
    if len(rungs) < 2 or any(a <= b for a, b in pairwise(rungs)):
        raise EngineError(f"Annealing takes two temperatures or more, descending; got {rungs}.")
    if population < 2 or populations < 1 or every < 1:
        raise EngineError(f"population={population} must be 2 or more, populations={populations} and every={every} 1.")
    moving = members(system, [rungs[0]] * (populations * population), seed, dt, device, dtype).moved(warmup)
    device_of = moving.state.position.device
    family = torch.arange(population, device=device_of).repeat(populations, 1)
    seeds = moving.state.seed.view(populations, population)[:, 0].clone()
    energy = moving.energy().view(populations, population)
    energies, ratios = [energy], []
    for stage, (hot, cold) in enumerate(pairwise(rungs)):
        log_weight = -(1.0 / cold - 1.0 / hot) * energy
        ratios.append(torch.logsumexp(log_weight, dim=1) - torch.log(torch.tensor(float(population))))
        chosen = resampled(log_weight, uniforms(seeds, stage, 1))
        family = family.gather(1, chosen)
        moving = replaced(moving, chosen).at(moving.temperature.new_full((moving.batch,), cold)).moved(every)
        energy = moving.energy().view(populations, population)
        energies.append(energy)
    found = torch.stack(energies)
    moving.refuse_what_is_not_finite(found)
    ladder = torch.tensor(rungs, dtype=torch.float64, device=device_of)
    return PopulationAnnealing(ladder, found, torch.stack(ratios), family, moving)


def resampled(log_weight: Tensor, drawn: Tensor) -> Tensor:
    """Members to be copied [population, member], as often as their weights [population, member] say, up to rounding.

    Points (n + u) / R, one uniform number u for each population, fall into intervals as long as the weights.
    """
    size = log_weight.shape[1]
    ends = torch.softmax(log_weight, dim=1).cumsum(dim=1)
    points = (torch.arange(size, dtype=ends.dtype, device=ends.device) + drawn) / size
    return torch.searchsorted(ends, points * ends[:, -1:]).clamp(max=size - 1)


def replaced(moving: Members, chosen: Tensor) -> Members:
    """A batch whose members are copies of those chosen, within each population [population, member]."""
    populations, size = chosen.shape
    start = size * torch.arange(populations, device=chosen.device)[:, None]
    source = (start + chosen).flatten()
    fields = {name: value[source] for name, value in tensors(moving.state).items() if name not in OWN}
    return replace(moving, state=with_tensors(moving.state, fields))
