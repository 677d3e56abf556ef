"""What a network's output stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

__all__ = ["PREDICTIONS", "Acceleration", "Change", "Next", "Prediction"]


class Prediction(Protocol):
    """Physical values and the raw ones of order one that stand for them, all [batch, channel, *grid].

    before: the same fields at the beginning of the step, where they are known; for an Acceleration() where they would
    come to by going straight on. mean, std: of the fields. change: standard deviation of their change over a step; for
    an Acceleration() the root mean square of the change of that.
    """

    def read(self, raw: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        """Physical values from a raw output."""
        ...

    def write(self, values: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        """Undoes `read`."""
        ...


@dataclass(frozen=True)
class Change:
    """u(t + dt) = u(t) + change * raw: a network that says nothing leaves the state as it is."""

    def read(self, raw: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        assert before is not None, "a network whose outputs are not its fields was refused"
        return before + change * raw

    def write(self, values: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        assert before is not None, "a network whose outputs are not its fields was refused"
        return (values - before) / change


@dataclass(frozen=True)
class Next:
    """u(t + dt) = mean + std * raw."""

    def read(self, raw: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        return mean + std * raw

    def write(self, values: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        return (values - mean) / std


@dataclass(frozen=True)
class Acceleration:
    """u(t + dt) = 2 u(t) - u(t - dt) + turn * raw: a network that says nothing lets the state go straight on, and one
    that speaks of forces obeys Verlet's scheme. It needs a history of two frames or more."""

    def read(self, raw: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        assert before is not None, "a network whose outputs are not its fields was refused"
        return before + change * raw

    def write(self, values: Tensor, before: Tensor | None, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
        assert before is not None, "a network whose outputs are not its fields was refused"
        return (values - before) / change


PREDICTIONS = (Change, Next, Acceleration)
