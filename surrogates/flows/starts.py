"""Where a flow begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.field import normal_log_density
from scenegrad.surrogates.flows.poisson import FromPoissonField
from scenegrad.surrogates.scales import Scales

__all__ = ["STARTS", "FromNoise", "FromPresent", "Start"]


class Start(Protocol):
    def __call__(self, noise: Tensor, state: Mapping[str, Tensor], scales: Scales, dt: Tensor | None = None) -> Tensor:
        """x0 [batch, channel, *grid] of order one. noise: white, of the same shape. state: what the flow is given. dt:
        [batch], else the trained step."""
        ...

    @property
    def log_density(self) -> Callable[[Tensor], Tensor] | None: ...  # ln of that of x0 [batch], where it is known


@dataclass(frozen=True)
class FromNoise:
    """White noise: the flow has all to make, and gives a different draw for each."""

    log_density = staticmethod(normal_log_density)

    def __call__(self, noise: Tensor, state: Mapping[str, Tensor], scales: Scales, dt: Tensor | None = None) -> Tensor:
        return noise


@dataclass(frozen=True)
class FromPresent:
    """The present values of the outputs, on their own scale, and white noise of this size on top.

    What is next is close to what is now, so there is less to do than from noise, and fewer steps do it.
    """

    noise: float = 0.0

    log_density = None

    def __post_init__(self) -> None:
        if not self.noise >= 0.0:
            raise EngineError(f"FromPresent got noise={self.noise}; it is not negative, in units of the scaled data.")

    def __call__(self, noise: Tensor, state: Mapping[str, Tensor], scales: Scales, dt: Tensor | None = None) -> Tensor:
        names = scales.names
        if not names.carries_forward:
            raise EngineError(
                f"FromPresent() begins with {', '.join(names.outputs)} as they are now, and the flow is given "
                f"{', '.join(names.fields) or 'nothing'}. Take FromNoise()."
            )
        present = {name: state[name] for name in names.outputs}
        return scales.write(present, state, dt) + self.noise * noise


STARTS = (FromNoise, FromPresent, FromPoissonField)


def white(shape: torch.Size, random: torch.Generator, like: Tensor) -> Tensor:
    """Drawn on the CPU, so that the numbers are the same on every device."""
    return torch.randn(shape, generator=random).to(like)
