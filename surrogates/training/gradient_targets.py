"""Targets for data that come with derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.scales import column
from scenegrad.surrogates.training.losses import Loss
from scenegrad.surrogates.training.solver_targets import pulled
from scenegrad.surrogates.training.targets import OneStep, Target

__all__ = ["WithGradients"]


@dataclass(frozen=True)
class WithGradients:
    """`then`, and the transposed derivative of the network against that of the data, which hold J^T w of each example.

        weight * sum |S (J^T w - (J^T w)_data)|^2 / sum |S (J^T w)_data|^2,

    sums over the batch, S the spreads of the inputs and parameters: the relative square error of derivatives, in the
    units in which the network is given what they are taken by [Sobolev training: Czarnecki et al. 2017,
    arXiv:1706.04859]. No solver is asked: what it said was stored with the data, the whole gradient of a number
    (`Responses`), or the adjoint of a step in random directions (`WithAdjoints`), of which one is drawn each time.
    Without `then` it is what the model is trained by anyhow.
    """

    weight: float = 1.0
    then: Target | None = None

    def __post_init__(self) -> None:
        if not self.weight > 0.0:
            raise EngineError(f"WithGradients got weight={self.weight}; it is positive. Without it, leave it out.")

    @property
    def horizon(self) -> int:
        return self.then.horizon if self.then else 1

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        value = (self.then or model.objective or OneStep())(model, window, loss, random)
        if not window.pulls:
            raise EngineError(
                "WithGradients needs data that hold derivatives: Responses.of(data) of an ensemble generated with "
                "gradients=..., or WithAdjoints(Windows(data)) of one generated with adjoints=...."
            )
        draw = len(window.pulls) > 1
        pick = int(torch.randint(len(window.pulls), (), generator=random)) if draw else 0
        pull = window.pulls[pick]
        found = pulled(model, window, pull.directions, keep=True)
        spreads = spreads_of(model, window)
        apart, whole = torch.zeros_like(value), torch.zeros_like(value)
        for name, bar in pull.bars.items():
            difference = found[name] - bar if name in found else bar
            apart = apart + (spreads[name] * difference).square().sum()
            whole = whole + (spreads[name] * bar).square().sum()
        return value + self.weight * apart / whole.clamp(min=1e-30)


def spreads_of(model: Dressed, window: Window) -> dict[str, Tensor]:
    """Of each input, to go with [batch, *grid(, component)], and of each parameter [batch]."""
    names, scales = model.names, model.scales
    one = names.pack(window.inputs, names.inputs) if names.inputs else None
    found = {}
    if one is not None:
        spread = column(scales.input_std, one).expand_as(one[:1])
        found = names.unpack(spread, names.inputs)
    numbers = {a: scales.parameter_std[n].to(window.dt) for n, a in enumerate(names.parameters)}
    return {**found, **numbers}
