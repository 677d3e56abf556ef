"""A target that asks no data: what the solver's own discrete equations leave of the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.training.losses import Loss
from scenegrad.surrogates.training.targets import Target

__all__ = ["Equations", "PhysicsResidual"]

Fields = Mapping[str, Tensor]
Equations = Callable[[Fields, Fields, Fields, Tensor], Fields]
"""(fields before, outputs, parameters [batch], dt [batch]) -> what is left of the equations, field by field"""


@dataclass(frozen=True)
class PhysicsResidual:
    """|R(outputs)|^2 / |R(nothing)|^2, the mean over the batch: 0 solves the equations, 1 is as good as no answer,
    which is a field that stands still or, where it is not carried forward, 0.

    R is that of the solver itself, with its sides, sources and limiters, as `recipes.physics.solver_residual` makes it
    of a scene, and not a continuous equation written down once more [physics-informed operators: Li et al. 2024,
    arXiv:2111.03794]. weight: of it beside `then`, what else is asked, such as OneStep() on the data.
    """

    equations: Equations = field(compare=False)
    weight: float = 1.0
    then: Target | None = None

    @property
    def horizon(self) -> int:
        return 1 if self.then is None else self.then.horizon

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        outputs = model(window.inputs, window.params, window.dt)
        nothing = {name: window.inputs.get(name, torch.zeros_like(value)) for name, value in outputs.items()}
        with torch.no_grad():
            scale = self.size(window, nothing).clamp(min=1e-30)
        value = self.weight * (self.size(window, outputs) / scale).mean()
        return value if self.then is None else value + self.then(model, window, loss, random)

    def size(self, window: Window, outputs: Fields) -> Tensor:
        """|R|^2 of each member [batch]."""
        left = self.equations(window.inputs, outputs, window.params, window.dt)
        return torch.stack([value.flatten(1).square().sum(dim=1) for value in left.values()]).sum(dim=0)
