"""Measures of a model on the part of the data that it has not seen, and a report of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.errors import nearest
from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.evaluation.conserved import Quantity
from scenegrad.surrogates.evaluation.cost import Coarse, break_even
from scenegrad.surrogates.evaluation.errors import relative_max, vrmse
from scenegrad.surrogates.evaluation.examination import DRAWS, examine
from scenegrad.surrogates.evaluation.one_step import mean_error
from scenegrad.surrogates.evaluation.report import Report
from scenegrad.surrogates.evaluation.rollouts import compare
from scenegrad.surrogates.evaluation.spectrum import spectrum_error
from scenegrad.surrogates.model import Dressed

__all__ = [
    "METRICS",
    "BreakEven",
    "Calibration",
    "ConservedError",
    "CorrelationTime",
    "LargestError",
    "Metric",
    "OneStepError",
    "Persistence",
    "Report",
    "RolloutError",
    "SpectrumError",
    "VRMSE",
    "judge",
]


class Metric(Protocol):
    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]: ...


@dataclass(frozen=True)
class OneStepError:
    """Relative L2 after one step, the mean over all windows and outputs; benchmarks call it nRMSE."""

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
        return {"vrmse": mean_error(model, samples, self.part, partial(vrmse, dim=len(samples.grid)))}


@dataclass(frozen=True)
class LargestError:
    """The largest error at any point after one step over the largest value of the truth, the mean over all windows."""

    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        return {"largest": mean_error(model, samples, self.part, relative_max)}


@dataclass(frozen=True)
class RolloutError:
    """Relative L2 after the last of `steps` steps along the trajectories."""

    steps: int = 10
    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        seen = compare(model, samples, self.part, self.steps)
        return {f"rollout_{self.steps}": float(seen.error[:, -1].mean())}


@dataclass(frozen=True)
class CorrelationTime:
    """How long the correlation with the truth stays at or above a threshold, in steps and in time."""

    threshold: float = 0.8
    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        seen = compare(model, samples, self.part)
        steps = seen.correlation_steps(self.threshold)
        return {"correlation_steps": float(steps), "correlation_time": steps * seen.dt}


@dataclass(frozen=True)
class SpectrumError:
    """Mean |log10| of the ratio of the power spectra at the end of the trajectories."""

    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        ends = compare(model, samples, self.part).last.values()
        return {"spectrum": sum(spectrum_error(p, t, len(samples.grid)) for p, t in ends) / len(ends)}


@dataclass(frozen=True)
class ConservedError:
    """Errors of means, energies and the like at the end of the trajectories, each in units of its own size, and the
    Wasserstein-2 distance of their values along all trajectories. quantities: what is known by the names of the fields,
    unless said, such as (KineticEnergy("velocity", "density"),)."""

    quantities: tuple[Quantity, ...] | None = None
    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        found = examine(model, samples, self.part, draws=1, quantities=self.quantities).numbers
        return {name: value for name, value in found.items() if name.startswith(("error of", "W2 of"))}


@dataclass(frozen=True)
class Calibration:
    """CRPS, spread over skill and flatness of the rank histogram of several draws, after one step and at the end."""

    draws: int = DRAWS
    part: str = "test"

    def __call__(self, model: Dressed, samples: Samples) -> dict[str, float]:
        found = examine(model, samples, self.part, draws=self.draws, quantities=()).numbers
        kept = ("crps", "spread_skill", "rank_distance", "of_mean")
        return {name: value for name, value in found.items() if name.startswith(kept)}


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
    "largest": LargestError,
    "rollout": RolloutError,
    "correlation_time": CorrelationTime,
    "spectrum": SpectrumError,
    "conserved": ConservedError,
    "calibration": Calibration,
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
                raise EngineError(
                    f"There is no metric {metric!r}.{nearest(str(metric), METRICS)} There are: {', '.join(METRICS)}, "
                    f"break_even."
                )
            report |= METRICS[metric]()(model, samples)
        else:
            report |= metric(model, samples)
    return report
