"""How much of the world a picture of particles takes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.frames import PlacedFrames
from scenegrad.view.h5md import AtomFrames
from scenegrad.view.setting import Setting, Wall
from scenegrad.view.solids import PlacedSolid

__all__ = ["flat_extent", "floor_level", "outlined", "room_of", "some_frames", "subject", "touched_sides"]

Array = NDArray[np.float64]

GROUND = 0.4  # ground around the particles, in parts of the breadth they need
MOST = 0.7  # of the box, along each axis
AROUND = 0.6  # how far beyond the particles solids are looked at, in parts of the length they need
SPARSE = 0.45  # of a box, along each axis; what reaches through less is looked at from nearer
CLOSE_UP = 0.15  # around what is looked at from nearer, in parts of the length it needs
MARGIN = 0.06  # around what is in the plane, where there is no box
TOUCHING = 0.1  # distance from a side of the box at which matter touches it, in parts of the length it needs
ABOVE = 0.25  # how far sides rise above the matter, in parts of the length it needs
LOOKED_AT = 16  # frames that decide what the eye takes in


def some_frames(frames: PlacedFrames, many: int = LOOKED_AT) -> list[int]:
    """A few frames from the first to the last."""
    return sorted({round(k) for k in np.linspace(0, len(frames.times) - 1, many)})


def reach(frames: PlacedFrames) -> Array:
    """What the particles ever reach [2, 3]."""
    places = [frames.positions(index) for index in some_frames(frames)]
    return np.stack([np.min([p.min(axis=0) for p in places], axis=0), np.max([p.max(axis=0) for p in places], axis=0)])


def room_of(frames: PlacedFrames) -> Array:
    """The box of the scene or of the atoms; without one, room around what the particles ever reach [2, 3]."""
    if isinstance(frames, AtomFrames):
        box = np.zeros((2, 3))
        box[1, : frames.dim] = frames.box(0)
        endless = np.flatnonzero(box[1, : frames.dim] == 0.0)
        if len(endless):
            around = CLOSE_UP if len(endless) == frames.dim == 3 else AROUND
            box[:, endless] = with_room(reach(frames), frames.dim, around)[:, endless]
        return box if fills(frames, box) else with_room(reach(frames), frames.dim, CLOSE_UP)
    if frames.setting.box is not None:
        return frames.setting.box
    return with_room(reach(frames), frames.dim)


def fills(frames: PlacedFrames, box: Array) -> bool:
    """Whether particles reach through a good part of a box along some axis; a molecule alone does not."""
    extent = np.ptp(reach(frames), axis=0)[: frames.dim]
    return bool(np.any(extent > SPARSE * np.ptp(box, axis=0)[: frames.dim]))


def outlined(frames: AtomFrames, stage: Array) -> bool:
    """Whether the stage is the box of the atoms, which may be endless along some axes."""
    edges = frames.box(0)
    return bool(edges.any() and np.all((edges == 0.0) | np.isclose(edges, np.ptp(stage, axis=0)[: frames.dim])))


def with_room(found: Array, dim: int, around: float = AROUND) -> Array:
    """A region [2, 3] and some room around it."""
    sides = np.zeros(3)
    sides[:dim] = around * float(np.ptp(found, axis=0).max())
    return found + np.stack([-sides, sides])


def occupied(frames: PlacedFrames, solids: Sequence[PlacedSolid], radius: float) -> Array:
    """What particles and solids ever take [2, 3]; of solids only what is near the particles."""
    found = reach(frames) + np.array([[-radius], [radius]])
    around = AROUND * float(np.ptp(found, axis=0).max())
    near = found + np.array([[-around], [around]])
    for one in solids:
        for index in some_frames(frames):
            points = one.points(index)
            low, high = np.clip(points.min(axis=0), *near), np.clip(points.max(axis=0), *near)
            found = np.stack([np.minimum(found[0], low), np.maximum(found[1], high)])
    return found


def flat_extent(frames: PlacedFrames, solids: Sequence[PlacedSolid], radius: float) -> Array:
    """The part of the plane in the picture [2, 3]: the box; without one, what is taken and a margin, and the ground."""
    if frames.setting.box is not None:
        return frames.setting.box
    found = occupied(frames, solids, radius)
    found[0, 1] = min(found[0, 1], floor_level(frames.setting, found))
    sides = np.array([1.0, 1.0, 0.0]) * MARGIN * float(np.ptp(found, axis=0).max())
    found += np.stack([-sides, sides])
    found[:, 2] = 0.0
    return found


def subject(frames: PlacedFrames, solids: Sequence[PlacedSolid], radius: float) -> Array:
    """What the eye should take in [2, 3]: all places of particles and solids down to the floor, and some ground.

    Where they need most of the box, it is the box itself."""
    found, box = occupied(frames, solids, radius), frames.setting.box
    if box is not None and np.all(found[1] - found[0] > MOST * (box[1] - box[0])):
        return box
    up = np.asarray(frames.setting.up)
    axis = int(np.argmax(np.abs(up)))
    below = 0 if up[axis] > 0 else 1
    margin = np.full(3, GROUND * float(np.max(np.delete(found[1] - found[0], axis))))
    margin[axis] = 0.0
    stage = found + np.stack([-margin, margin])
    if box is not None:
        stage = np.stack([np.maximum(stage[0], box[0]), np.minimum(stage[1], box[1])])
    stage[below, axis] = floor_level(frames.setting, stage if box is None else box)
    return stage


def touched_sides(frames: PlacedFrames, stage: Array) -> tuple[Array, list[Wall]]:
    """The upright sides of the box that the particles ever meet; and the stage, with room above for the sides.

    A side that leads to the opposite one is none."""
    box, found, wraps = frames.setting.box, reach(frames), frames.setting.periodic
    if box is None:
        return stage, []
    up = int(np.argmax(np.abs(frames.setting.up)))
    size = float(np.ptp(found, axis=0).max())
    walls = []
    for axis in (axis for axis in range(3) if axis != up and not (wraps and wraps[axis])):
        for side, inward in ((0, 1.0), (1, -1.0)):
            if inward * (found[side, axis] - box[side, axis]) < TOUCHING * size:
                normal = inward * np.eye(3)[axis]
                walls.append(Wall(tuple(normal), float(inward * box[side, axis])))
    if walls:
        top = 1 if frames.setting.up[up] > 0 else 0
        stage = stage.copy()
        stage[top, up] = np.clip(stage[top, up] + (2 * top - 1) * ABOVE * size, *box[:, up])
    return stage, walls


def floor_level(setting: Setting, box: Array) -> float:
    """Height of the highest wall that lies level, or else of the bottom of [2, 3]."""
    up = np.asarray(setting.up if setting.dim != 2 else (0.0, 1.0, 0.0))
    axis = int(np.argmax(np.abs(up)))
    if up[axis] < 0:
        return float(box[1, axis])
    level = []
    for wall in setting.walls:
        normal = np.pad(np.asarray(wall.normal, dtype=np.float64), (0, 3 - len(wall.normal)))
        if normal @ up > 0.99 * np.linalg.norm(normal):
            level.append(wall.offset / float(np.linalg.norm(normal)))
    if setting.box is not None or not level:
        level.append(float(box[0, axis]))
    return max(level)
