"""Flows that learn where they lead, so that one evaluation goes a long way.

The network gives the mean velocity u(x, s, r) from s to r, which is to say the flow map

    X(x, s, r) = x + (r - s) u(x, s, r),

and v(x, s) = u(x, s, s). It learns v from the data by flow matching, and the rest from itself, without a teacher: one
of three equations that flow maps obey holds it together [Boffi, Albergo & Vanden-Eijnden 2025, arXiv:2505.18825].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import jvp

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.flows.couplings import Coupling, Independent
from scenegrad.surrogates.flows.objectives import Passage, passage
from scenegrad.surrogates.training.losses import Loss

if TYPE_CHECKING:
    from scenegrad.surrogates.flows.stepper import FlowStepper

__all__ = ["MAPS", "EulerianMap", "LagrangianMap", "MeanFlow", "ProgressiveMap"]


@dataclass(frozen=True)
class FlowMap:
    """Flow matching on a share of the batch, an equation of the map on the rest."""

    coupling: Coupling = field(default_factory=Independent)
    matched: float = 0.5  # share of the batch that learns the velocity

    jumps = True

    def __post_init__(self) -> None:
        if not 0.0 < self.matched < 1.0:
            raise EngineError(
                f"{type(self).__name__} got matched={self.matched}; it is a share of the batch between 0 and 1, such "
                f"as 0.5: without flow matching nothing ties the map to the data."
            )

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Any, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        if not model.flow.jumps:
            raise EngineError(
                f"{type(self).__name__}() teaches where a flow leads, and the network of this one is not told the time "
                f"of arrival. Build it with Flow(..., objective={type(self).__name__}())."
            )
        at = passage(model, window, self.coupling, random)
        r = at.s + (1.0 - at.s) * torch.rand(len(at.s), generator=random).to(at.s)
        count = max(1, round(self.matched * len(at.s)))
        some, rest = at.part(slice(count)), at.part(slice(count, None))
        parts = [model.mean_velocity(some.x, some.s, some.s, some.inputs, some.constants) - some.velocity]
        if count < len(at.s):
            parts.append(self.off(model, rest, r[count:]))
        return torch.cat([part.square().flatten(1).mean(1) for part in parts]).mean()

    def off(self, model: FlowStepper, at: Passage, r: Tensor) -> Tensor:
        """By how much the map from s to r misses its equation [batch, channel, *grid]."""
        raise NotImplementedError


def along(function: Callable[..., Tensor], at: tuple[Tensor, ...], way: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """The value of a function, and its derivative in a direction."""
    found: tuple[Tensor, Tensor] = jvp(function, at, way)  # type: ignore[assignment]
    return found


def wide(value: Tensor, like: Tensor) -> Tensor:
    return value.view(-1, *[1] * (like.ndim - 1))


@dataclass(frozen=True)
class LagrangianMap(FlowMap):
    """dX/dr = v(X, r), the velocity taken as it is: the arrival moves with the flow it arrives in."""

    def off(self, model: FlowStepper, at: Passage, r: Tensor) -> Tensor:
        def arrive(to: Tensor) -> Tensor:
            return model.jump(at.x, at.s, to, at.inputs, at.constants)

        arrived, moving = along(arrive, (r,), (torch.ones_like(r),))
        with torch.no_grad():
            flowing = model.mean_velocity(arrived, r, r, at.inputs, at.constants)
        return moving - flowing


@dataclass(frozen=True)
class EulerianMap(FlowMap):
    """dX/ds + (v . grad) X = 0, v taken as it is: where one arrives does not change on the way there."""

    def off(self, model: FlowStepper, at: Passage, r: Tensor) -> Tensor:
        with torch.no_grad():
            v = model.mean_velocity(at.x, at.s, at.s, at.inputs, at.constants)

        def arrive(x: Tensor, s: Tensor) -> Tensor:
            return model.jump(x, s, r, at.inputs, at.constants)

        return along(arrive, (at.x, at.s), (v, torch.ones_like(at.s)))[1]


@dataclass(frozen=True)
class ProgressiveMap(FlowMap):
    """X(x, s, r) = X(X(x, s, m), m, r) with m halfway, the two short jumps taken as they are; no derivatives."""

    def off(self, model: FlowStepper, at: Passage, r: Tensor) -> Tensor:
        middle = 0.5 * (at.s + r)
        with torch.no_grad():
            first = model.mean_velocity(at.x, at.s, middle, at.inputs, at.constants)
            half = at.x + wide(middle - at.s, at.x) * first
            second = model.mean_velocity(half, middle, r, at.inputs, at.constants)
        return model.mean_velocity(at.x, at.s, r, at.inputs, at.constants) - 0.5 * (first + second)


@dataclass(frozen=True)
class MeanFlow(FlowMap):
    """u(x, s, r) = v + (r - s) (d/ds + v . grad) u, with the velocity v of the example itself and the right side taken
    as it is [Geng et al. 2025, arXiv:2505.13447, equation 6, with time running from noise to data]."""

    def off(self, model: FlowStepper, at: Passage, r: Tensor) -> Tensor:
        def mean(x: Tensor, s: Tensor) -> Tensor:
            return model.mean_velocity(x, s, r, at.inputs, at.constants)

        u, changing = along(mean, (at.x, at.s), (at.velocity, torch.ones_like(at.s)))
        return u - (at.velocity + wide(r - at.s, at.x) * changing).detach()


MAPS = (LagrangianMap, EulerianMap, ProgressiveMap, MeanFlow)
