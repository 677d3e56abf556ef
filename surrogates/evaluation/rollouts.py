"""A model carried along beside the trajectories that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.evaluation.forecasts import blocks, forecast
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import relative_l2

__all__ = ["Comparison", "carry", "compare", "correlation"]


def carry(model: Dressed, window: Window) -> Iterator[dict[str, Tensor]]:
    """The outputs after each step of a window, every one beginning where the last one ended."""
    for predicted, _ in forecast(model, window):
        yield {name: value[0] for name, value in predicted.items()}


def correlation(a: Tensor, b: Tensor, dim: int = 0) -> Tensor:
    """Pearson's correlation over the points of each member [batch]; 0 where one of them does not vary.

    dim: axes of the grid, all of them unless said; components after them vary about a mean each.
    """
    axes = tuple(range(1, 1 + dim if dim else a.ndim))
    x, y = ((value - value.mean(dim=axes, keepdim=True)).flatten(1) for value in (a, b))
    return (x * y).sum(dim=1) / (x.norm(dim=1) * y.norm(dim=1)).clamp(min=1e-30)


@dataclass(frozen=True)
class Comparison:
    """Model against truth.

    error, correlated: relative L2 and correlation, the mean over the outputs [trajectory, step].
    first, last: the fields after the first and the last step by name, predicted and true, [trajectory, ...].
    """

    dt: float  # [time]
    error: Tensor
    correlated: Tensor
    first: dict[str, tuple[Tensor, Tensor]]
    last: dict[str, tuple[Tensor, Tensor]]

    @property
    def steps(self) -> int:
        return self.error.shape[1]

    def correlation_steps(self, threshold: float = 0.8) -> int:
        """How many steps the correlation, the mean over the trajectories, stays at or above the threshold."""
        return steps_above(self.correlated, threshold)


def steps_above(correlated: Tensor, threshold: float) -> int:
    """How many steps the mean over the trajectories of [trajectory, step] stays at or above a threshold."""
    mean = correlated.mean(dim=0)
    below = torch.nonzero(~(mean >= threshold))  # what is not a number is not above either
    return int(below[0]) if len(below) else len(mean)


def compare(model: Dressed, samples: Samples, part: str = "test", steps: int | None = None) -> Comparison:
    """Carries the model along every trajectory of a part, over all of it or the first `steps` steps."""
    errors: list[Tensor] = []
    correlations: list[Tensor] = []
    ends: list[list[dict[str, tuple[Tensor, Tensor]]]] = []
    for window in blocks(model, samples, part, steps):
        error, correlated = [], []
        fields: list[dict[str, tuple[Tensor, Tensor]]] = []
        for outputs, true in zip(carry(model, window), window.targets, strict=True):
            error.append(torch.stack([relative_l2(outputs[n], true[n]) for n in true]).mean(dim=0))
            correlated.append(
                torch.stack([correlation(outputs[n], true[n], len(samples.grid)) for n in true]).mean(dim=0)
            )
            fields = [*fields[:1], {name: (outputs[name].cpu(), true[name].cpu()) for name in true}]
        errors.append(torch.stack(error, dim=1).cpu())
        correlations.append(torch.stack(correlated, dim=1).cpu())
        ends.append(fields)

    def together(which: int) -> dict[str, tuple[Tensor, Tensor]]:
        tables = [fields[which] for fields in ends]
        return {n: (torch.cat([t[n][0] for t in tables]), torch.cat([t[n][1] for t in tables])) for n in tables[0]}

    return Comparison(samples.dt, torch.cat(errors), torch.cat(correlations), together(0), together(-1))
