"""A trained flow as a stepper: what comes next, drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.constraints import held, tangent
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.acceleration import Accelerated
from scenegrad.surrogates.flows.energy import EnergyConsistent, Frame
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.starts import FromNoise

if TYPE_CHECKING:
    from scenegrad.surrogates.flows.flow import Flow

__all__ = ["FlowStepper"]


class FlowStepper(nn.Module):
    """A flow with the scales of its data: fields in physical units to a draw of what they become after dt [time]."""

    def __init__(self, flow: Flow, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.flow, self.names, self.dt, self.grid = flow, flow.names, dt, tuple(grid)
        self.objective = flow.objective
        self.scales = flow.scales(flow.names, flow.predicts, dt, statistics)

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
        if self.flow.accelerates and not isinstance(self.flow.sampler, Accelerated):
            raise EngineError(
                f"This flow has learnt the velocity of leaving and an acceleration, and {self.flow.sampler} asks for "
                f"the velocity along the whole way. Draw with sampler=Accelerated(steps)."
            )
        inputs, constants = self.told(state, params, dt, noise)
        x1 = self.flow.sampler(self.field(inputs, constants), self.begin(noise, state, dt))
        return held(self.flow.constraints, self.scales.read(x1, state, dt), state)

    def begin(self, noise: Tensor, state: Mapping[str, Tensor], dt: Tensor) -> Tensor:
        """x0 of order one [batch, channel, *grid]; of the noise, what the constraints allow."""
        return self.flow.start(self.kept(noise, dt), state, self.scales, dt)

    def kept(self, x: Tensor, dt: Tensor) -> Tensor:
        """Of noise or a velocity of order one, the part along which the constraints stay fulfilled."""
        if not self.flow.constraints:
            return x
        unit, names = self.scales.unit(x, dt), self.names
        change = tangent(self.flow.constraints, names.unpack(unit * x, names.outputs))
        return names.pack(change, names.outputs) / unit

    def frame(self, state: Mapping[str, Tensor], like: Tensor, dt: Tensor) -> Frame:
        """What raw channels are in physical units, where the flow is given this state."""
        offset = self.names.pack(self.scales.read(torch.zeros_like(like), state, dt), self.names.outputs)
        return Frame(offset, self.scales.unit(like, dt), self.names)

    def field(self, inputs: Tensor, constants: Tensor) -> Field:
        """The velocity, and what it says, for one batch of inputs and constants."""
        flow = self.flow
        return Field(
            lambda x, s: self.velocity(x, s, inputs, constants),
            flow.path,
            isinstance(flow.start, FromNoise) and not isinstance(flow.path, EnergyConsistent),
            (lambda x, s, r: self.jump(x, s, r, inputs, constants)) if flow.jumps else None,
            (lambda x, s, v0: self.acceleration(x, s, v0, inputs, constants)) if flow.accelerates else None,
            flow.start.log_density,
            (lambda x: self.kept(x, self.span(constants))) if flow.constraints else None,
        )

    def told(
        self, state: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor, like: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The inputs [batch, channel, *grid] and constants [batch, constant] of the network, of order one."""
        inputs = self.scales.encode(state) if self.names.inputs else like[:, :0]
        return inputs, self.scales.constants(params, dt.to(like))

    def mean_velocity(self, x: Tensor, s: Tensor, r: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        return self.kept(self.flow.mean_velocity(x, s, r, inputs, constants), self.span(constants))

    def velocity(self, x: Tensor, s: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        return self.mean_velocity(x, s, s, inputs, constants)

    def acceleration(self, x: Tensor, s: Tensor, leaving: Tensor, inputs: Tensor, constants: Tensor) -> Tensor:
        return self.kept(self.flow.acceleration(x, s, leaving, inputs, constants), self.span(constants))

    def span(self, constants: Tensor) -> Tensor:
        """The step that the network was told [batch]."""
        return self.dt * constants[:, -1]

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
