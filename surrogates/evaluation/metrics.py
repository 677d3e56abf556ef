"""Measures of a model on the part of the data that it has not seen, and a report of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.evaluation.cost import Coarse, break_even
from scenegrad.surrogates.evaluation.rollouts import compare
from scenegrad.surrogates.evaluation.spectrum import spectrum_error
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import relative_l2

__all__ = [
    "METRICS",
    "BreakEven",
    "CorrelationTime",
    "Metric",
    "OneStepError",
    "Persistence",
    "Report",
    "RolloutError",
    "SpectrumError",
    "VRMSE",
    "judge",
]

BATCH = 32


class Report(dict[str, float]):
    """Numbers by name; `print` shows them as a table."""

    def __str__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {value:.4g}" for name, value in self.items())


class Metric(Protocol):
    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]: ...


@dataclass(frozen=True)
class OneStepError:
    """Relative L2 after one step, the mean over all windows and outputs."""

    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        return {"one_step": mean_error(model, samples, self.part)}


@dataclass(frozen=True)
class Persistence:
    """Relative L2 of the forecast that nothing changes: what one step must be compared with."""

    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        if not model.names.carries_forward:
            raise EngineError("The outputs of this model are not its fields, so nothing can persist.")
        return {"persistence": mean_error(None, samples, self.part)}


@dataclass(frozen=True)
class VRMSE:
    """Root mean square error over the standard deviation of the truth in space, after one step: 1 for its mean.

    [Ohana et al. 2024, The Well, arXiv:2412.00568]
    """

    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        return {"vrmse": mean_error(model, samples, self.part, vrmse)}


@dataclass(frozen=True)
class RolloutError:
    """Relative L2 after the last of `steps` steps along the trajectories."""

    steps: int = 10

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        return {f"rollout_{self.steps}": float(compare(model, samples, steps=self.steps).error[:, -1].mean())}


@dataclass(frozen=True)
class CorrelationTime:
    """How long the correlation with the truth stays at or above a threshold, in steps and in time."""

    threshold: float = 0.8

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        seen = compare(model, samples)
        steps = seen.correlation_steps(self.threshold)
        return {"correlation_steps": float(steps), "correlation_time": steps * seen.dt}


@dataclass(frozen=True)
class SpectrumError:
    """Mean |log10| of the ratio of the power spectra at the end of the trajectories."""

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        ends = compare(model, samples).last.values()
        return {"spectrum": sum(spectrum_error(p, t, len(samples.grid)) for p, t in ends) / len(ends)}


@dataclass(frozen=True)
class BreakEven:
    """Cost against the cheapest solver of equal error; `coarse` runs the solver at a resolution."""

    coarse: Coarse
    resolutions: tuple[int, ...]
    steps: int = 1

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        cost = break_even(model, samples, self.coarse, self.resolutions, steps=self.steps)
        nan = float("nan")
        return {
            "ms_per_step": 1e3 * cost.seconds,
            "cheapest_cells": nan if cost.cheapest is None else float(cost.cheapest),
            "speed_up": nan if cost.speed_up is None else cost.speed_up,
        }


METRICS = {
    "one_step": OneStepError,
    "persistence": Persistence,
    "vrmse": VRMSE,
    "rollout": RolloutError,
    "correlation_time": CorrelationTime,
    "spectrum": SpectrumError,
}


def judge(model: Dressed, samples: Samples, metrics: Sequence[str | Metric]) -> Report:
    if not math.isclose(model.dt, samples.dt, rel_tol=1e-6):
        raise EngineError(
            f"The model makes steps of {model.dt:g}, and these data are cut into steps of {samples.dt:g}: their errors "
            f"would mean nothing. Cut the data as they were for the training, as Fit.load(path, data) does."
        )
    report = Report()
    for metric in metrics:
        if isinstance(metric, str):
            if metric == "break_even":
                raise EngineError(
                    "The metric 'break_even' needs a solver to compare with: BreakEven(coarse, resolutions)."
                )
            if metric not in METRICS:
                raise EngineError(f"There is no metric {metric!r}; there are: {', '.join(METRICS)}, break_even.")
            report |= METRICS[metric]()(model, samples)
        else:
            report |= metric(model, samples)
    return report


def vrmse(predicted: Tensor, true: Tensor) -> Tensor:
    a, b = predicted.flatten(1), true.flatten(1)
    return ((a - b).square().mean(dim=1) / (b.var(dim=1) + 1e-7)).sqrt()


def mean_error(
    model: Dressed | None,
    samples: Samples,
    part: str,
    error: Callable[[Tensor, Tensor], Tensor] = relative_l2,
) -> float:
    """Mean error after one step over the windows of a part; without a model, of the forecast that nothing changes."""
    count = samples.count(part)
    if count == 0:
        raise EngineError(f"The {part} part is empty. Keep some trajectories from training with Split({part}=0.1).")
    device = str(next(model.parameters()).device) if model is not None else "cpu"
    errors = []
    for first in range(0, count, BATCH):
        window = samples.window(part, range(first, min(first + BATCH, count))).to(device)
        with torch.no_grad():
            outputs = window.inputs if model is None else model(window.inputs, window.params, window.dt)
        true = window.targets[0]
        errors.append(torch.stack([error(outputs[name], true[name]) for name in true]).mean(dim=0))
    return float(torch.cat(errors).mean())
