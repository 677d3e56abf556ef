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

__all__ = ["TARGETS", "Noise", "OneStep", "Pushforward", "Regression", "Target", "Unrolled"]


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
class Regression:
    """The mean square of the outputs after one step less the truth, in units of their spread: for numbers, which may be
    near zero, where relative errors say little."""

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        names = model.names
        outputs = model(window.inputs, window.params, window.dt)
        apart = names.pack(outputs, names.outputs) - names.pack(window.targets[0], names.outputs)
        return (apart / column(model.scales.output_std, apart)).square().mean()


@dataclass(frozen=True)
class Unrolled:
    """The mean over m steps, each beginning where the last one ended.

    cut: after every so many steps the gradient is cut, so that it cannot explode over more of them; unless said, it
    flows through all. With cut=1 each step mends what it was handed and none is blamed for those after it
    [List, Chen, Bali & Thuerey 2024, arXiv:2402.12971].
    """

    steps: int
    cut: int | None = None

    def __post_init__(self) -> None:
        if self.steps < 1 or (self.cut is not None and self.cut < 1):
            raise EngineError(f"Unrolled got steps={self.steps}, cut={self.cut}; both are positive numbers of steps.")

    @property
    def horizon(self) -> int:
        return self.steps

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        state, losses = window.inputs, []
        for step, true in enumerate(window.targets[: self.steps], 1):
            outputs = model(state, window.params, window.dt)
            losses.append(loss(outputs, true).mean())
            state = model.names.follow(state, outputs)
            if self.cut is not None and step % self.cut == 0:
                state = {name: value.detach() for name, value in state.items()}
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


TARGETS = (OneStep, Noise, Unrolled, Pushforward, Regression)
