"""A check by the solver's own equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.fields import fields_of
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.surrogates.hybrid.checks import distance, size

__all__ = ["Residual"]


@dataclass(frozen=True)
class Residual:
    """How badly a step (u, u') solves u_t = F(u): |(u' - u) / dt - (F(u) + F(u')) / 2| / |(F(u) + F(u')) / 2|.

    F is the solver's own, with all its sides and forces: the change over `share` of its stable step. Where the solution
    bends within a learned step, as at a shock, even an exact step has a large one; `CoarseStep` knows better there.
    """

    solver: Solver[Any]
    share: float = 0.1

    def __call__(self, before: Any, after: Any, params: Params, time: float, dt: float) -> Tensor:
        rates = self.rate(before, params, time), self.rate(after, params, time + dt)
        was, now = (fields_of(self.solver, state, params) for state in (before, after))
        parts = []
        for name, first in rates[0].items():
            mean = 0.5 * (first + rates[1][name])
            parts.append(distance((now[name] - was[name]) / dt, mean) / size(mean).clamp(min=1e-30))
        return torch.stack(parts).amax(dim=0)

    def rate(self, state: Any, params: Params, time: float) -> dict[str, Tensor]:
        """F of each floating field, in its units per time."""
        dt = self.share * self.solver.max_dt(state, params)
        made = fields_of(self.solver, self.solver.step(state, params, torch.full_like(dt, time), dt).state, params)
        here = fields_of(self.solver, state, params)
        fields = {name: value for name, value in here.items() if value.is_floating_point() and name in made}
        return {n: (made[n] - v) / dt.to(v).view(-1, *[1] * (v.ndim - 1)) for n, v in fields.items()}
