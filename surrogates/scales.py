"""Between physical units and the numbers of order one that networks work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Acceleration, Prediction

__all__ = ["Scales", "column"]


class Scales(nn.Module):
    """Means and spreads of the training data, as buffers that travel with the weights. dt: the trained step [time], the
    shortest where there are several; over others the spread of the change is output_change (dt / self.dt)^growth."""

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor
    output_change: Tensor
    parameter_mean: Tensor
    parameter_std: Tensor
    output_growth: Tensor
    step_range: Tensor
    output_turn: Tensor

    def __init__(self, names: Names, predicts: Prediction, dt: float, statistics: Statistics | None = None):
        super().__init__()
        self.names, self.predicts, self.dt = names, predicts, dt
        sizes = {
            "input": names.width(names.inputs),
            "output": names.width(names.outputs),
            "parameter": len(names.parameters),
            "step": 2,
        }
        for item in fields(Statistics):
            found = getattr(statistics, item.name) if statistics else None
            given = torch.ones(sizes[item.name.split("_")[0]]) if found is None else found
            self.register_buffer(item.name, given.to(torch.get_default_dtype()))

    def encode(self, state: Mapping[str, Tensor]) -> Tensor:
        """The inputs as channels of order one [batch, channel, *grid]."""
        u = self.names.pack(state, self.names.inputs)
        return (u - column(self.input_mean, u)) / column(self.input_std, u)

    def read(self, raw: Tensor, state: Mapping[str, Tensor], dt: Tensor | None = None) -> dict[str, Tensor]:
        """The outputs in physical units from raw channels. state: what went in. dt: [batch], else the trained step."""
        return self.names.unpack(self.predicts.read(raw, *self.of_outputs(state, raw, dt)), self.names.outputs)

    def write(self, outputs: Mapping[str, Tensor], state: Mapping[str, Tensor], dt: Tensor | None = None) -> Tensor:
        """Undoes `read`."""
        values = self.names.pack(outputs, self.names.outputs)
        return self.predicts.write(values, *self.of_outputs(state, values, self.some(dt)))

    def of_outputs(
        self, state: Mapping[str, Tensor], like: Tensor, dt: Tensor | None
    ) -> tuple[Tensor | None, Tensor, Tensor, Tensor]:
        before = self.names.pack(state, self.names.outputs) if self.names.carries_forward else None
        if isinstance(self.predicts, Acceleration):
            assert before is not None, "a network whose outputs are not its fields was refused"
            before = before.lerp(self.names.pack(state, self.names.previous), -1.0)
        return before, column(self.output_mean, like), *self.spreads(like, dt)

    def spreads(self, like: Tensor, dt: Tensor | None) -> tuple[Tensor, Tensor]:
        """Of the outputs, and of what they do in a step, to go with [batch, channel, *grid]."""
        change, growth = self.output_change, self.output_growth
        if isinstance(self.predicts, Acceleration):
            change, growth = self.output_turn, 2.0 * growth
        std, change = column(self.output_std, like), column(change, like)
        if dt is not None:
            grown = (dt.to(change) / self.dt)[:, None] ** growth  # `like` may be in half precision
            change = change * grown.view(*grown.shape, *[1] * (like.ndim - 2))
        return std, change

    def unit(self, like: Tensor, dt: Tensor | None = None) -> Tensor:
        """Change of the outputs in physical units for one of their raw channels, to go with [batch, channel, *grid].
        dt: [batch], else the trained step."""
        one = like.new_ones(1, like.shape[1], *[1] * (like.ndim - 2))
        std, change = self.spreads(like, self.some(dt))
        return self.predicts.read(one, torch.zeros_like(one), torch.zeros_like(std), std, change)

    def some(self, dt: Tensor | None) -> Tensor | None:
        """Over no time nothing changes, and nothing could be said in units of that."""
        return None if dt is None else dt.clamp(min=1e-6 * self.dt)

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
