"""What a training leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenegrad.surrogates.data.samples import Data, Samples
from scenegrad.surrogates.data.windows import Trajectories, Windows
from scenegrad.surrogates.evaluation.metrics import Metric, Report, judge
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.checkpoint import checkpoint_in, load_model, read_checkpoint

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

    model: Dressed
    history: tuple[Epoch, ...]
    samples: Samples
    path: Path  # of the checkpoint

    def evaluate(self, metrics: Sequence[str | Metric] = ("one_step", "persistence", "correlation_time")) -> Report:
        """Measures the model on the test part; `print` shows the report as a table."""
        return judge(self.model, self.samples, metrics)

    @staticmethod
    def load(path: str | Path, data: Data | Trajectories) -> Fit:
        """A training as it left its folder, with data cut as they were for it.

        Of data that have grown since, no trajectory that the network was trained on is in the test part.
        """
        place = checkpoint_in(path)
        content = read_checkpoint(place)
        model = load_model(place)
        source = data if hasattr(data, "bind") else Windows.again(data, content["cut"])
        samples = source.bind(model.names, 1)
        part_of = {key: part for part, keys in content["parts"].items() for key in keys}
        for part in samples.parts:
            samples.parts[part] = [i for i, key in enumerate(samples.keys) if part_of.get(key, "test") == part]
        return Fit(model, tuple(Epoch(**line) for line in content["history"]), samples, place)
