"""STL: a soup of triangles, as text or as 50 bytes each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from scenegrad.engine.geometry.readers.elements import Elements, collected, damaged

__all__ = ["read"]

HEAD = 84  # bytes before the first triangle: a title, and their number
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
VERTEX = re.compile(rb"^\s*vertex\s+(\S+)\s+(\S+)\s+(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
SOLID = re.compile(rb"^\s*(solid|endsolid)\b[ \t]*([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def read(path: Path) -> Elements:
    """Files that begin with `solid` are often binary all the same: their length tells."""
    content = path.read_bytes()
    count = int.from_bytes(content[80:HEAD], "little") if len(content) >= HEAD else -1
    if count >= 0 and len(content) == HEAD + TRIANGLE.itemsize * count:
        corners = np.frombuffer(content, TRIANGLE, count, HEAD)["corners"].astype(np.float64)
        return soup(path, corners, {})
    if not content[:512].lstrip().lower().startswith(b"solid") or b"\0" in content[:512]:
        raise damaged(
            path, f"its head promises {count} triangles, and its length is another" if count >= 0 else "it has no head"
        )
    found = VERTEX.findall(content)
    if not content.rstrip().lower().rpartition(b"\n")[2].lstrip().startswith(b"endsolid"):
        raise damaged(path, "the text does not end with `endsolid`")
    if len(found) % 3 or len(found) != 3 * len(re.findall(rb"^\s*facet\b", content, re.MULTILINE | re.IGNORECASE)):
        raise damaged(path, f"the text has {len(found)} vertices, which are not three to each facet")
    return soup(path, np.array(found, dtype=np.float64).reshape(-1, 3, 3), solids(content))


def soup(path: Path, corners: np.ndarray, groups: dict[str, np.ndarray]) -> Elements:
    rows = np.arange(3 * len(corners)).reshape(-1, 3)
    return collected(path, corners.reshape(-1, 3), [("triangle", rows, groups)])


def solids(content: bytes) -> dict[str, np.ndarray]:
    """The triangles of each named solid, where the text has several."""
    ends = [(m.start(), m.group(2).decode("utf-8", "replace").strip()) for m in SOLID.finditer(content)
            if m.group(1).lower() == b"solid"]  # fmt: skip
    if len(ends) < 2:
        return {}
    starts = np.array([start for start, _ in ends])
    facets = np.array([m.start() for m in re.finditer(rb"^\s*facet\b", content, re.MULTILINE | re.IGNORECASE)])
    home = np.searchsorted(starts, facets, side="right") - 1
    found: dict[str, np.ndarray] = {}
    for number, (_, name) in enumerate(ends):
        rows = np.flatnonzero(home == number)
        found[name or str(number + 1)] = np.concatenate([found.get(name or str(number + 1), rows[:0]), rows])
    return found
