"""A network with its scales and its step: fields in physical units to fields in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.operators.predictions import Prediction

__all__ = ["Operator", "Stepper", "build_operator"]


class Operator(Protocol):
    """A network between channels of order one. It is an nn.Module that can be made again from its `config`."""

    names: Names
    predicts: Prediction

    def config(self) -> dict[str, Any]: ...

    def __call__(self, u: Tensor, constants: Tensor) -> Tensor: ...


def build_operator(config: Mapping[str, Any]) -> FNO:
    """The network that a recipe or a checkpoint describes."""
    kinds = {"fno": FNO}
    if config.get("kind") not in kinds:
        raise EngineError(f"A model got kind {config.get('kind')!r}; there are: {', '.join(kinds)}.")
    return kinds[config["kind"]].build(config)


class Stepper(nn.Module):
    """One learned step of length dt [time], as it was trained on `grid`.

    The scales are buffers, so they travel with the weights. The length of the step reaches the network in units of the
    trained one.
    """

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor
    output_change: Tensor
    parameter_mean: Tensor
    parameter_std: Tensor

    def __init__(self, operator: FNO, statistics: Statistics | None, dt: float, grid: tuple[int, ...]):
        super().__init__()
        self.operator, self.dt, self.grid = operator, dt, tuple(grid)
        names = operator.names
        sizes = {
            "input": names.width(names.fields),
            "output": names.width(names.outputs),
            "parameter": len(names.parameters),
        }
        for name in Statistics.__dataclass_fields__:
            given = getattr(statistics, name) if statistics else torch.ones(sizes[name.split("_")[0]])
            self.register_buffer(name, given.to(torch.get_default_dtype()))

    @property
    def names(self) -> Names:
        return self.operator.names

    def forward(self, state: Mapping[str, Tensor], params: Mapping[str, Tensor], dt: Tensor) -> dict[str, Tensor]:
        """The outputs after a step. params and dt: [batch]."""
        names = self.names
        u = names.pack(state, names.fields)
        before = names.pack(state, names.outputs) if names.carries_forward else None
        like = [-1 if axis == 0 else 1 for axis in range(u.ndim - 1)]
        scaled = (u - self.input_mean.view(like)) / self.input_std.view(like)
        raw = self.operator(scaled, self.constants(params, dt.to(u)))
        scales = [value.view(like) for value in (self.output_mean, self.output_std, self.output_change)]
        return names.unpack(self.operator.predicts.read(raw, before, *scales), names.outputs)

    def constants(self, params: Mapping[str, Tensor], dt: Tensor) -> Tensor:
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

    def config(self) -> dict[str, Any]:
        return {"operator": self.operator.config(), "dt": self.dt, "grid": list(self.grid)}

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> Stepper:
        return cls(build_operator(config["operator"]), None, config["dt"], tuple(config["grid"]))
