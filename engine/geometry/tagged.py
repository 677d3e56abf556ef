"""Meshes whose boundary has names: simplices, and the facets under each tag of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.readers import Elements, read_elements
from scenegrad.engine.geometry.reading import refuse_missing

__all__ = ["TaggedMesh", "read_tagged"]

SIMPLEX = {2: ("triangle", "line"), 3: ("tetra", "triangle")}  # elements, and what bounds them


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


def read_tagged(path: str | Path, scale: float = 1.0, axes: NDArray[np.float64] | None = None) -> TaggedMesh:
    """Elements of higher order are reduced to their corners. MeshError where there is nothing to compute on.

    axes: a rotation [3, 3] of the coordinates of tetrahedra."""
    file = Path(path)
    refuse_missing(file)
    data = read_elements(file)
    dim = 3 if "tetra" in data.cells else 2
    inner, outer = SIMPLEX[dim]
    strangers = sorted(set(data.cells) - {inner, outer, "line"})
    if strangers or inner not in data.cells:
        raise MeshError(
            f"{file} holds {', '.join(sorted(data.cells)) or 'no elements'}; finite elements need triangles in the "
            f"plane or tetrahedra. Mesh the region anew with them."
        )
    points = data.points
    if dim == 2 and points.shape[1] == 3 and np.ptp(points[:, 2]) > 1e-9 * np.ptp(points[:, :2]):
        raise MeshError(
            f"{file} holds triangles that do not lie in a plane of constant z. Finite elements need a flat mesh, or "
            f"one of tetrahedra."
        )
    cells = data.cells[inner]
    used, inverse = np.unique(cells, return_inverse=True)
    place = np.full(len(points), -1)
    place[used] = np.arange(len(used))
    cells = inverse.reshape(cells.shape).astype(np.int64)
    vertices = scale * points[used, :dim]
    if dim == 3 and axes is not None:
        vertices = vertices @ axes.T
    measure = np.linalg.det(vertices[cells[:, 1:]] - vertices[cells[:, :1]])
    if (np.abs(measure) <= 1e-14 * np.abs(measure).max()).any():
        flat = int(np.abs(measure).argmin())
        raise MeshError(
            f"{file}: element {flat} near {vertices[cells[flat]].mean(axis=0)} has no volume. Mesh the region anew."
        )
    cells[measure < 0] = cells[measure < 0][:, [1, 0, *range(2, dim + 1)]]
    return TaggedMesh(vertices, cells, named(boundary(cells), marked(data, outer, place)))


def boundary(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Facets that belong to one element, corners rising [m, dim]."""
    corners = cells.shape[1]
    facets = np.sort(np.concatenate([np.delete(cells, corner, axis=1) for corner in range(corners)]), axis=1)
    rows, count = np.unique(facets, axis=0, return_counts=True)
    return rows[count == 1]


def marked(data: Elements, kind: str, place: NDArray[np.int64]) -> dict[tuple[int, ...], str]:
    """The tag of each facet that the file marks, by its corners; of several the last one that the file names."""
    tags: dict[tuple[int, ...], str] = {}
    rows = np.sort(place[data.cells[kind]], axis=1).tolist() if kind in data.cells else []
    for name, members in data.groups.items():
        tags.update((tuple(rows[row]), name) for row in members.get(kind, ()))
    return tags


def named(facets: NDArray[np.int64], tags: Mapping[tuple[int, ...], str]) -> dict[str, NDArray[np.int64]]:
    names = np.array([tags.get(tuple(row), "") for row in facets.tolist()])
    return {str(name): facets[names == name] for name in sorted(set(names.tolist()), key=lambda n: (n == "", n))}
