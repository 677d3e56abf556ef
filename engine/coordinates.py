"""Parameters as coordinates of order one, in which optimisers work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Variable
from scenegrad.engine.state import Params

__all__ = ["Axis", "coordinates", "plain", "split", "spoken"]


@dataclass(frozen=True)
class Axis:
    """The coordinates of one parameter: z = log p, or p in units of `unit`."""

    address: str
    template: Tensor
    log: bool
    unit: float
    bounds: tuple[float, float] | None

    @property
    def start(self) -> np.ndarray:
        return self.coordinate(plain(self.template).reshape(-1))

    @property
    def limits(self) -> list[tuple[float | None, float | None]]:
        if self.bounds is None:
            return [(None, None)] * self.template.numel()
        low, high = self.coordinate(np.array(self.bounds, dtype=np.float64))
        return [(float(low), float(high))] * self.template.numel()

    def coordinate(self, value: np.ndarray) -> np.ndarray:
        return np.log(value) if self.log else value / self.unit

    def value(self, z: np.ndarray) -> np.ndarray:
        raw = np.exp(z) if self.log else z * self.unit
        return raw if self.bounds is None else np.clip(raw, *self.bounds)  # exp(log(bound)) may round past it

    def slope(self, gradient: np.ndarray, z: np.ndarray) -> np.ndarray:
        return gradient.reshape(-1) * (self.value(z) if self.log else self.unit)

    def like(self, value: np.ndarray) -> Tensor:
        made = torch.tensor(value, dtype=torch.float64).reshape(self.template.shape)
        return made.to(self.template.device, self.template.dtype).requires_grad_()

    def tensor(self, z: np.ndarray) -> Tensor:
        return self.like(self.value(z))


def coordinates(params: Params, parameters: Mapping[str, Variable]) -> list[Axis]:
    if not parameters:
        raise EngineError(
            "There is nothing to optimise: no parameter was named. Mark a number of the scene as "
            "Parameter(value, bounds=(low, high)), or name one in parameters=."
        )
    axes = []
    for address, variable in parameters.items():
        if address not in params:
            raise EngineError(f"No parameter {address!r} to optimise; there are: {', '.join(params) or 'none'}.")
        value, log = params[address], variable.transform == "log"
        if log and not bool((value > 0).all()):
            raise EngineError(f"{address} works on a log scale, which needs a positive start; got {value.tolist()}.")
        widest = float(value.detach().abs().max())
        unit = variable.bounds[1] - variable.bounds[0] if variable.bounds else (widest or 1.0)
        axes.append(Axis(address, value, log, unit, variable.bounds))
    return axes


def split(axes: list[Axis], point: np.ndarray) -> list[tuple[Axis, np.ndarray]]:
    ends = np.cumsum([axis.template.numel() for axis in axes])
    return list(zip(axes, np.split(point, ends[:-1]), strict=True))


def plain(value: Tensor | None) -> np.ndarray:
    assert value is not None, "a parameter that the objective does not feel was refused"
    return value.detach().cpu().double().numpy()


def spoken(axes: list[Axis], point: np.ndarray) -> str:
    said = [(axis.address, np.array2string(axis.value(z), precision=5)) for axis, z in split(axes, point)]
    return ", ".join(f"{address} = {value}" for address, value in said)
