"""Particles that leave the grid: nothing can be said of them, so the run ends and says which one went where."""

from __future__ import annotations

import torch
from torch import Tensor

from scenegrad.engine.errors import Diverged
from scenegrad.scenes.domain import AXES
from scenegrad.solvers.mpm.grid import PAD, Grid
from scenegrad.solvers.mpm.tables import BodyPart

__all__ = ["refuse_escaped", "refuse_lost"]


def refuse_escaped(position: Tensor, grid: Grid, bodies: tuple[BodyPart, ...]) -> None:
    """Diverged where a particle is so far outside the box that its nodes may soon be missing."""
    margin = (PAD - 1) * grid.dx
    size = position.new_tensor([n * grid.dx for n in grid.cells])
    solid = torch.tensor([not wrap for wrap in grid.wraps], device=position.device)
    out = (((position < -margin) | (position > size + margin)) & solid).any(-1)
    if bool(out.any()):
        member, particle = (int(i) for i in torch.nonzero(out)[0])
        raise escaped(member, particle, position, grid, bodies)


def refuse_lost(lost: Tensor, position: Tensor, grid: Grid, bodies: tuple[BodyPart, ...]) -> None:
    """The same for particles that a step found without nodes; lost: number plus one [batch], 0 where there is none."""
    if bool(lost.any()):
        member = int(torch.nonzero(lost)[0])
        particle = int(lost[member]) - 1
        lost.zero_()
        raise escaped(member, particle, position, grid, bodies)


def escaped(member: int, particle: int, position: Tensor, grid: Grid, bodies: tuple[BodyPart, ...]) -> Diverged:
    place = [float(x) for x in position[member, particle]]
    body = next(body.name for body in bodies if body.first <= particle < body.end)
    sides = [
        f"{AXES[axis]}_{'lo' if x < 0 else 'hi'}"
        for axis, x in enumerate(place)
        if not grid.wraps[axis] and not 0 <= x <= grid.dx * grid.cells[axis]
    ]
    return Diverged(
        f"A particle left the domain through {' and '.join(sides) or 'its side'}: particle {particle} of member "
        f"{member} ({body}) is at ({', '.join(f'{x:.6g}' for x in place)}), the domain ends at "
        f"({', '.join(f'{n * grid.dx:.6g}' for n in grid.cells)}). Enlarge the domain, add a wall, or look whether the "
        f"matter is too soft for the speed at which it meets the side.",
        (member,),
    )
