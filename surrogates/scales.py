"""Between physical units and the numbers of order one that networks work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Prediction

__all__ = ["Scales", "column"]


class Scales(nn.Module):
    """Means and spreads of the training data, as buffers that travel with the weights. dt: the trained step [time]."""

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor
    output_change: Tensor
    parameter_mean: Tensor
    parameter_std: Tensor

    def __init__(self, names: Names, predicts: Prediction, dt: float, statistics: Statistics | None = None):
        super().__init__()
        self.names, self.predicts, self.dt = names, predicts, dt
        sizes = {
            "input": names.width(names.inputs),
            "output": names.width(names.outputs),
            "parameter": len(names.parameters),
        }
        for item in fields(Statistics):
            given = getattr(statistics, item.name) if statistics else torch.ones(sizes[item.name.split("_")[0]])
            self.register_buffer(item.name, given.to(torch.get_default_dtype()))

    def encode(self, state: Mapping[str, Tensor]) -> Tensor:
        """The inputs as channels of order one [batch, channel, *grid]."""
        u = self.names.pack(state, self.names.inputs)
        return (u - column(self.input_mean, u)) / column(self.input_std, u)

    def read(self, raw: Tensor, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs in physical units from raw channels. state: what went in."""
        return self.names.unpack(self.predicts.read(raw, *self.of_outputs(state, raw)), self.names.outputs)

    def write(self, outputs: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> Tensor:
        """Undoes `read`."""
        values = self.names.pack(outputs, self.names.outputs)
        return self.predicts.write(values, *self.of_outputs(state, values))

    def of_outputs(self, state: Mapping[str, Tensor], like: Tensor) -> tuple[Tensor | None, Tensor, Tensor, Tensor]:
        before = self.names.pack(state, self.names.outputs) if self.names.carries_forward else None
        scales = (self.output_mean, self.output_std, self.output_change)
        mean, std, change = (column(value, like) for value in scales)
        return before, mean, std, change

    def constants(self, params: Mapping[str, Tensor], dt: Tensor) -> Tensor:
        """The parameters of order one, and the step in units of the trained one [batch, parameters + 1]."""
        missing = [address for address in self.names.parameters if address not in params]
        if missing:
            raise EngineError(
                f"The network was trained with {', '.join(missing)}, which it is not told; it was given "
                f"{', '.join(params) or 'nothing'}."
            )
        columns = [
            (params[address].to(dt) - self.parameter_mean[i]) / self.parameter_std[i]
            for i, address in enumerate(self.names.parameters)
        ]
        return torch.stack([*columns, dt / self.dt], dim=1)


def column(values: Tensor, like: Tensor) -> Tensor:
    """One number for each channel, to go with [batch, channel, *grid]."""
    return values.view([-1 if axis == 0 else 1 for axis in range(like.ndim - 1)])
