"""The walls of a scene and the sides of its box, as masses meet them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.domain import AXES, Coulomb, Separate, SideCondition
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Wall
from scenegrad.scenes.values import number
from scenegrad.solvers.mass_spring.truss import Face

__all__ = ["SERVED", "faces", "walls_of"]

SERVED = (Separate, Coulomb)


def walls_of(scene: Scene) -> dict[str, tuple[np.ndarray, float, SideCondition]]:
    """Unit normal, offset [m] and condition of every wall and every side, by the address of the condition's owner."""
    assert scene.domain.size is not None
    dim = len(scene.domain.size)
    found: dict[str, tuple[np.ndarray, float, SideCondition]] = {}
    for axis, length in enumerate(scene.domain.size):
        for end, sign, offset in (("lo", 1.0, 0.0), ("hi", -1.0, -length)):
            names = [
                n for n in (f"{AXES[axis]}_{end}", AXES[axis], "default") if getattr(scene.boundary, n) is not None
            ]
            condition = scene.at(f"boundary.{names[0]}") if names else Separate()
            found[f"boundary.{AXES[axis]}_{end}"] = (sign * np.eye(dim)[axis], offset, condition)
    for name, wall in scene.entities.items():
        if isinstance(wall, Wall):
            normal = np.array(wall.normal) / np.linalg.norm(wall.normal)
            found[name] = (normal, number(wall.offset), wall.contact)
    return found


def faces(scenes: Sequence[Scene], like: Tensor) -> tuple[Face, ...]:
    """like: a tensor of the wanted device and precision."""
    members, found = [walls_of(scene) for scene in scenes], []
    for name, (_, _, condition) in members[0].items():
        entity = name in scenes[0].entities
        normal = torch.from_numpy(np.stack([walls[name][0] for walls in members])).to(like)
        offset = torch.tensor([walls[name][1] for walls in members]).to(like)
        friction: str | Tensor = torch.zeros_like(offset)
        if isinstance(condition, Coulomb):
            friction = f"{name}.contact.friction" if entity else f"{owner(scenes[0], name)}.friction"
        found.append(Face(normal, f"{name}.offset" if entity else offset, friction))
    return tuple(found)


def owner(scene: Scene, side: str) -> str:
    """The field of the boundary that speaks for one side of the box."""
    names = (side, side.rpartition("_")[0], "boundary.default")
    return next(name for name in names if getattr(scene.boundary, name.partition(".")[2]) is not None)
