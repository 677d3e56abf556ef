"""Heat capacity as a function of temperature, from the energies of a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.md.sampling.exchange import ReplicaExchange

__all__ = ["HeatCapacity", "heat_capacity"]


@dataclass(frozen=True)
class HeatCapacity:
    """By temperature: the mean energy and C = d<U>/dT [k_B], with their errors; `samples`: effective number of them.

    Both are of the configurations alone; momenta add k_B/2 for each degree of freedom.
    """

    temperature: Tensor
    energy: Tensor
    energy_error: Tensor
    capacity: Tensor
    error: Tensor
    samples: Tensor

    @property
    def peak(self) -> tuple[float, float]:
        """Temperature and height of the highest C, of the parabola through the three points about it."""
        k = int(self.capacity.argmax().clamp(1, len(self.capacity) - 2))
        t, c = self.temperature[k - 1 : k + 2], self.capacity[k - 1 : k + 2]
        matrix = torch.stack([t**2, t, torch.ones_like(t)], dim=1)
        a, b, offset = torch.linalg.solve(matrix, c)
        at = -b / (2 * a)
        return float(at), float(a * at**2 + b * at + offset)


def heat_capacity(run: ReplicaExchange, temperatures: Sequence[float] | Tensor) -> HeatCapacity:
    """C = (<U^2> - <U>^2) / T^2 at any temperatures within the ladder, from the samples of all rungs by MBAR."""
    estimate, energy = run.mbar(), run.samples
    shift = energy.mean()  # squares of large numbers would hide the variance in rounding
    u = energy - shift
    at = torch.as_tensor(temperatures, dtype=torch.float64, device=u.device)
    rows = []
    for t in at.tolist():
        found = estimate.average(energy / t, torch.stack([u, u * u]))
        first, second = found.mean
        by = torch.stack([-2.0 * first, torch.ones_like(first)])
        error = (by @ found.covariance @ by).clamp(min=0.0).sqrt() / t**2
        weight = torch.tensor(found.samples, dtype=torch.float64, device=u.device)
        rows.append(torch.stack([first + shift, found.error[0], (second - first**2) / t**2, error, weight]))
    return HeatCapacity(at, *torch.stack(rows).unbind(dim=1))
