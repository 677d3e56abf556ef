"""Polygons of any number of corners cut into triangles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut"]


def cut(points: NDArray[np.float64], polygons: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Triangles [T, 3], and the polygon [T] that each is a part of. Fewer than three corners make none.

    A quad is cut along the diagonal that leaves both halves on the same side, a polygon ear by ear, so that one with
    notches is cut rightly, too."""
    sizes = np.fromiter((len(p) for p in polygons), dtype=np.int64, count=len(polygons))
    parts: list[NDArray[np.int64]] = [np.empty((0, 3), dtype=np.int64)]
    homes: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    for size in np.unique(sizes[sizes >= 3]):
        which = np.flatnonzero(sizes == size)
        rows = np.array([polygons[n] for n in which.tolist()], dtype=np.int64)
        if rows.min() < 0 or rows.max() >= len(points):
            raise ValueError(f"faces ask for the points {rows.min()} to {rows.max()} of {len(points)}")
        if size == 3:
            triangles = rows[:, None]
        elif size == 4:
            triangles = halves(points, rows)
        else:
            triangles = np.array([ears(points[row], row) for row in rows])
        parts.append(triangles.reshape(-1, 3))
        homes.append(np.repeat(which, triangles.shape[1]))
    triangles, home = np.concatenate(parts), np.concatenate(homes)
    order = np.argsort(home, kind="stable")
    return triangles[order], home[order]


def halves(points: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c, d = points[rows].swapaxes(0, 1)
    across = (np.cross(b - a, c - a) * np.cross(c - a, d - a)).sum(axis=1)
    plain, other = rows[:, [[0, 1, 2], [0, 2, 3]]], rows[:, [[0, 1, 3], [1, 2, 3]]]
    return np.where((across < 0)[:, None, None], other, plain)


def ears(corners: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Always n - 2 triangles: where no ear is left, as in a polygon that crosses itself, the rest becomes a fan."""
    after = np.roll(corners, -1, axis=0)
    normal = np.cross(corners - corners[0], after - corners[0]).sum(axis=0)  # twice the area, by Newell
    drop = int(np.abs(normal).argmax())
    plane = np.delete(corners, drop, axis=1) * (1 if (normal[drop] > 0) != (drop == 1) else [1, -1])
    left, found = list(range(len(row))), []

    def turn(i: int, j: int, k: int) -> float:
        (x0, y0), (x1, y1), (x2, y2) = plane[i], plane[j], plane[k]
        return float((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))

    def is_ear(i: int, j: int, k: int) -> bool:
        if turn(i, j, k) <= 0:
            return False
        others = (n for n in left if n not in (i, j, k))
        return not any(turn(i, j, n) >= 0 and turn(j, k, n) >= 0 and turn(k, i, n) >= 0 for n in others)

    while len(left) > 3:
        around = range(len(left))
        at = next((m for m in around if is_ear(left[m - 1], left[m], left[(m + 1) % len(left)])), None)
        if at is None:
            break
        found.append((left[at - 1], left[at], left[(at + 1) % len(left)]))
        del left[at]
    found += [(left[0], left[m], left[m + 1]) for m in range(1, len(left) - 1)]
    return row[np.array(found)]
