"""A model carried along beside the trajectories that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Samples, Window
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.training.losses import relative_l2

__all__ = ["Comparison", "carry", "compare", "correlation"]


def carry(model: Dressed, window: Window) -> Iterator[dict[str, Tensor]]:
    """The outputs after each step of a window, every one beginning where the last one ended."""
    state = window.inputs
    with torch.no_grad():
        for _ in window.targets:
            outputs = model(state, window.params, window.dt)
            state = model.names.follow(state, outputs)
            yield outputs


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation over the points of each member [batch]; 0 where one of them does not vary."""
    x, y = (value.flatten(1) - value.flatten(1).mean(dim=1, keepdim=True) for value in (a, b))
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
        below = torch.nonzero(self.correlated.mean(dim=0) < threshold)
        return int(below[0]) if len(below) else self.steps


def compare(model: Dressed, samples: Samples, part: str = "test", steps: int | None = None) -> Comparison:
    """Carries the model along every trajectory of a part, over all of it or the first `steps` steps."""
    trajectories = len(samples.parts[part])
    if trajectories == 0:
        raise EngineError(f"The {part} part holds no trajectory. Keep some with Split({part}=0.1).")
    if not model.names.carries_forward and (steps or 2) > 1:
        raise EngineError("The outputs of this model are not its fields, so it cannot be carried beyond one step.")
    device = next(model.parameters()).device
    windows = [samples.rollout(part, pick).to(str(device)) for pick in range(trajectories)]
    count = min(len(window.targets) for window in windows) if steps is None else steps
    if count > min(len(window.targets) for window in windows):
        raise EngineError(
            f"{count} steps are more than the {min(len(w.targets) for w in windows)} of the trajectories."
        )
    together = join(windows, count)
    errors, correlations = [], []
    ends: list[dict[str, tuple[Tensor, Tensor]]] = []
    for outputs, true in zip(carry(model, together), together.targets, strict=True):
        errors.append(torch.stack([relative_l2(outputs[n], true[n]) for n in true]).mean(dim=0))
        correlations.append(torch.stack([correlation(outputs[n], true[n]) for n in true]).mean(dim=0))
        ends = [*ends[:1], {name: (outputs[name].cpu(), true[name].cpu()) for name in true}]
    return Comparison(
        samples.dt, torch.stack(errors, dim=1).cpu(), torch.stack(correlations, dim=1).cpu(), ends[0], ends[-1]
    )


def join(windows: list[Window], steps: int) -> Window:
    """Several windows as one batch, cut to the same number of steps."""

    def stack(tables: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: torch.cat([table[name] for table in tables]) for name in tables[0]}

    return Window(
        stack([window.inputs for window in windows]),
        tuple(stack([window.targets[step] for window in windows]) for step in range(steps)),
        stack([window.params for window in windows]),
        torch.cat([window.dt for window in windows]),
    )
