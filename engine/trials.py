"""Every attempt at a step, accepted or not: what a model that chooses steps by itself can be trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.loop import Attempt

__all__ = ["Trials"]


class Trials:
    """Writes attempts down: trials = Trials(); rollout(solver, state, params, tried=trials.append); trials.table().

    A plan of several steps of the same dt is one attempt. A run folder has the same of its run, see `files/steps.py`.
    """

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def append(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def table(self) -> dict[str, Tensor]:
        """time, dt, steps of dt that were tried, stability bound, relative local error of the last step (not a number
        where the solver has none), and whether they were accepted; each [attempt, batch]. A member that had arrived
        while others went on tried no steps."""
        if not self.attempts:
            return {}
        return {name: torch.stack([getattr(one, name) for one in self.attempts]) for name in vars(self.attempts[0])}
