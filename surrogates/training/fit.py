"""What a training leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenegrad.surrogates.data.samples import Samples
from scenegrad.surrogates.evaluation.metrics import Metric, Report, judge
from scenegrad.surrogates.stepper import Stepper

__all__ = ["Epoch", "Fit"]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part. loss: its mean over the pass. validation: one-step relative L2 after it."""

    epoch: int
    loss: float
    validation: float | None
    learning_rate: float
    seconds: float  # of training since its beginning, interruptions left out


@dataclass(frozen=True)
class Fit:
    """A trained network with its history and the data that it has not seen."""

    model: Stepper
    history: tuple[Epoch, ...]
    samples: Samples
    path: Path  # of the checkpoint

    def evaluate(self, metrics: Sequence[str | Metric] = ("one_step", "persistence", "correlation_time")) -> Report:
        """Measures the model on the test part; `print` shows the report as a table."""
        return judge(self.model, self.samples, metrics)
