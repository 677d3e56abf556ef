"""A network with its scales and its step: fields in physical units to fields in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Prediction
from scenegrad.surrogates.scales import Scales

__all__ = ["Network", "Stepper"]


class Network(Protocol):
    """What a stepper asks of what it holds: an nn.Module between channels of order one."""

    @property
    def names(self) -> Names: ...

    @property
    def predicts(self) -> Prediction: ...

    def config(self) -> dict[str, Any]: ...

    def __call__(self, u: Tensor, constants: Tensor) -> Tensor: ...


class Stepper(nn.Module):
    """One learned step of length dt [time], as it was trained on `grid`."""

    objective = None  # the outputs after one step

    def __init__(self, operator: Network, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.operator, self.dt, self.grid = operator, dt, tuple(grid)
        self.scales = Scales(operator.names, operator.predicts, dt, statistics)

    @property
    def names(self) -> Names:
        return self.operator.names

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """The outputs after a step. params and dt: [batch]. geometry: fields that stand still, where the state has them
        not."""
        state = {**(geometry or {}), **state}
        u = self.scales.encode(state)
        return self.scales.read(self.operator(u, self.scales.constants(params, dt.to(u))), state)

    def config(self) -> dict[str, Any]:
        return {"network": self.operator.config(), "dt": self.dt, "grid": list(self.grid)}
