"""Body forces on the faces of a staggered grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.forcings import Forcing, KolmogorovForcing, UniformForcing
from scenegrad.solvers.navier_stokes.staggered.grid import Grid

__all__ = ["Force", "force_of", "forcing_trouble", "learnable_of"]


@dataclass(frozen=True)
class Force:
    """acceleration_c = amplitude_c pattern_c. address: of one amplitude [batch], or one for each axis [batch, dim]."""

    address: str
    patterns: tuple[Tensor, ...]  # by component [1 or batch, *faces or 1]
    grid: Grid

    def at(self, params: Params) -> list[Tensor]:
        amplitude = params[self.address].to(self.grid.dtype)
        by_axis = amplitude.expand(self.grid.dim, -1) if amplitude.ndim == 1 else amplitude.T
        ones = [1] * self.grid.dim
        return [a.view(-1, *ones) * pattern for a, pattern in zip(by_axis, self.patterns, strict=True)]


def learnable_of(address: str, forcing: Forcing) -> str:
    return f"{address}.acceleration" if isinstance(forcing, UniformForcing) else f"{address}.amplitude"


def force_of(address: str, forcings: Sequence[Forcing], grid: Grid) -> Force:
    first = forcings[0]
    if isinstance(first, UniformForcing):
        ones = torch.ones([1] * (grid.dim + 1), device=grid.device, dtype=grid.dtype)
        return Force(learnable_of(address, first), (ones,) * grid.dim, grid)
    waves = []
    for forcing in forcings:
        assert isinstance(forcing, KolmogorovForcing)
        y = grid.positions(-grid.dim)[1].double()  # of the faces across x
        waves.append(torch.sin(2 * math.pi * forcing.wavenumber / grid.size[1] * y).to(grid.dtype))
    along = torch.stack(waves)
    return Force(learnable_of(address, first), (along, *[torch.zeros_like(along)] * (grid.dim - 1)), grid)


def forcing_trouble(forcing: Forcing, dim: int) -> str | None:
    if isinstance(forcing, UniformForcing):
        from scenegrad.scenes.values import vector

        given = len(vector(forcing.acceleration))
        return None if given == dim else f"has {given} entries in a scene of {dim} dimensions; give one for each"
    if not isinstance(forcing, KolmogorovForcing):
        return f"{forcing.kind} is not known on a staggered grid; there are kolmogorov and uniform"
    return None
