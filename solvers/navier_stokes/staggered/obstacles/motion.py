"""Where a body that moves as it is told is at a time, in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.signals import Signal, Sine, Table
from scenegrad.solvers.shared import signals

__all__ = ["Motion", "Pose", "travelled"]


@dataclass(frozen=True)
class Images:
    """Along an axis that wraps a body stands in a row of its like, of which a place feels the one whose middle is
    nearest. middle: of the body, from its centre [batch]. recurs: 1, or 0 of a body longer than the box, which has no
    like."""

    middle: Tensor
    recurs: Tensor


@dataclass(frozen=True)
class Pose:
    """Displacement [dim][batch], turn as a matrix [batch, dim, dim], velocity [dim][batch] and angular velocity,
    [1 or 3][batch], centre of the turn [dim][batch], and images along each axis, all float64."""

    shift: list[Tensor]
    turn: Tensor | None
    velocity: list[Tensor]
    spin: list[Tensor]
    center: list[Tensor]
    images: list[Images]


@dataclass(frozen=True)
class Motion:
    """address: of the motion; velocity, spin: numbers or signals, empty where there is none. angle: at the start
    [rad], one number about z, or the matrix itself. center: of the turn, float64 [dim][batch]. follows: where the turn
    is about the middle of the shape, the address of the place that moves it, and what that was [dim][batch]. images:
    along each axis, for the body before it turns."""

    address: str
    velocity: tuple[Any, ...]
    spin: tuple[Any, ...]
    center: list[Tensor]
    first: Tensor | None  # turn at the start [batch, dim, dim]
    dim: int
    follows: tuple[str, list[Tensor]] | None
    images: list[Images]

    @property
    def moves(self) -> bool:
        return bool(self.velocity or self.spin)

    def names(self) -> list[str]:
        """Addresses of its numbers."""
        return [
            leaf for address, signal in self.parts("velocity") + self.parts("spin")
            for leaf in signals.addresses(address, signal)
        ]  # fmt: skip

    def parts(self, which: str) -> list[tuple[str, Any]]:
        entries = self.velocity if which == "velocity" else self.spin
        name = "velocity" if which == "velocity" else "angular_velocity"
        if which == "spin" and self.dim == 2:
            return [(f"{self.address}.{name}", entry) for entry in entries]
        return [(f"{self.address}.{name}.{n}", entry) for n, entry in enumerate(entries)]

    def at(self, params: Params, time: Tensor) -> Pose:
        shift = [travelled(params, *part, time) for part in self.parts("velocity")]
        velocity = [signals.value_at(params, *part, time) for part in self.parts("velocity")]
        angle = [travelled(params, *part, time) for part in self.parts("spin")]
        spin = [signals.value_at(params, *part, time) for part in self.parts("spin")]
        turn = self.first
        if angle:
            now = rotation(angle)
            turn = now if turn is None else now @ turn
        return Pose(shift, turn, velocity, spin, self.middle(params), self.turned(turn))

    def turned(self, turn: Tensor | None) -> list[Images]:
        """Images of the body as it is turned, which leads its middle from one axis to another."""
        if turn is None:
            return self.images
        middle = torch.stack([one.middle for one in self.images], dim=1)
        now = (turn.detach() * middle[:, None]).sum(2).unbind(1)
        return [Images(m, one.recurs) for one, m in zip(self.images, now, strict=True)]

    def middle(self, params: Params) -> list[Tensor]:
        if self.follows is None:
            return self.center
        address, began = self.follows
        now = params[address].double().unbind(1)
        return [c + (x - x0) for c, x, x0 in zip(self.center, now, began, strict=True)]


def travelled(params: Params, address: str, signal: Any, time: Tensor) -> Tensor:
    """The integral of a signal from 0 to `time` [batch], float64."""
    if not isinstance(signal, Signal):
        value = params[address].double()
        return value * time.to(value.device, torch.float64)
    numbers = [params[leaf].double() for leaf in signals.addresses(address, signal)]
    t = time.to(numbers[0].device, torch.float64)
    if isinstance(signal, Sine):
        amplitude, frequency, phase, offset = numbers
        turn = 2.0 * math.pi * frequency
        return offset * t - amplitude / turn * (torch.cos(turn * t + phase) - torch.cos(phase))
    assert isinstance(signal, Table)
    values = numbers[0]
    every = signal.every
    steps = torch.arange(values.shape[1], device=t.device, dtype=torch.float64)
    # each segment gives what lies before t; after the last value it holds
    share = (t[:, None] / every - steps[:-1]).clamp(0.0, 1.0)
    slope = values[:, 1:] - values[:, :-1]
    within = (share * (values[:, :-1] + 0.5 * share * slope)).sum(1) * every
    return within + values[:, -1] * (t - every * steps[-1]).clamp(min=0.0)


def rotation(angle: Sequence[Tensor]) -> Tensor:
    """[batch, 2, 2] of one angle, [batch, 3, 3] of a rotation vector [Rodrigues 1840]."""
    if len(angle) == 1:
        c, s = torch.cos(angle[0]), torch.sin(angle[0])
        return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
    x, y, z = angle
    square = x * x + y * y + z * z
    small = square < 1e-4  # then by series: the root has no slope at 0
    safe = torch.where(small, 1.0, square)
    size = safe.sqrt()
    s = torch.where(small, 1.0 - square / 6.0 + square.square() / 120.0, torch.sin(size) / size)
    c = torch.where(small, 0.5 - square / 24.0 + square.square() / 720.0, 2.0 * torch.sin(0.5 * size).square() / safe)
    rows = [
        [1.0 - c * (y * y + z * z), c * x * y - s * z, c * x * z + s * y],
        [c * x * y + s * z, 1.0 - c * (x * x + z * z), c * y * z - s * x],
        [c * x * z - s * y, c * y * z + s * x, 1.0 - c * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
