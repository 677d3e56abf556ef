"""The multilayer perceptron: from the parameters of a scene to numbers that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Self, Unpack

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.operator import Operator, Said
from scenegrad.surrogates.stepper import Stepper
from scenegrad.surrogates.training.targets import Regression

if TYPE_CHECKING:
    from scenegrad.surrogates.data.responses import Responses

__all__ = ["MLP"]


class MLP(Operator):
    """`depth` hidden layers of `width`, with GELU: smooth, so that its derivatives can be taught too.

    Of numbers and vectors without a grid, which Responses are, u is [batch, channels in]; on a grid it is the same map
    at every point. It is trained by Regression() unless told otherwise.
    """

    kind = "mlp"

    def __init__(
        self,
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        depth: int = 2,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.width, self.depth = width, depth
        if min(width, depth) < 1:
            raise EngineError(f"MLP got width={width}, depth={depth}; both are positive numbers.")
        sizes = [self.channels_in + self.constants, *[width] * depth]
        layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m), nn.GELU())]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], self.channels_out))

    @classmethod
    def of(cls, data: Responses, width: int = 96, depth: int = 2) -> Self:
        """From all inputs of the data to all its outputs."""
        vectors = {name: values.shape[1] for name, values in data.x.items() if values.ndim > 1}
        return cls(width, list(data.x), depth=depth, outputs=list(data.y), components=vectors)

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        told = constants.view(*constants.shape, *[1] * (u.ndim - 2)).expand(-1, -1, *u.shape[2:])
        return self.layers(torch.cat([u, told], dim=1).movedim(1, -1)).movedim(-1, 1)

    def dressed(self, statistics: Statistics | None, dt: float, grid: tuple[int, ...]) -> Stepper:
        made = super().dressed(statistics, dt, grid)
        made.objective = Regression()
        return made
