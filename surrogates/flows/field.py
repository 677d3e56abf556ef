"""The velocity of a flow, and what else it says of a place on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.paths import Coefficients, Path

__all__ = ["Acceleration", "Field", "Jump", "Velocity", "normal_log_density"]


def normal_log_density(x: Tensor) -> Tensor:
    """Of white noise [batch]."""
    flat = x.flatten(1)
    return -0.5 * flat.square().sum(1) - 0.5 * flat.shape[1] * math.log(2.0 * math.pi)


Velocity = Callable[[Tensor, Tensor], Tensor]
"""v(x [batch, channel, *grid], s [batch])"""

Jump = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From x at s to where the flow is at r: X(x, s, r), with s and r [batch]."""

Acceleration = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of a way that began with the velocity v0, at x and s: a(x, s, v0)"""


@dataclass(frozen=True)
class Field:
    """v(x, s) = E[dx_s/ds | x_s = x] of a path whose starts are white noise, or anything where only v is asked for.

    x = a x0 + b x1 and v = a' E[x0|x] + b' E[x1|x], where nothing else is noisy on the way, are two equations for the
    expected start and end. log_start: ln of the density of starts, where it is known. jump: of flows that have learnt
    where it leads. acceleration: of those that have learnt it; their velocity is known at s = 0 alone. kept: of noise,
    what the constraints of the flow allow.
    """

    velocity: Velocity
    path: Path
    from_noise: bool = True
    jump: Jump | None = None
    acceleration: Acceleration | None = None
    log_start: Callable[[Tensor], Tensor] | None = normal_log_density
    kept: Callable[[Tensor], Tensor] | None = None

    def start(self, x: Tensor, s: Tensor) -> Tensor:
        """E[x0 | x_s = x]: the noise."""
        c, wronskian = self.coefficients(x, s)
        return (c.b_slope * x - c.b * self.velocity(x, s)) / wronskian

    def end(self, x: Tensor, s: Tensor, velocity: Tensor | None = None) -> Tensor:
        """E[x1 | x_s = x]: the data. velocity: v(x, s), where it is known already."""
        c, wronskian = self.coefficients(x, s)
        return (c.a * (self.velocity(x, s) if velocity is None else velocity) - c.a_slope * x) / wronskian

    def score(self, x: Tensor, s: Tensor) -> Tensor:
        """grad log p_s(x) = -E[x0 | x_s = x] / a(s) [Tweedie's formula]."""
        return -self.start(x, s) / self.coefficients(x, s)[0].a

    def coefficients(self, x: Tensor, s: Tensor) -> tuple[Coefficients, Tensor]:
        if not self.from_noise:
            raise EngineError(
                "Scores and expected ends are known of flows that begin with white noise. Take start=FromNoise(), or a "
                "sampler that asks for the velocity alone: Euler, Heun, RK4, Adaptive."
            )
        c = Coefficients(*(value.view(-1, *[1] * (x.ndim - 1)) for value in self.path(s)))
        if bool((c.g != 0.0).any()):
            raise EngineError(
                "On a Bridge(...) the velocity alone does not say what is noise. Take another path, or a sampler that "
                "asks for the velocity alone: Euler, Heun, RK4, Adaptive."
            )
        return c, c.a * c.b_slope - c.a_slope * c.b
