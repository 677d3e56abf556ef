"""How networks of particles are trained: on what their past may come to in a rollout."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.names import earlier
from scenegrad.surrogates.training.losses import Loss

__all__ = ["RandomWalk"]


@dataclass(frozen=True)
class RandomWalk:
    """The mean square error of what the network says, in units of its spread, after a past that went astray.

    Each displacement of the past is off by the sum of small ones, so that velocities walk at random and end at `std`,
    in units of the spread of changes of displacements over a step; positions follow. What is wanted is the true place,
    off as the newest one is: the network learns to mend velocities, and that it cannot know of a shift. Without this a
    rollout leaves what was seen [Sanchez-Gonzalez et al. 2020, arXiv:2002.09405, section 4.3]. Losses of settings are
    not used.
    """

    std: float = 0.5
    field: str = "position"

    def __post_init__(self) -> None:
        if not self.std >= 0.0:
            raise EngineError(f"RandomWalk got std={self.std}; it is not negative, such as 0.5.")

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        scales, true = model.scales, window.targets[0]
        if self.std > 0.0:
            window, shift = self.astray(model, window, random)
            true = {**true, self.field: true[self.field] + shift}
        said = model(window.inputs, window.params, window.dt)
        error = scales.write(said, window.inputs, window.dt) - scales.write(true, window.inputs, window.dt)
        return error.square().mean()

    def astray(self, model: Dressed, window: Window, random: torch.Generator) -> tuple[Window, Tensor]:
        """The window with another past, and where that leaves the newest frame."""
        steps = model.names.history - 1
        if steps < 1 or self.field not in model.names.recalled:
            raise EngineError(
                f"RandomWalk({self.std:g}) leads astray what a network remembers of {self.field}; this one looks back "
                f"on {', '.join(model.names.recalled) or 'nothing'}. Give it a history, or take RandomWalk(0)."
            )
        now, names = window.inputs[self.field], model.names
        first = names.width(names.outputs[: names.outputs.index(self.field)])
        turn = model.scales.output_turn[first : first + names.size(self.field)].to(now)
        walk = torch.randn((steps, *now.shape), generator=random).to(now) * (self.std * turn / steps**0.5)
        shifts = walk.cumsum(0).cumsum(0)
        moved = {
            earlier(self.field, k): window.inputs[earlier(self.field, k)] + shifts[steps - 1 - k] for k in range(steps)
        }
        return replace(window, inputs={**window.inputs, **moved}), shifts[-1]
