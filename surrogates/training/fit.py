"""What a training leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scenegrad.surrogates.data.samples import Data, Samples
from scenegrad.surrogates.data.split import PARTS, Split, beyond
from scenegrad.surrogates.data.windows import Trajectories, Windows
from scenegrad.surrogates.evaluation.metrics import Metric, Report, judge
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.checkpoint import checkpoint_in, load_model, provenance
from scenegrad.surrogates.training.sharing import write_shared

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

    def share(self, path: str | Path) -> Path:
        """Writes the model for others as one .safetensors file, which `load_model` makes again to the same bits."""
        return write_shared(path, self.model.config(), self.model.state_dict(), provenance(self.path))

    @staticmethod
    def load(path: str | Path, data: Data | Trajectories) -> Fit:
        """A training as it left its folder, or as it was shared, with data cut as they were for it.

        Each trajectory that the training had is in the part that it had there. Those that are new, of data that have
        grown or that are others, are in the test part, or out of distribution where the split has bounds.
        """
        place = checkpoint_in(path)
        content = provenance(place)
        model = load_model(place)
        if hasattr(data, "bind"):
            samples = data.bind(model.names, 1)
            outside = set(samples.parts.get("ood", ()))
        else:
            how = Windows.again(data, content["cut"])
            # Fractions of a few new trajectories may leave nothing for a part: which are which is known without them.
            samples = replace(how, split=Split(0.0, 0.0)).bind(model.names, 1)
            samples.how, outside = how, beyond(how.split, samples.parameters)
        part_of = {key: part for part, keys in content["parts"].items() for key in keys}
        parts = [part_of.get(key, "ood" if i in outside else "test") for i, key in enumerate(samples.keys)]
        names = dict.fromkeys([*PARTS, *content["parts"], *parts])
        samples.parts = {name: [i for i, part in enumerate(parts) if part == name] for name in names}
        return Fit(model, tuple(Epoch(**line) for line in content["history"]), samples, place)
