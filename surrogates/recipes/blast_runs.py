"""Blasts of a data set as states of their solver, and what steps lead through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.fields import fields_of, with_fields
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.surrogates.data.windows import Trajectories
from scenegrad.surrogates.recipes.log_gas import FIELDS
from scenegrad.surrogates.surrogate import Pace

__all__ = ["Frames", "Run"]


@dataclass(frozen=True)
class Run:
    """fields at the end, and how many steps led there [batch]."""

    fields: Mapping[str, Tensor]
    steps: Tensor


@dataclass(frozen=True)
class Frames:
    """Blasts of the data as states of their solver."""

    solver: Any
    state: Any
    params: Params
    recorded: Mapping[str, Tensor]  # [batch, frame, ...]
    times: Tensor

    @staticmethod
    def of(data: Trajectories, solver: Any, state: Any, params: Params, members: Sequence[int]) -> Frames:
        like = next(iter(fields_of(solver, state, params.detach()).values()))
        found = {
            name: torch.stack([torch.as_tensor(data.read(i, "fields", name)) for i in members]).to(like)
            for name in FIELDS
        }
        return Frames(solver, state, params.detach(), found, torch.as_tensor(data.times("fields")))

    @property
    def end(self) -> float:
        return float(self.times[-1])

    @property
    def last(self) -> Mapping[str, Tensor]:
        return self.fields(-1)

    def fields(self, frame: int) -> dict[str, Tensor]:
        return {name: value[:, frame] for name, value in self.recorded.items()}

    def lessons(self, stable: float) -> list[tuple[dict[str, Tensor], Tensor]]:
        """Of each frame the fields, and so many stable steps of the solver from there [batch]."""
        wanted = self.pace(stable)
        return [(self.fields(n), wanted(self.fields(n), self.params)) for n in range(len(self.times) - 1)]

    def pace(self, stable: float) -> Pace:
        """So many stable steps of the solver."""

        def wanted(fields: Mapping[str, Tensor], params: Params) -> Tensor:
            zero = torch.zeros(len(fields["velocity"]), dtype=torch.float64)
            there = with_fields(self.solver, self.state, params, fields, zero)
            return stable * self.solver.max_dt(there, params)

        return wanted

    def errors(self, fields: Mapping[str, Tensor]) -> tuple[float, ...]:
        """Relative L2 error of each field at the end, the mean over blasts."""
        parts = []
        for name, true in self.last.items():
            away = (fields[name].to(true) - true).flatten(1).norm(dim=1)
            parts.append(float((away / true.flatten(1).norm(dim=1)).mean()))
        return tuple(parts)

    def solver_steps(self) -> float:
        """That the solver itself takes, the mean over the blasts."""
        with torch.no_grad():
            return float(rollout(self.solver, self.state, self.params, self.end, probes=()).steps.double().mean())
