"""Scales of particles, that leave space as it is: no direction and no place is like another."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names, earlier
from scenegrad.surrogates.operators.predictions import Prediction
from scenegrad.surrogates.scales import Scales, column

__all__ = ["ParticleScales"]

POSITION, KIND = "position", "kind"


class ParticleScales(Scales):
    """As other scales, but positions have one for all directions; what is encoded of them is the position as it is, and
    in place of each earlier one the displacement over the step that followed, in units of the spread of these. The
    kinds of particles are handed on as they are."""

    def __init__(self, names: Names, predicts: Prediction, dt: float, statistics: Statistics | None = None):
        super().__init__(names, predicts, dt, statistics)
        if POSITION in names.outputs:
            first = names.width(names.outputs[: names.outputs.index(POSITION)])
            self.place = slice(first, first + names.size(POSITION))
            for spread in (self.output_std, self.output_change, self.output_turn):
                spread[self.place] = spread[self.place].square().mean().sqrt()

    def encode(self, state: Mapping[str, Tensor]) -> Tensor:
        u = self.names.pack(state, self.names.inputs)
        u = (u - column(self.input_mean, u)) / column(self.input_std, u)
        sizes = [self.names.size(name) for name in self.names.inputs]
        parts = list(torch.split(u, sizes, dim=1))
        for i, name in enumerate(self.names.inputs):
            kind, _, steps = name.partition("[-")
            if kind == POSITION:
                here = state[name].movedim(-1, 1)
                if steps:
                    after = state[earlier(POSITION, int(steps[:-1]) - 1)].movedim(-1, 1)
                    parts[i] = (after - here) / self.output_change[self.place][0]
                else:
                    parts[i] = here
            elif kind == KIND:
                parts[i] = state[name].unsqueeze(1).to(u)
        return torch.cat(parts, dim=1)
