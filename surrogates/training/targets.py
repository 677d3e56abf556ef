"""What a loss compares: a target runs the network on a window and says how wrong it was.

Targets compose: Noise(0.01, then=Unrolled(2)) unrolls two steps from a perturbed input.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.scales import column
from scenegrad.surrogates.training.losses import Loss

__all__ = ["TARGETS", "Noise", "OneStep", "Pushforward", "Target", "Unrolled"]


class Target(Protocol):
    @property
    def horizon(self) -> int: ...  # steps of the window that are needed

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        """The mean loss over the batch, a number with a gradient. random: on the CPU, the only source of chance."""
        ...


@dataclass(frozen=True)
class OneStep:
    """The output after one step."""

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        return loss(model(window.inputs, window.params, window.dt), window.targets[0]).mean()


@dataclass(frozen=True)
class Unrolled:
    """The mean over m steps, each beginning where the last one ended; the gradient flows through all of them."""

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise EngineError(f"Unrolled got steps={self.steps}; it is a positive number.")

    @property
    def horizon(self) -> int:
        return self.steps

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        state, losses = window.inputs, []
        for true in window.targets[: self.steps]:
            outputs = model(state, window.params, window.dt)
            losses.append(loss(outputs, true).mean())
            state = model.names.follow(state, outputs)
        return torch.stack(losses).mean()


@dataclass(frozen=True)
class Pushforward:
    """The last of m steps, the gradient cut before it: the network learns to mend its own errors.

    [Brandstetter, Worrall & Welling 2022, arXiv:2202.03376]
    """

    steps: int = 2

    def __post_init__(self) -> None:
        if self.steps < 2:
            raise EngineError(f"Pushforward got steps={self.steps}; with fewer than 2 it is OneStep().")

    @property
    def horizon(self) -> int:
        return self.steps

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        state = window.inputs
        with torch.no_grad():
            for _ in range(self.steps - 1):
                state = model.names.follow(state, model(state, window.params, window.dt))
        return loss(model(state, window.params, window.dt), window.targets[self.steps - 1]).mean()


@dataclass(frozen=True)
class Noise:
    """White noise on the input, of `std` in units of each channel's spread; the truth it is compared with stays.

    [Sanchez-Gonzalez et al. 2020, arXiv:2002.09405]
    """

    std: float
    then: Target = field(default_factory=OneStep)

    def __post_init__(self) -> None:
        if not self.std >= 0.0:
            raise EngineError(f"Noise got std={self.std}; it is a fraction of the spread of the fields, such as 0.01.")

    @property
    def horizon(self) -> int:
        return self.then.horizon

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        names, scales = model.names, model.scales
        clean = names.pack(window.inputs, names.inputs)
        drawn = torch.randn(clean.shape, generator=random).to(clean)
        noisy = clean + self.std * column(scales.input_std, clean) * drawn
        return self.then(model, replace(window, inputs=names.unpack(noisy, names.inputs)), loss, random)


TARGETS = (OneStep, Noise, Unrolled, Pushforward)
