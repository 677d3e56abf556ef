"""Meshes whose boundary has names: simplices, and the facets under each tag of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.formats import asked_of_meshio, complaints, unreadable

__all__ = ["TaggedMesh", "read_tagged"]

SIMPLEX = {2: ("triangle", "line"), 3: ("tetra", "triangle")}  # elements, and what bounds them
NUMBERS = ("gmsh:physical", "medit:ref", "boundary", "tag", "tags", "marker", "region", "cell_tags", "CellEntityIds")


@dataclass(frozen=True, eq=False)
class TaggedMesh:
    """vertices [V, dim]; cells: corners of triangles or tetrahedra [n, dim + 1], of positive measure; facets: corners
    [m, dim] under each tag, every facet of the boundary under one; those without a tag are under ""."""

    vertices: NDArray[np.float64]
    cells: NDArray[np.int64]
    facets: Mapping[str, NDArray[np.int64]]

    @property
    def dim(self) -> int:
        return int(self.vertices.shape[1])

    @property
    def tags(self) -> list[str]:
        return [name for name in self.facets if name]


def read_tagged(path: str | Path, scale: float = 1.0) -> TaggedMesh:
    """Elements of higher order are reduced to their corners. MeshError where there is nothing to compute on."""
    file = Path(path)
    with complaints() as heard:
        data = asked_of_meshio(file, heard)
    if not len(data.points):
        raise unreadable(file, "meshio", heard())
    kinds = {block.type for block in data.cells}
    dim = 3 if any(kind.startswith("tetra") for kind in kinds) else 2
    inner, outer = SIMPLEX[dim]
    strangers = sorted(kinds - {k for k in kinds if k.startswith((inner, outer, "line", "vertex", "triangle"))})
    if strangers or not any(kind.startswith(inner) for kind in kinds):
        raise MeshError(
            f"{file} holds {', '.join(sorted(kinds))}; finite elements need triangles in the plane or tetrahedra. Mesh "
            f"the region anew with them."
        )
    points = np.asarray(data.points, dtype=np.float64)
    if dim == 2 and points.shape[1] == 3 and np.ptp(points[:, 2]) > 1e-9 * np.ptp(points[:, :2]):
        raise MeshError(
            f"{file} holds triangles that do not lie in a plane of constant z. Finite elements need a flat mesh, or "
            f"one of tetrahedra."
        )
    cells = rows_of(data, inner, dim + 1)
    used, inverse = np.unique(cells, return_inverse=True)
    place = np.full(len(points), -1)
    place[used] = np.arange(len(used))
    cells = inverse.reshape(cells.shape).astype(np.int64)
    vertices = scale * points[used, :dim]
    measure = np.linalg.det(vertices[cells[:, 1:]] - vertices[cells[:, :1]])
    if (np.abs(measure) <= 1e-14 * np.abs(measure).max()).any():
        flat = int(np.abs(measure).argmin())
        raise MeshError(
            f"{file}: element {flat} near {vertices[cells[flat]].mean(axis=0)} has no volume. Mesh the region anew."
        )
    cells[measure < 0] = cells[measure < 0][:, [1, 0, *range(2, dim + 1)]]
    return TaggedMesh(vertices, cells, named(boundary(cells), marked(data, outer, dim, place)))


def rows_of(data: Any, kind: str, corners: int) -> NDArray[np.int64]:
    found = [np.asarray(b.data, dtype=np.int64)[:, :corners] for b in data.cells if b.type.startswith(kind)]
    return np.concatenate(found) if found else np.empty((0, corners), dtype=np.int64)


def boundary(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Facets that belong to one element, corners rising [m, dim]."""
    corners = cells.shape[1]
    facets = np.sort(np.concatenate([np.delete(cells, corner, axis=1) for corner in range(corners)]), axis=1)
    rows, count = np.unique(facets, axis=0, return_counts=True)
    return rows[count == 1]


def marked(data: Any, kind: str, dim: int, place: NDArray[np.int64]) -> dict[tuple[int, ...], str]:
    """The tag of each facet that the file marks, by its corners."""
    names = {int(number): name for name, (number, size) in data.field_data.items() if int(size) == dim - 1}
    column = next((key for key in NUMBERS if key in data.cell_data), None)
    tags: dict[tuple[int, ...], str] = {}
    for index, block in enumerate(data.cells):
        if not block.type.startswith(kind):
            continue
        rows = np.sort(place[np.asarray(block.data)[:, :dim]], axis=1)
        labels = [""] * len(rows)
        if column is not None:
            labels = [names.get(int(n), str(int(n))) for n in data.cell_data[column][index]]
        for name, members in data.cell_sets.items():
            if not name.startswith("gmsh:"):
                for row in np.asarray(members[index] if members[index] is not None else [], dtype=np.int64):
                    labels[row] = name
        tags.update((tuple(row), label) for row, label in zip(rows.tolist(), labels, strict=True))
    return tags


def named(facets: NDArray[np.int64], tags: Mapping[tuple[int, ...], str]) -> dict[str, NDArray[np.int64]]:
    names = np.array([tags.get(tuple(row), "") for row in facets.tolist()])
    return {str(name): facets[names == name] for name in sorted(set(names.tolist()), key=lambda n: (n == "", n))}
