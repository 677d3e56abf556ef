"""Errors after one step, over all windows of a part."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.evaluation.forecasts import device_of
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import relative_l2

__all__ = ["errors_by_output", "mean_error"]

BATCH = 32


def mean_error(
    model: Dressed | None,
    samples: Samples,
    part: str,
    error: Callable[[Tensor, Tensor], Tensor] = relative_l2,
) -> float:
    """Mean error after one step over the windows of a part and the outputs; without a model, of no change."""
    found = errors_by_output(model, samples, part, error)
    return sum(found.values()) / len(found)


def errors_by_output(
    model: Dressed | None,
    samples: Samples,
    part: str,
    error: Callable[[Tensor, Tensor], Tensor] = relative_l2,
) -> dict[str, float]:
    """The mean error of each output after one step; without a model, of the forecast that nothing changes."""
    count = samples.count(part) if part in samples.parts else 0
    if count == 0:
        raise EngineError(f"The {part} part is empty. Keep some trajectories from training with Split({part}=0.1).")
    device = device_of(model) if model is not None else "cpu"
    errors: dict[str, list[Tensor]] = {}
    for first in range(0, count, BATCH):
        window = samples.window(part, range(first, min(first + BATCH, count))).to(device)
        with torch.no_grad():
            outputs = window.inputs if model is None else model(window.inputs, window.params, window.dt)
        for name, true in window.targets[0].items():
            errors.setdefault(name, []).append(error(outputs[name], true))
    return {name: float(torch.cat(values).mean()) for name, values in errors.items()}
