"""OFF: counts, vertices and polygons as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scenegrad.engine.geometry.readers.elements import Elements, collected, damaged
from scenegrad.engine.geometry.readers.polygons import cut

__all__ = ["read"]


def read(path: Path) -> Elements:
    """What stands after the corners of a face, its colour, is passed over, and so are normals and colours of
    vertices."""
    rows = [line.partition("#")[0].split() for line in path.read_text("utf-8", "replace").splitlines()]
    rows = [row for row in rows if row]
    if not rows or not rows[0][0].upper().endswith("OFF"):
        raise damaged(path, "it does not begin with OFF")
    rows = [rows[0][1:], *rows[1:]] if len(rows[0]) > 1 else rows[1:]
    if not rows or len(rows[0]) < 2:
        raise damaged(path, "it does not tell how many vertices and faces it has")
    vertices, faces = int(rows[0][0]), int(rows[0][1])
    if min(vertices, faces) < 0 or len(rows) < 1 + vertices + faces:
        raise damaged(path, f"it promises {vertices} vertices and {faces} faces, and has {len(rows) - 1} lines")
    points = np.array([row[:3] for row in rows[1 : 1 + vertices]], dtype=np.float64).reshape(vertices, -1)
    polygons = [[int(word) for word in row[: 1 + int(row[0])]] for row in rows[1 + vertices : 1 + vertices + faces]]
    if any(len(polygon) != 1 + polygon[0] for polygon in polygons):
        raise damaged(path, "a face has fewer corners than it says")
    return collected(path, points, [("triangle", cut(points, [polygon[1:] for polygon in polygons])[0], {})])
