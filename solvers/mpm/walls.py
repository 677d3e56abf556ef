"""From the walls of a scene and the sides of its box to what the solver does at them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.domain import AXES, Coulomb, Periodic, Separate, SideCondition, Slip, Stick
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Wall
from scenegrad.scenes.values import number
from scenegrad.solvers.mpm.grid.grid import Clinging, Grid
from scenegrad.solvers.mpm.tables import Face

__all__ = ["LEAVABLE", "SERVED", "clinging", "faces", "periodic_axes", "side", "side_address"]

LEAVABLE = (Separate, Coulomb)  # contact of particles
SERVED = (Stick, Slip, *LEAVABLE)


def side_address(scene: Scene, axis: int, end: str) -> str | None:
    """Where the boundary says what one side of the box does; None where it says nothing."""
    boundary = scene.boundary
    names = (f"{AXES[axis]}_{end}", AXES[axis], "default")
    return next((f"boundary.{name}" for name in names if getattr(boundary, name) is not None), None)


def side(scene: Scene, axis: int, end: str) -> SideCondition:
    """What one side of the box does. A box of which nothing is said lets matter come off its sides without friction."""
    if scene.domain.wraps[axis]:
        return Periodic()
    address = side_address(scene, axis, end)
    return Separate() if address is None else scene.at(address)


def periodic_axes(scene: Scene) -> tuple[bool, ...]:
    dim = len(scene.domain.wraps)
    return tuple(any(isinstance(side(scene, axis, end), Periodic) for end in ("lo", "hi")) for axis in range(dim))


def walls_of(scene: Scene) -> dict[str, tuple[np.ndarray, float, SideCondition, str | None]]:
    """Unit normal, offset [m], condition and its address, of every wall and every side, by name."""
    size = scene.domain.size or ()  # none of a domain without sides
    found: dict[str, tuple[np.ndarray, float, SideCondition, str | None]] = {}
    for axis, length in enumerate(size):
        for end, sign, offset in (("lo", 1.0, 0.0), ("hi", -1.0, -length)):
            condition = side(scene, axis, end)
            if not isinstance(condition, Periodic):
                normal = sign * np.eye(len(size))[axis]
                found[f"boundary.{AXES[axis]}_{end}"] = (normal, offset, condition, side_address(scene, axis, end))
    for name, wall in scene.entities.items():
        if isinstance(wall, Wall):
            normal = np.array(wall.normal) / np.linalg.norm(wall.normal)
            found[name] = (normal, number(wall.offset), wall.contact, f"{name}.contact")
    return found


def faces(scenes: Sequence[Scene], like: Tensor) -> tuple[Face, ...]:
    """Walls that matter can leave; like: a tensor of the wanted device and precision."""
    members = [walls_of(scene) for scene in scenes]
    sides = {f"boundary.{letter}_{end}": (axis, end) for axis, letter in enumerate(AXES) for end in ("lo", "hi")}
    found = []
    for name, (_, _, condition, address) in members[0].items():
        if not isinstance(condition, LEAVABLE):
            continue
        normals = np.stack([walls[name][0] for walls in members])
        offsets = torch.tensor([walls[name][1] for walls in members], dtype=torch.float64, device=like.device)
        found.append(
            Face(
                name,
                torch.from_numpy(normals).to(like.device, like.dtype),
                f"{name}.offset" if name in scenes[0].entities else offsets,
                f"{address}.friction" if isinstance(condition, Coulomb) else torch.zeros_like(offsets),
                sides.get(name),
            )
        )
    return tuple(found)


def clinging(scene: Scene, grid: Grid) -> tuple[Clinging, ...]:
    """Walls that matter cannot leave."""
    return tuple(
        Clinging(tuple(float(x) for x in normal), offset, isinstance(condition, Stick), name)
        for name, (normal, offset, condition, _) in walls_of(scene).items()
        if isinstance(condition, Stick | Slip)
    )
