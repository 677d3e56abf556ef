"""What a flow does to the obstacles in it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.navier_stokes.finite_volume.grid import Grid
from scenegrad.solvers.navier_stokes.finite_volume.laws import Law
from scenegrad.solvers.navier_stokes.finite_volume.obstacles import Obstacles
from scenegrad.solvers.navier_stokes.finite_volume.state import FlowState

__all__ = ["Forces"]

TINY = 1e-12  # share of a face; what wall.py takes for no wall


@dataclass(frozen=True)
class Forces:
    """The reaction to what walls give the cells that they cut, see wall.py: all that an obstacle takes from the flow,
    pressure and friction, so that momentum is kept. A cell belongs to the obstacle that is nearest."""

    law: Law
    grid: Grid
    obstacles: Obstacles
    constant: str  # its address
    viscosity: str | None  # its address

    def __call__(self, state: FlowState, params: Params, body: str, about: Tensor) -> tuple[Tensor, Tensor]:
        """Force [batch, dim] and torque about a place of each member, [batch] in two dimensions, [batch, 3] in
        three, nothing in one. about: [batch, dim].
        Of a gas in newtons, per metre of depth in two dimensions; of water over its density."""
        push, places = self.pushes(state, params), self.grid.middles().flatten(0, -2).to(state.conserved.device)
        mine = (self.nearest(params) == self.obstacles.names.index(body))[..., None]
        force = -torch.where(mine, push, 0.0) * self.grid.volume
        away = places - about.to(places)[:, None]
        if self.grid.dim == 3:
            return force.sum(1), torch.linalg.cross(away.expand_as(force), force).sum(1)
        if self.grid.dim == 2:
            return force.sum(1), (away[..., 0] * force[..., 1] - away[..., 1] * force[..., 0]).sum(1)
        return force.sum(1), force.new_zeros(len(force), 0)

    def pushes(self, state: FlowState, params: Params) -> Tensor:
        """Of walls on cells, per volume [batch, cell, dim]."""
        u, k, dim = state.conserved.double().flatten(2), params[self.constant].double(), self.grid.dim
        w, area = self.law.primitive(u, k), self.areas(params)
        square = area.square().sum(-1)
        wall = square > TINY**2
        size = torch.where(wall, square, 1.0).sqrt()
        velocity = w[:, 1 : 1 + dim].movedim(1, -1)
        pressure = stopped(self.law, w, -(area * velocity).sum(-1) / size, k[:, None])
        push = pressure[..., None] * area
        if self.viscosity is not None:
            rub = 2.0 * params[self.viscosity].double()[:, None] * size / min(self.grid.spacing)
            push = push - rub[..., None] * velocity
        return torch.where(wall[..., None], push, 0.0)

    def areas(self, params: Params) -> Tensor:
        """Of walls, towards the flow, per volume [batch, cell, dim]"""
        axes = self.shares(self.obstacles.open(params))
        return torch.stack([(high - low) / h for (low, high), h in zip(axes, self.grid.spacing, strict=True)], dim=-1)

    def nearest(self, params: Params) -> Tensor:
        """The number of the obstacle that is nearest to the faces of each cell [batch, cell]."""
        found = [
            torch.stack([low + high for low, high in self.shares(phi)]).sum(0)
            for phi in self.obstacles.phi(params.detach())
        ]
        return torch.stack(found).argmin(0)

    def shares(self, faces: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of the low and the high face of each cell along each axis, from [batch, dim, padded cell]."""
        grid = self.grid
        field = faces.view(-1, grid.dim, *grid.padded[: grid.dim])
        inner, found = [slice(grid.ghosts, grid.ghosts + n) for n in grid.cells], []
        for axis, n in enumerate(grid.cells):
            ends = []
            for shift in (0, 1):
                where = [*inner]
                where[axis] = slice(grid.ghosts + shift, grid.ghosts + shift + n)
                ends.append(field[:, axis][(slice(None), *where)].flatten(1))
            found.append((ends[0], ends[1]))
        return found


def stopped(law: Law, w: Tensor, into: Tensor, k: Tensor) -> Tensor:
    """Pressure of what is brought to rest at a wall that it meets with the speed `into`, as the kernels have it
    [batch, cell]; of water over its density."""
    if law.name != "gas":
        wave = ((k * w[:, 0]).clamp(min=1e-300).sqrt() + 0.5 * into).clamp(min=0.0)
        return 0.5 * wave**4 / k
    mach = into * (w[:, 0] / (k * w[:, -1])).sqrt()
    shock, fan = mach.clamp(min=0.0), mach.clamp(max=0.0)
    slope = 0.25 * (k + 1.0) * shock
    left = (1.0 + 0.5 * (k - 1.0) * fan).clamp(min=0.0)
    return w[:, -1] * (1.0 + k * shock * (slope + (1.0 + slope.square()).sqrt())) * left ** (2.0 * k / (k - 1.0))
