"""What a flow does to the bodies in it: the momentum that they take from it in a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.staggered.grid import Grid
from scenegrad.solvers.navier_stokes.staggered.obstacles.immersed import Immersion, away_from

__all__ = ["Watch", "impulse", "mean_force"]


@dataclass(frozen=True)
class Watch:
    """A body whose force somebody wants to know, and when the frames are."""

    body: int
    every: float  # [s]
    start: float

    def kept(self, time: Tensor, dt: Tensor) -> Tensor:
        """0 where a frame lies at the beginning of the step, 1 elsewhere [batch]; float64."""
        frame = self.start + self.every * ((time - self.start) / self.every).round()
        return ((time - frame).abs() >= 0.5 * dt).double()


def impulse(
    grid: Grid, given: Sequence[Tensor], interior: Sequence[Tensor | float], now: Immersion, body: int, density: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Impulse [N s] by axis and its moment about the body's centre, by 1 or 3 axes [N m s], each [batch].

    given: what the bodies have added to the velocity of each component. interior: what the change of their own velocity
    is of it: fluid within a body moves along, and its inertia is no part of the force.
    """
    each = []
    for a, axis in enumerate(grid.axes):
        part = (given[a] - interior[a]) * now.nearest[a][body]
        each.append((part, away_from([x[None] for x in grid.positions(axis)], now.poses[body], grid)))
    scale = -density * grid.volume

    def total(field: Tensor) -> Tensor:
        return scale * field.flatten(1).sum(1)

    linear = [total(part) for part, _ in each]
    if grid.dim == 2:
        return linear, [total(each[1][1][0] * each[1][0]) - total(each[0][1][1] * each[0][0])]
    turns = []
    for a in range(3):
        i, j = (a + 1) % 3, (a + 2) % 3
        turns.append(total(each[j][1][i] * each[j][0]) - total(each[i][1][j] * each[i][0]))
    return linear, turns


def mean_force(felt: Tensor, dim: int) -> dict[str, Tensor]:
    """Force [N], [batch, dim] and torque [N m], [batch] where dim = 2, of what was felt [batch, 7]."""
    mean = felt[:, :6] / torch.where(felt[:, 6:] > 0, felt[:, 6:], 1.0)
    return {"force": mean[:, :dim], "torque": mean[:, 5] if dim == 2 else mean[:, 3:]}


def row(linear: Sequence[Tensor], turns: Sequence[Tensor], dt: Tensor) -> Tensor:
    """(impulse, moment, time) [batch, 7]"""
    nought = torch.zeros_like(linear[0])
    six = [*linear, *[nought] * (3 - len(linear)), *[nought] * (3 - len(turns)), *turns]
    return torch.stack([*six, dt.to(nought)], dim=1)
