"""The deep operator network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.grids import Bounded, Surroundings, Torus
from scenegrad.surrogates.operators.operator import Operator, Said

__all__ = ["DeepONet"]


def perceptron(inputs: int, width: int, outputs: int, depth: int) -> nn.Sequential:
    sizes = [inputs, *[width] * depth]
    layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m), nn.GELU())]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


class DeepONet(Operator):
    """v(y) = sum_k b_k(u) t_k(y) [Lu et al. 2021, arXiv:1910.03193]: the branch b sees the input at the points of one
    fixed grid, the trunk t the place y, so that the output may be asked for on any grid (`on`).

    sensors: points of that grid along each axis. width, depth: of both networks. modes: how many products are summed.
    The place is told by its coordinates, or on a Torus(harmonics) by sines and cosines.
    """

    kind = "deeponet"
    choices = MappingProxyType({"surroundings": (Torus, Bounded)})

    def __init__(
        self,
        sensors: Sequence[int],
        width: int,
        fields: Sequence[str],
        parameters: Sequence[str] = (),
        *,
        modes: int = 64,
        depth: int = 3,
        surroundings: Surroundings | None = None,
        **said: Unpack[Said],
    ):
        super().__init__(fields, parameters, **said)
        self.sensors, self.width, self.modes, self.depth = tuple(sensors), width, modes, depth
        self.surroundings = surroundings or Bounded()
        places = self.surroundings.channels(len(self.sensors))
        if min((*self.sensors, width, modes, depth), default=0) < 1 or places == 0:
            raise EngineError(
                f"DeepONet got sensors={self.sensors}, width={width}, modes={modes}, depth={depth}, surroundings="
                f"{self.surroundings}; all numbers are positive, and the surroundings tell places apart: Bounded(), or "
                f"Torus(harmonics=...)."
            )
        seen = self.channels_in * math.prod(self.sensors) + self.constants
        self.branch = perceptron(seen, width, modes * self.channels_out, depth)
        self.trunk = perceptron(places, width, modes, depth)
        self.bias = nn.Parameter(torch.zeros(self.channels_out))

    def forward(self, u: Tensor, constants: Tensor, on: Sequence[int] | None = None) -> Tensor:
        """The outputs on the grid of the sensors, or `on` another."""
        if tuple(u.shape[2:]) != self.sensors:
            raise EngineError(
                f"A DeepONet sees its input at {self.sensors} points, and was given {tuple(u.shape[2:])}. Interpolate "
                f"to these, or train one with sensors={tuple(u.shape[2:])}."
            )
        grid = tuple(on or self.sensors)
        b = self.branch(torch.cat([u.flatten(1), constants], dim=1)).view(len(u), self.channels_out, self.modes)
        places = self.surroundings.features(u.new_empty(1, 1, *grid))
        assert places is not None
        t = self.trunk(places[0].movedim(0, -1))  # [*grid, mode]
        v = torch.einsum("bcm,...m->bc...", b, t) / math.sqrt(self.modes)
        return v + self.bias.view(-1, *[1] * len(grid))
