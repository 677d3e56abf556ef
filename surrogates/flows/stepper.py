"""A trained flow as a stepper: what comes next, drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.starts import FromNoise
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.training.targets import Target

if TYPE_CHECKING:
    from scenegrad.surrogates.flows.flow import Flow

__all__ = ["FlowStepper"]


class FlowStepper(nn.Module):
    """A flow with the scales of its data: fields in physical units to a draw of what they become after dt [time]."""

    def __init__(self, flow: Flow, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.flow, self.dt, self.grid = flow, dt, tuple(grid)
        self.scales = Scales(flow.names, flow.predicts, dt, statistics)

    @property
    def names(self) -> Names:
        return self.flow.names

    @property
    def objective(self) -> Target:
        return self.flow.objective

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
        noise: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """One draw of the outputs. noise: white [batch, channel, *grid]; torch's own generator draws it otherwise."""
        state = {**(geometry or {}), **state}
        if noise is None:
            like = self.scales.output_mean
            grid = self.grid_of(state)
            noise = torch.randn(len(dt), len(like), *grid, dtype=like.dtype).to(like.device)
        inputs, constants = self.told(state, params, dt, noise)
        x0 = self.flow.start(noise, state, self.scales)
        return self.scales.read(self.flow.sampler(self.field(inputs, constants), x0), state)

    def field(self, inputs: Tensor, constants: Tensor) -> Field:
        """The velocity, and what it says, for one batch of inputs and constants."""
        flow = self.flow
        return Field(
            lambda x, s: self.velocity(x, s, inputs, constants),
            flow.path,
            isinstance(flow.start, FromNoise),
            (lambda x, s, r: self.jump(x, s, r, inputs, constants)) if flow.jumps else None,
        )

    def told(
        self, state: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor, like: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The inputs [batch, channel, *grid] and constants [batch, constant] of the network, of order one."""
        inputs = self.scales.encode(state) if self.names.inputs else like[:, :0]
        return inputs, self.scales.constants(params, dt.to(like))

    def mean_velocity(self, x: Tensor, s: Tensor, r: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        return self.flow.mean_velocity(x, s, r, inputs, constants)

    def velocity(self, x: Tensor, s: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        return self.mean_velocity(x, s, s, inputs, constants)

    def jump(self, x: Tensor, s: Tensor, r: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        """Where the flow is at r that is at x at s."""
        return x + (r - s).view(-1, *[1] * (x.ndim - 1)) * self.mean_velocity(x, s, r, inputs, constants)

    def grid_of(self, state: Mapping[str, Tensor]) -> tuple[int, ...]:
        """Where the flow is given fields, their grid; otherwise the trained one."""
        if not self.names.inputs:
            return self.grid
        name = self.names.inputs[-1]
        shape = state[name].shape[1:-1] if self.names.is_vector(name) else state[name].shape[1:]
        return tuple(shape)

    def config(self) -> dict[str, Any]:
        return {"network": self.flow.config(), "dt": self.dt, "grid": list(self.grid)}
