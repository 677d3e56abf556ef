"""A region in which a finer grid carries the matter, and how it blends into the coarse one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.scenes.methods import MaterialPoint
from scenegrad.scenes.values import vector
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.tables import BodyPart

__all__ = ["Refinement"]


@dataclass(frozen=True)
class Refinement:
    """theta(x) = prod_a s(|x_a - c_a|), s from 1 within the region to 0 a `blend` beyond it: the share of a particle
    that the fine grid carries; the coarse one carries 1 - theta.

    The shape functions theta N_fine and (1 - theta) N_coarse sum to one, and sum (x_i - x_p) times them to zero, so
    that momentum and angular momentum are kept while matter passes. c: a fixed place, or the middle of a body's matter.
    """

    fine: Grid
    half: tuple[float, ...]  # of the region's edges [m]
    blend: float  # [m]
    fixed: tuple[float, ...]  # place [m]; zeros where the region follows a body
    weight: Tensor  # share of each particle in the place of the region [batch, particle]

    @staticmethod
    def of(method: MaterialPoint, grid: Grid, bodies: Sequence[BodyPart], volume: Tensor) -> Refinement | None:
        wanted = method.refine
        if wanted is None:
            return None
        weight = torch.zeros_like(volume)
        fixed = (0.0,) * grid.dim
        if isinstance(wanted.around, str):
            part = next(body.slice for body in bodies if body.name == wanted.around)
            weight[:, part] = volume[:, part] / volume[:, part].sum(1, keepdim=True)
        else:
            fixed = tuple(float(x) for x in vector(wanted.around))
        fine = replace(grid, dx=grid.dx / wanted.factor, cells=tuple(wanted.factor * n for n in grid.cells))
        blend = wanted.blend or 2.0 * grid.dx
        return Refinement(fine, tuple(0.5 * edge for edge in wanted.size), blend, fixed, weight)

    def center(self, position: Tensor) -> Tensor:
        """[batch, dim]"""
        return position.new_tensor(self.fixed) + (self.weight[..., None] * position).sum(1)

    def share(self, position: Tensor) -> Tensor:
        """theta, [batch, particle]"""
        away = (position - self.center(position)[:, None]).abs() - position.new_tensor(self.half)
        t = (1.0 - away / self.blend).clamp(0.0, 1.0)
        return (t * t * (3.0 - 2.0 * t)).prod(-1)

    def spread(self, position: Tensor, coarse: Grid) -> Tensor:
        """D of each particle, the second moment of its shape functions [m^2], [batch, particle]."""
        share, scheme = self.share(position), coarse.scheme
        return scheme.spread * (share * self.fine.dx**2 + (1.0 - share) * coarse.dx**2)

    def near(self, position: Tensor) -> Tensor:
        """Places of what the fine grid carries, the region's middle for the others [batch, particle, dim]."""
        return torch.where(self.share(position)[..., None] > 0.0, position, self.center(position)[:, None])
