"""How good a network is while it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.known import build_dressed
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.curricula import curriculum_of
from scenegrad.surrogates.training.losses import relative_l2
from scenegrad.surrogates.training.processes import Processes
from scenegrad.surrogates.training.settings import Settings

__all__ = ["Judge"]


class Judge:
    """Holds a model of its own, which nobody trains, compiles or parts, where the one in training will not do."""

    def __init__(self, model: Dressed, samples: Samples, settings: Settings, processes: Processes):
        if settings.stop and samples.count("validation") == 0:
            raise EngineError(
                f"{settings.stop} watches the validation error, and the validation part is empty. Keep some of the "
                f"data for it, Split(validation=0.1), or leave out stop."
            )
        self.samples, self.loss, self.device = samples, settings.loss, processes.device
        self.target = curriculum_of(settings.target).aim if settings.target else None
        own = settings.average or settings.stop or settings.compile or processes.size > 1
        self.trained = model
        with torch.random.fork_rng(devices=[]):  # a training draws the same, whether it is judged apart or not
            self.judged = build_dressed(model.config()).to(self.device) if own else model

    def model(self, weights: Mapping[str, Tensor]) -> Dressed:
        """With these weights, which are whole."""
        if self.judged is not self.trained:
            self.judged.load_state_dict(weights)
        return self.judged.eval()

    def validation(self, weights: Mapping[str, Tensor]) -> float | None:
        """On the validation part, where there is one: relative L2 after one step, the mean over the outputs.

        For a model with an objective of its own it is what it is trained by, with the same noise every time.
        """
        count = self.samples.count("validation")
        if count == 0:
            return None
        window = self.samples.window("validation", some_of(count)).to(self.device)
        model = used_by(self.target, self.model(weights))
        with torch.no_grad():
            if model.objective:
                target = self.target or model.objective
                return float(target(model, window, self.loss, torch.Generator().manual_seed(0)))
            outputs = model(window.inputs, window.params, window.dt)
        return float(torch.stack([relative_l2(outputs[n], true) for n, true in window.targets[0].items()]).mean())


def some_of(count: int, most: int = 64) -> list[int]:
    """Of so many examples enough to see the error fall: the same ones every time, at random, so that no start, length
    or trajectory by which they are ordered is left out."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    return order[:most].sort().values.tolist()


def used_by(target: Any, model: Dressed) -> Dressed:
    """What a target runs in the place of the model, such as a solver that the model corrects."""
    if target is None or hasattr(target, "used"):
        return target.used(model) if target else model
    return used_by(getattr(target, "then", None), model)
