"""A network that says how long the next step may be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from scenegrad.engine.state import Params
from scenegrad.surrogates.recipes.log_gas import UNITS

__all__ = ["LearnedPace"]


class LearnedPace(nn.Module):
    """A network for the logarithm of the step that looks at what decides it: of each field, and of its differences
    between neighbours, the largest and the mean over the box."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))
        self.register_buffer("level", torch.zeros(()))
        self.mean: Tensor
        self.std: Tensor
        self.level: Tensor
        self.network = nn.Sequential(nn.LazyLinear(32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, fields: Mapping[str, Tensor], params: Params) -> Tensor:
        """[batch] [s]"""
        with torch.no_grad():
            seen = (features(fields) - self.mean) / self.std
            return (self.level + self.network(seen)[:, 0]).exp().double()

    def taught(self, pairs: Sequence[tuple[Mapping[str, Tensor], Tensor]], lessons: int) -> LearnedPace:
        """By Adam, so many times, on all pairs of fields and steps [batch] at once."""
        seen = torch.cat([features(fields) for fields, _ in pairs])
        steps = torch.cat([dt for _, dt in pairs]).log().to(seen)
        self.to(seen.device)
        self.mean, self.std, self.level = seen.mean(0), seen.std(0).clamp(min=1e-6), steps.mean()
        torch.manual_seed(self.seed)
        self.network((seen - self.mean) / self.std)  # finds out how many features there are
        adam = torch.optim.Adam(self.network.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, lessons)
        for _ in range(lessons):
            adam.zero_grad()
            (self.network((seen - self.mean) / self.std)[:, 0] + self.level - steps).square().mean().backward()
            adam.step()
            schedule.step()
        return self


def features(fields: Mapping[str, Tensor]) -> Tensor:
    """[batch, feature]"""
    density, pressure, speed = fields["log_density"], fields["log_pressure"], fields["velocity"].norm(dim=-1)
    sound = 0.5 * (pressure - density + math.log(UNITS["pressure"] / UNITS["density"]))  # but for sqrt(gamma)
    found = []
    for one in (density, pressure, sound, (speed + sound.exp()).log()):
        jumps = [one.diff(dim=axis).abs() for axis in (1, 2)]
        found += [one.amax((1, 2)), one.mean((1, 2)), *(jump.amax((1, 2)) for jump in jumps)]
    return torch.stack(found, dim=1).float()
