"""A network with its scales and its step: fields in physical units to fields in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

from scenegrad.surrogates.constraints import Constraint, held
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Prediction
from scenegrad.surrogates.scales import Scales

if TYPE_CHECKING:
    from scenegrad.surrogates.training.targets import Target

__all__ = ["Network", "Stepper"]


class Network(Protocol):
    """What a stepper asks of what it holds: an nn.Module between channels of order one."""

    @property
    def names(self) -> Names: ...

    @property
    def predicts(self) -> Prediction: ...

    @property
    def constraints(self) -> tuple[Constraint, ...]: ...

    @property
    def scales(self) -> type[Scales]: ...

    def config(self) -> dict[str, Any]: ...

    def __call__(self, u: Tensor, constants: Tensor) -> Tensor: ...


class Stepper(nn.Module):
    """One learned step of length dt [time], as it was trained on `grid`."""

    objective: Target | None = None  # the outputs after one step, unless a model is told otherwise

    def __init__(self, operator: Network, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.operator, self.names, self.dt, self.grid = operator, operator.names, dt, tuple(grid)
        self.scales = operator.scales(operator.names, operator.predicts, dt, statistics)

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
        outputs = self.scales.read(self.operator(u, self.scales.constants(params, dt.to(u))), state, dt)
        return held(self.operator.constraints, outputs, state)

    def config(self) -> dict[str, Any]:
        return {"network": self.operator.config(), "dt": self.dt, "grid": list(self.grid)}
