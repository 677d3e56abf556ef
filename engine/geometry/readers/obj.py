"""OBJ: vertices and polygons in lines of text, under names of objects and groups."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from scenegrad.engine.geometry.readers.elements import Elements, collected, damaged
from scenegrad.engine.geometry.readers.polygons import cut

__all__ = ["read"]


def read(path: Path) -> Elements:
    """Indices count from 1, negative ones back from the last vertex before them. Textures and normals are passed over,
    and so is all that is no polygon or polyline. Groups are named by `g` and by `o`."""
    vertices: list[list[str]] = []
    polygons: list[list[int]] = []
    segments: list[tuple[int, int]] = []
    groups: dict[str, list[int]] = {}
    current: dict[str, list[str]] = {"o": [], "g": []}
    text = path.read_bytes().decode("utf-8", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        match words[0]:
            case "v":
                if len(words) < 4:
                    raise damaged(path, f"line {number} is a vertex of {len(words) - 1} numbers")
                vertices.append(words[1:4])
            case "f" | "l":
                corners = [vertex(path, number, word, len(vertices)) for word in words[1:]]
                if words[0] == "l":
                    segments += pairwise(corners)
                    continue
                for name in dict.fromkeys([*current["o"], *current["g"]]):
                    groups.setdefault(name, []).append(len(polygons))
                polygons.append(corners)
            case "o":
                current["o"] = [" ".join(words[1:])] if len(words) > 1 else []
            case "g":
                current["g"] = words[1:]
            case _:
                pass
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    triangles, home = cut(points, polygons)
    marks = {name: np.flatnonzero(np.isin(home, rows)) for name, rows in groups.items()}
    lines = np.array(segments, dtype=np.int64).reshape(-1, 2)
    return collected(path, points, [("triangle", triangles, marks), ("line", lines, {})])


def vertex(path: Path, number: int, word: str, known: int) -> int:
    try:
        index = int(word.partition("/")[0])
    except ValueError:
        index = 0
    if index == 0 or index < -known:
        raise damaged(path, f"line {number} asks for the vertex {word[:40]!r}, and {known} have come before it")
    return index - 1 if index > 0 else known + index
