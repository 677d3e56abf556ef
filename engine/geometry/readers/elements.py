"""Points, elements and groups, in the one form that every reader gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError

__all__ = ["Elements", "Indices", "collected", "damaged", "unsupported"]

Indices = NDArray[np.int64]
Block = tuple[str, NDArray[Any], Mapping[str, Indices]]  # kind, corners [n, corner], rows under each group

CORNERS = {  # element of any order -> (its first-order name, its corners in the order of that name)
    **dict.fromkeys(["line", "line3", "line4"], ("line", [0, 1])),
    **dict.fromkeys(["triangle", "triangle6", "triangle7", "triangle10"], ("triangle", [0, 1, 2])),
    **dict.fromkeys(["quad", "quad8", "quad9", "quad16"], ("quad", [0, 1, 2, 3])),
    "pixel": ("quad", [0, 1, 3, 2]),
    **dict.fromkeys(["tetra", "tetra10", "tetra20"], ("tetra", [0, 1, 2, 3])),
    **dict.fromkeys(["hexahedron", "hexahedron20", "hexahedron24", "hexahedron27"], ("hexahedron", [*range(8)])),
    "voxel": ("hexahedron", [0, 1, 3, 2, 4, 5, 7, 6]),
    **dict.fromkeys(["wedge", "wedge15", "wedge18"], ("hexahedron", [0, 1, 2, 2, 3, 4, 5, 5])),
    **dict.fromkeys(["pyramid", "pyramid13", "pyramid14"], ("hexahedron", [0, 1, 2, 3, 4, 4, 4, 4])),
}
POINTLIKE = {"vertex", "poly_vertex"}  # marks in the file, no part of a body


@dataclass(frozen=True)
class Elements:
    """Points [V, 2 or 3], elements by their corners (line, triangle, quad, tetra, hexahedron), and the rows of each
    kind that belong to a group, by the name of the group and the kind."""

    points: NDArray[np.float64]
    cells: Mapping[str, Indices]
    groups: Mapping[str, Mapping[str, Indices]] = field(default_factory=dict)

    def used(self) -> Indices:
        """The points that some element uses."""
        return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(rows.ravel() for rows in self.cells.values())]))

    def only(self, path: Path, group: str) -> Elements:
        """The elements of one group."""
        if group not in self.groups:
            near = get_close_matches(group, self.groups, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            known = f"It has {', '.join(map(repr, self.groups))}." if self.groups else "It names no groups at all."
            raise MeshError(f"{path} has no group {group!r}.{hint} {known}")
        chosen = self.groups[group]
        return Elements(self.points, {kind: self.cells[kind][rows] for kind, rows in chosen.items()})


def collected(path: Path, points: NDArray[Any], blocks: Iterable[Block]) -> Elements:
    """Elements of one kind together, reduced to their corners. Kinds unknown here are refused, and so are elements
    whose corners are no points of the file."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3) or not len(points):
        raise damaged(path, f"it has no points in two or three dimensions but an array of shape {list(points.shape)}")
    kinds: dict[str, list[Indices]] = {}
    groups: dict[str, dict[str, list[Indices]]] = {}
    for kind, given, marks in blocks:
        if kind in POINTLIKE or not len(given):
            continue
        if kind not in CORNERS:
            raise unsupported(path, kind)
        name, corners = CORNERS[kind]
        if given.ndim != 2 or given.shape[1] <= max(corners):
            raise damaged(path, f"its elements of the kind {kind} are an array of shape {list(given.shape)}")
        rows = np.asarray(given, dtype=np.int64)[:, corners]
        if rows.min() < 0 or rows.max() >= len(points):
            raise damaged(
                path,
                f"it has {len(points)} points, numbered from 0, and its elements ask for {rows.min()} to {rows.max()}",
            )
        before = sum(map(len, kinds.get(name, ())))
        kinds.setdefault(name, []).append(rows)
        for group, members in marks.items():
            inside = np.asarray(members, dtype=np.int64)
            if len(inside) and (inside.min() < 0 or inside.max() >= len(rows)):
                raise damaged(path, f"its group {group!r} names elements that are not there")
            if len(inside):
                groups.setdefault(group, {}).setdefault(name, []).append(before + inside)
    return Elements(
        points,
        {name: np.concatenate(parts) for name, parts in kinds.items()},
        {group: {kind: np.unique(np.concatenate(rows)) for kind, rows in of.items()} for group, of in groups.items()},
    )


def unsupported(path: Path, kind: str) -> MeshError:
    """The error for elements that no solver here knows."""
    return MeshError(
        f"{path} holds elements of the kind {kind!r}, which are not supported. Supported are {', '.join(CORNERS)}; "
        f"export the mesh with triangles or tetrahedra."
    )


def damaged(path: Path, why: str = "") -> MeshError:
    """The error for a damaged file, or one whose content is not what its name says."""
    first = next((line.strip() for line in why.splitlines() if line.strip()), "")[:300].rstrip(".")
    return MeshError(
        f"{path} ({path.stat().st_size} bytes) cannot be read as {path.suffix}{': ' + first if first else ''}. "
        f"The file is damaged, cut short, or of another format than its name says."
    )
