"""A region in which a finer grid carries the matter, and how it blends into the coarse one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.scenes.methods import Finer
from scenegrad.scenes.values import vector
from scenegrad.solvers.mpm.colliders.obstacles import Obstacles
from scenegrad.solvers.mpm.grid.grid import Grid
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.mpm.tables import BodyPart

__all__ = ["Refinement", "blend_of", "finer_grid", "share_at"]


def finer_grid(finer: Finer, grid: Grid) -> Grid:
    return replace(grid, dx=grid.dx / finer.factor, cells=tuple(finer.factor * n for n in grid.cells))


def blend_of(finer: Finer, grid: Grid) -> float:
    """Width of the zone that both grids carry [m]."""
    return finer.blend or 2.0 * grid.dx


def share_at(away: Tensor, half: Sequence[float], blend: float) -> Tensor:
    """prod_a s(|away_a|), [...]; away: from the middle of the region [..., dim]."""
    t = (1.0 - (away.abs() - away.new_tensor(half)) / blend).clamp(0.0, 1.0)
    return (t**3 * (10.0 - 15.0 * t + 6.0 * t * t)).prod(-1)


@dataclass(frozen=True)
class Refinement:
    """theta(x) = prod_a s(|x_a - c_a|), s from 1 within the region to 0 a `blend` beyond it: the share of a particle
    that the fine grid carries; the coarse one carries 1 - theta.

    The shape functions theta N_fine and (1 - theta) N_coarse sum to one, and sum (x_i - x_p) times them to zero, so
    that momentum and angular momentum are kept while matter passes. c: a fixed place, the middle of a body's matter,
    or that of a rigid body or collider. Along periodic axes the nearest image of the region counts.
    """

    fine: Grid
    half: tuple[float, ...]  # of the region's edges [m]
    blend: float  # [m]
    fixed: tuple[float, ...]  # place [m]; zeros where the region follows something
    weight: Tensor  # share of each particle in the place of the region [batch, particle]
    follows: int | None = None  # number of the rigid body or collider that it follows, among those that move

    @staticmethod
    def of(
        finer: Finer | None, grid: Grid, bodies: Sequence[BodyPart], obstacles: Obstacles, volume: Tensor
    ) -> Refinement | None:
        if finer is None:
            return None
        weight, follows = torch.zeros_like(volume), None
        fixed = (0.0,) * grid.dim
        moving = [obstacle.name for obstacle in obstacles.moving]
        if not isinstance(finer.around, str):
            fixed = tuple(float(x) for x in vector(finer.around))
        elif finer.around in moving:
            follows = moving.index(finer.around)
        else:
            part = next(body.slice for body in bodies if body.name == finer.around)
            weight[:, part] = volume[:, part] / volume[:, part].sum(1, keepdim=True)
        half = tuple(0.5 * edge for edge in finer.size)
        return Refinement(finer_grid(finer, grid), half, blend_of(finer, grid), fixed, weight, follows)

    @property
    def period(self) -> tuple[float, ...]:
        """Edge of the box along periodic axes [m], 0 along the others."""
        return self.fine.period

    def center(self, state: ParticleState) -> Tensor:
        """[batch, dim]"""
        led = 0.0 if self.follows is None else state.rigid[:, self.follows, : self.fine.dim]
        return state.position.new_tensor(self.fixed) + (self.weight[..., None] * state.position).sum(1) + led

    def away(self, state: ParticleState) -> Tensor:
        """From the middle of the region, its nearest image where there are several [batch, particle, dim]."""
        away, period = state.position - self.center(state)[:, None], state.position.new_tensor(self.period)
        return away - torch.where(period > 0, period * (away / period.clamp(min=1e-30)).round(), 0.0)

    def share(self, state: ParticleState) -> Tensor:
        """theta, [batch, particle]"""
        return share_at(self.away(state), self.half, self.blend)

    def spread(self, state: ParticleState, coarse: Grid) -> Tensor:
        """D of each particle, the second moment of its shape functions [m^2], [batch, particle]."""
        share = self.share(state)
        return coarse.scheme.spread * (share * self.fine.dx**2 + (1.0 - share) * coarse.dx**2)

    def near(self, state: ParticleState) -> Tensor:
        """Places of what the fine grid carries, the region's middle for the others [batch, particle, dim]."""
        return torch.where(self.share(state)[..., None] > 0.0, state.position, self.center(state)[:, None])
