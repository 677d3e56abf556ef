"""What studies of maps between functions share: frames as arrays on several grids, errors there, learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from scenegrad.engine.dataset import Dataset
from scenegrad.surrogates.data.pairs import Pairs
from scenegrad.surrogates.evaluation.one_step import mean_error
from scenegrad.surrogates.model import Dressed, Model
from scenegrad.surrogates.recipes.budget import Trained, train_within
from scenegrad.surrogates.recipes.study import Study
from scenegrad.surrogates.training.fit import Fit
from scenegrad.surrogates.training.settings import Settings
from scenegrad.view.plots import Curve, Panel, plot_panels
from scenegrad.view.report import Claim, Picture, Stage, Table

__all__ = [
    "LearntPairs", "at_centres", "at_points", "errors_on", "facts_of", "frames_of", "learning_curve", "of_grids",
    "transfer",
]  # fmt: skip

Array = NDArray[np.float32]


def frames_of(data: Dataset, quantity: str, frames: slice) -> Array:
    """Of every member [member, frame, *grid]."""
    return np.stack([data.read(member, "fields", quantity, frames) for member in data.members])


def at_points(values: Array, cells: int, axes: int) -> Array:
    """Every so many points of fields given at the points i h: the last `axes` axes have `cells` points then."""
    every = slice(None, None, values.shape[-1] // cells)
    index: tuple[Any, ...] = (..., *[every] * axes)
    return values[index]


def at_centres(values: Array, cells: int, *, smooth: bool) -> Array:
    """Fields [..., n, n], given in the middles of cells, at the middles of fewer cells.

    Where these lie between four fine ones, what is smooth is their mean; of what jumps, one of them is taken.
    """
    ratio = values.shape[-1] // cells
    low = (ratio - 1) // 2
    taken = values[..., low::ratio, low::ratio]
    if ratio % 2 or not smooth:
        return taken
    others = [values[..., low + i :: ratio, low + j :: ratio] for i in (0, 1) for j in (0, 1)]
    return np.mean(others, axis=0, dtype=values.dtype)


def errors_on(model: Dressed, pairs: Mapping[int, Pairs]) -> dict[int, float]:
    """Mean relative L2 over the test part, by the cells of the grid."""
    return {cells: mean_error(model, given.bind(model.names, 1), "test") for cells, given in pairs.items()}


@dataclass(frozen=True)
class LearntPairs(Study):
    """members: to train on, `test` more judge. seconds: of a processor that the training may take; 0 takes `epochs`.
    limit: of the relative L2 on the grid that is trained on."""

    members: int = 1000
    test: int = 100
    width: int = 32
    depth: int = 4
    batch: int = 16
    seconds: float = 60.0
    epochs: int = 1
    learning_rate: float = 4e-3
    limit: float = 0.01
    seed: int = 0

    def learnt(
        self, stage: Stage, model: Model, pairs: Mapping[int, Pairs], cells: int
    ) -> tuple[Trained, dict[int, float]]:
        """The model trained on the grid of so many cells, and its errors on all."""
        settings = Settings(epochs=self.epochs, batch_size=self.batch, learning_rate=self.learning_rate, seed=self.seed)
        out = stage.folder / "training"
        made = train_within(self.seconds, model, pairs[cells], settings, out=out, device=stage.device)
        errors = errors_on(made.fit.model, pairs)
        stage.say(f"  {made.seconds:.0f} s of training; relative L2 {errors[cells]:.2e}")
        return made, errors


def facts_of(made: Trained, model: nn.Module, more: str = "") -> dict[str, str]:
    return {
        "training": f"{made.seconds:.0f} s, {len(made.fit.history)} epochs{more}",
        "network": f"{sum(weight.numel() for weight in model.parameters())} numbers",
    }


def transfer(errors: Mapping[int, float], trained: int, tested: int) -> Claim:
    return Claim(
        f"error at {tested} points over that at {trained}, where it was trained",
        errors[tested] / errors[trained],
        1.2,
    )


def of_grids(errors: Mapping[int, float], trained: int) -> Table:
    rows = tuple((f"{n}, trained here" if n == trained else f"{n}", error) for n, error in errors.items())
    return Table("Relative L2 over the test part", ("points along an axis", "error"), rows)


def learning_curve(fit: Fit, out: Path) -> Picture:
    epochs = [one.epoch for one in fit.history]
    curve = Curve(epochs, [one.loss for one in fit.history], "training part")
    panel = Panel([curve], x="epoch", y="relative L2", log="y")
    return Picture(plot_panels([panel], out), "The mean of the loss over each epoch.")
