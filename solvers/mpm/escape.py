"""Particles of which nothing can be said, off the grid or inside out: the run ends and says which one went where."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor

from scenegrad.engine.errors import Diverged
from scenegrad.scenes.domain import AXES
from scenegrad.solvers.mpm.grid.grid import PAD, Grid
from scenegrad.solvers.mpm.tables import BodyPart

__all__ = ["refuse_escaped", "refuse_inverted", "refuse_lost"]


def refuse_escaped(position: Tensor, grid: Grid, bodies: tuple[BodyPart, ...]) -> None:
    """Diverged where a particle is so far outside the box that its nodes may soon be missing."""
    if grid.unbounded:
        return
    margin = (PAD - 1) * grid.dx
    size = position.new_tensor([n * grid.dx for n in grid.cells])
    solid = torch.tensor([not wrap for wrap in grid.wraps], device=position.device)
    out = (((position < -margin) | (position > size + margin)) & solid).any(-1)
    if bool(out.any()):
        member, particle = (int(i) for i in torch.nonzero(out)[0])
        raise escaped(member, particle, position, grid, bodies)


def refuse_inverted(deformation: Tensor, position: Tensor, bodies: tuple[BodyPart, ...]) -> None:
    """Diverged where matter is turned inside out or pressed into nothing, det F <= 0.

    F is a factor I + dt C in each step, whose determinant is positive while matter crosses less than a cell: what is
    inverted was so from the start, or followed too large a step."""
    inverted = determinant(deformation) <= 0.0
    if bool(inverted.any()):
        member, particle = (int(i) for i in torch.nonzero(inverted)[0])
        raise Diverged(
            f"A particle is inside out: det F = {float(determinant(deformation[member, particle])):.4g} for particle "
            f"{particle} of member {member} ({body_of(particle, bodies)}) at "
            f"({', '.join(f'{float(x):.6g}' for x in position[member, particle])}), and for "
            f"{int(inverted.sum()) - 1} more; a deformation has det F > 0. In a state of your own, begin with F = 1 "
            f"where matter is undeformed; in a run, take a smaller dt or cfl.",
            (member,),
        )


def determinant(F: Tensor) -> Tensor:
    """[..., dim, dim] -> [...], several times as fast as a factorisation"""
    if F.shape[-1] == 2:
        return F[..., 0, 0] * F[..., 1, 1] - F[..., 0, 1] * F[..., 1, 0]
    return (F[..., 0] * torch.linalg.cross(F[..., 1], F[..., 2])).sum(-1)


def refuse_lost(lost: Tensor, position: Tensor, grid: Grid, bodies: tuple[BodyPart, ...]) -> None:
    """The same for particles that a step found without nodes; lost: number plus one [batch], 0 where there is none."""
    if bool(lost.any()):
        member = int(torch.nonzero(lost)[0])
        particle = int(lost[member]) - 1
        lost.zero_()
        raise escaped(member, particle, position, grid, bodies)


def escaped(member: int, particle: int, position: Tensor, grid: Grid, bodies: tuple[BodyPart, ...]) -> Diverged:
    place = [float(x) for x in position[member, particle]]
    if grid.unbounded or not all(map(isfinite, place)):
        return Diverged(
            f"A particle went where the numbers end: particle {particle} of member {member} "
            f"({body_of(particle, bodies)}) is at ({', '.join(f'{x:.6g}' for x in place)}). Take a smaller dt or cfl, "
            f"or look what threw it.",
            (member,),
        )
    sides = [
        f"{AXES[axis]}_{'lo' if x < 0 else 'hi'}"
        for axis, x in enumerate(place)
        if not grid.wraps[axis] and not 0 <= x <= grid.dx * grid.cells[axis]
    ]
    return Diverged(
        f"A particle left the domain through {' and '.join(sides) or 'its side'}: particle {particle} of member "
        f"{member} ({body_of(particle, bodies)}) is at ({', '.join(f'{x:.6g}' for x in place)}), the domain ends at "
        f"({', '.join(f'{n * grid.dx:.6g}' for n in grid.cells)}). Enlarge the domain, add a wall, or look whether the "
        f"matter is too soft for the speed at which it meets the side.",
        (member,),
    )


def body_of(particle: int, bodies: tuple[BodyPart, ...]) -> str:
    return next(body.name for body in bodies if body.first <= particle < body.end)
