"""What stands around the matter: the outline of the box, the floor and other walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.letters import ticks
from scenegrad.view.setting import Setting, Wall

if TYPE_CHECKING:
    import pyvista

__all__ = ["add_box", "add_walls", "cut"]

LINE = "#b0b0b0"
FLOOR = "#ececea"
TILE = "#c9c9c6"


def add_box(plotter: pyvista.Plotter, box: NDArray[np.float64]) -> None:
    """The twelve edges of [2, 3]."""
    import pyvista

    edges = pyvista.Box(bounds=box.T.ravel()).extract_all_edges()
    plotter.add_mesh(edges, color=LINE, line_width=1.2, lighting=False, pickable=False, reset_camera=False)


def add_walls(plotter: pyvista.Plotter, setting: Setting, box: NDArray[np.float64], sides: Sequence[Wall] = ()) -> None:
    """Where matter may not go: a plane in three dimensions, the ground behind it in two. sides: more planes.

    A scene in space that names no wall has a floor below, where its box ends."""
    import pyvista

    flat = setting.dim == 2
    walls = setting.walls
    if not walls and not flat and not setting.endless:
        up = np.asarray(setting.up)
        lowest = float(np.min(np.stack([box[0] * up, box[1] * up]), axis=0).sum())
        walls = (Wall(tuple(up), lowest),)
    for wall in (*walls, *sides):
        normal = np.pad(np.asarray(wall.normal, dtype=np.float64), (0, 3 - len(wall.normal)))
        offset = wall.offset
        polygon = cut_rectangle(box, normal, offset) if flat else cut(box, normal, offset)
        if len(polygon) < 3:
            continue
        if flat:
            polygon[:, 2] = -1e-3 * float(np.ptp(box, axis=0).max())
        face = pyvista.PolyData(polygon, faces=[len(polygon), *range(len(polygon))])
        plotter.add_mesh(
            face, color=FLOOR, lighting=not flat, ambient=0.75, diffuse=0.25, pickable=False, reset_camera=False
        )
        if not flat:
            add_tiles(plotter, polygon, normal)


def add_tiles(plotter: pyvista.Plotter, polygon: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
    """Lines at round numbers on a level floor, to see by how far things are and move; nothing on a slope."""
    import pyvista

    axis = int(np.argmax(np.abs(normal)))
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    if np.count_nonzero(normal) != 1 or low[axis] != high[axis]:
        return
    a, b = (other for other in range(3) if other != axis)
    step = float(np.diff(ticks(0.0, float(max(high[a] - low[a], high[b] - low[b])), about=8))[0])
    level = low[axis] + 1e-3 * step * float(np.sign(normal[axis]))
    ends: list[NDArray[np.float64]] = []
    for along, over in ((a, b), (b, a)):
        for mark in step * np.arange(np.ceil(low[over] / step), np.floor(high[over] / step) + 1):
            pair = np.stack([low, high])
            pair[:, over], pair[:, axis] = mark, level
            pair[:, along] = low[along], high[along]
            ends.extend(pair)
    if ends:
        rows = np.insert(np.arange(len(ends)).reshape(-1, 2), 0, 2, axis=1).ravel()
        plotter.add_mesh(
            pyvista.PolyData(np.array(ends), lines=rows), color=TILE, lighting=False, line_width=1.0, pickable=False,
            reset_camera=False,
        )  # fmt: skip


def cut(box: NDArray[np.float64], normal: NDArray[np.float64], offset: float) -> NDArray[np.float64]:
    """The polygon [corner, 3] in which the plane normal . x = offset cuts the box [2, 3]; empty where it misses."""
    corners = np.stack(np.meshgrid(*box.T, indexing="ij"), -1).reshape(-1, 3)
    size = float(np.linalg.norm(box[1] - box[0]))
    height = (corners @ normal - offset) / np.linalg.norm(normal)
    height[np.abs(height) < 1e-9 * size] = 0.0
    points = [corners[height == 0.0]]
    for a in range(8):
        for b in (a ^ 1, a ^ 2, a ^ 4):  # the corners are numbered in binary, so that an edge changes one bit
            if a < b and height[a] * height[b] < 0:
                part = height[a] / (height[a] - height[b])
                points.append((corners[a] + part * (corners[b] - corners[a]))[None])
    found = np.concatenate(points)
    if len(found) < 3:
        return np.empty((0, 3))
    middle = found.mean(axis=0)
    first = found[0] - middle
    second = np.cross(normal, first)
    spokes = found - middle
    turn: NDArray[np.float64] = found[np.argsort(np.arctan2(spokes @ second / np.linalg.norm(normal), spokes @ first))]
    return turn


def cut_rectangle(box: NDArray[np.float64], normal: NDArray[np.float64], offset: float) -> NDArray[np.float64]:
    """The part of the rectangle where normal . x <= offset, as a polygon [corner, 3]."""
    (x0, y0, _), (x1, y1, _) = box
    corners = np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])
    height = corners @ normal - offset
    kept: list[NDArray[np.float64]] = []
    for here, there, h, k in zip(corners, np.roll(corners, -1, axis=0), height, np.roll(height, -1), strict=True):
        if h <= 0:
            kept.append(here)
        if h * k < 0:
            kept.append(here + h / (h - k) * (there - here))
    return np.array(kept).reshape(-1, 3)
