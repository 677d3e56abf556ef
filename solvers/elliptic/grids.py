"""Diffusion on cells of three axes, as Warp kernels see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import warp as wp
from torch import Tensor

from scenegrad.solvers.elliptic.diffusion import Diffusion

__all__ = ["Level", "Triple", "finest", "merged_axes", "run_of"]

STRETCHED = 1.5  # spacings that differ by more are not doubled together: relaxation would not smooth along the wide one

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Level:
    """One grid: arrays of [batch, *cells] and of its faces, a periodic axis with a copy of its first face as the last.
    merged: which axes the next grid halves."""

    cells: Triple
    wraps: wp.vec3i
    spacing: tuple[float, float, float]
    weights: tuple[Tensor, Tensor, Tensor]
    shift: Tensor

    @cached_property
    def diagonal(self) -> Tensor:
        total = self.shift
        for dim, (weight, n) in enumerate(zip(self.weights, self.cells, strict=True), start=1):
            total = total + weight.narrow(dim, 0, n) + weight.narrow(dim, 1, n)
        return total.contiguous()

    @property
    def merged(self) -> Triple:
        return merged_axes(self.cells, self.wraps, self.spacing)


def merged_axes(cells: Triple, wraps: wp.vec3i, spacing: tuple[float, float, float]) -> Triple:
    """1 for the axes along which two cells become one, 0 for the others."""
    finest = min(h for h, n in zip(spacing, cells, strict=True) if n > 1 or max(cells) == 1)
    first, second, third = (
        int(n > 1 and h <= STRETCHED * finest and not (wrap and n % 4 != 0))
        for n, h, wrap in zip(cells, spacing, wraps, strict=True)
    )
    return first, second, third


def three(values: tuple[float, ...]) -> tuple[float, float, float]:
    """With ones in front."""
    a, b, c = (1.0,) * (3 - len(values)) + values
    return a, b, c


def finest(operator: Diffusion) -> Level:
    """The grid of the operator itself."""
    axes, missing = operator.axes, 3 - len(operator.axes)
    batch = operator.diagonal.shape[0]
    first, second, third = (1,) * missing + tuple(axis.count for axis in axes)
    cells = (first, second, third)
    for number, axis in enumerate(axes):
        if axis.periodic and axis.count % 2:
            raise ValueError(
                f"multigrid needs an even number of cells along a periodic axis; axis {number} has {axis.count}"
            )
    weights = []
    for number, weight in enumerate(operator.weights):
        if axes[number].periodic:
            weight = torch.cat((weight, weight.narrow(1 + number, 0, 1)), 1 + number)
        weights.append(weight.reshape(batch, *(1,) * missing, *weight.shape[1:]).contiguous())
    dead = [
        operator.diagonal.new_zeros(batch, *(n + (a == number) for a, n in enumerate(cells)))
        for number in range(missing)
    ]
    wx, wy, wz = (*dead, *weights)
    shift = operator.shift.expand(batch, *(axis.count for axis in axes)).reshape(batch, *cells).contiguous()
    wraps = wp.vec3i(*(0,) * missing, *(int(axis.periodic) for axis in axes))
    spacing = three(tuple(axis.spacing for axis in axes))
    return Level(cells, wraps, spacing, (wx, wy, wz), shift)


def run_of(device: torch.device, count: int) -> int:
    """Cells that one thread does: on a CPU all `count` of a row, which are one thread's work anyway."""
    return count if device.type == "cpu" else 1
