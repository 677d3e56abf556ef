"""Volume elements in 2D and 3D: measure, orientation, boundary, and their subdivision into small pieces."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.mesh import MIRRORED, Mesh
from scenegrad.engine.geometry.rows import equal_sets

__all__ = ["boundary_triangles", "cell_volumes", "check_cells", "oriented", "split_multilinear", "split_simplices"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

OUTWARD_FACES = {  # corners counter-clockwise seen from outside; a triangle repeats its last corner
    "tetra": [[0, 2, 1, 1], [0, 1, 3, 3], [1, 2, 3, 3], [0, 3, 2, 2]],
    "hexahedron": [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]],
}
OUTWARD_EDGES = {"triangle": [[0, 1], [1, 2], [2, 0]], "quad": [[0, 1], [1, 2], [2, 3], [3, 0]]}
CORNERS = {  # reference coordinates in the unit square and cube, in the order of VTK
    2: np.array([[0, 0], [1, 0], [1, 1], [0, 1]]),
    3: np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]),
}


def cell_volumes(corners: Array) -> Array:
    """Signed volume (area in 2D) [n] of cells with the corners [n, corner, dim]; exact for multilinear cells too."""
    _, count, dim = corners.shape
    if count == dim + 1:
        return simplex_volumes(corners)
    nodes = np.array(list(product([0.5 - 0.5 / 3**0.5, 0.5 + 0.5 / 3**0.5], repeat=dim)))  # Gauss, exact to degree 3
    volumes: Array = multilinear(corners, nodes)[1].mean(axis=1)
    return volumes


def oriented(vertices: Array, cells: Mapping[str, Indices]) -> dict[str, Indices]:
    """The same cells with the corners of those of negative volume put into the order of VTK."""
    out = {}
    for name, rows in cells.items():
        inverted = cell_volumes(vertices[rows]) < 0
        out[name] = np.where(inverted[:, None], rows[:, MIRRORED[name]], rows)
    return out


def boundary_triangles(cells: Mapping[str, Indices]) -> Indices:
    """Triangles [T, 3] of the faces that belong to one cell only, counter-clockwise seen from outside."""
    faces = np.concatenate([rows[:, OUTWARD_FACES[name]].reshape(-1, 4) for name, rows in cells.items()])
    _, face = equal_sets(faces)
    outer = faces[np.bincount(face)[face] == 1]
    triangles = outer[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)
    a, b, c = triangles.T
    proper: Indices = triangles[(a != b) & (b != c) & (c != a)]
    return proper


def check_cells(mesh: Mesh) -> None:
    """Refuse a volume mesh that is folded: cells of no volume, or two cells on the same side of the facet they share.

    The latter shows an element that was turned inside out, in whichever order the file numbers its corners."""
    rows, middles = [], []
    for name, cells in mesh.cells.items():
        corners = mesh.vertices[cells]
        flat = np.flatnonzero(cell_volumes(corners) <= 0)
        if len(flat):
            raise MeshError(
                f"{mesh.name}: {len(flat)} of {len(cells)} {name} cells have no positive volume, the first one, number "
                f"{flat[0]}, near {place(corners[flat[0]].mean(axis=0))}. Mesh the body anew, or remove these cells."
            )
        facets = np.array((OUTWARD_FACES if mesh.dim == 3 else OUTWARD_EDGES)[name])
        rows.append(np.pad(cells[:, facets].reshape(-1, facets.shape[1]), ((0, 0), (0, 4 - facets.shape[1])), "edge"))
        middles.append(np.repeat(corners.mean(axis=1), len(facets), axis=0))
    facets, middle = np.sort(np.concatenate(rows), axis=1), np.concatenate(middles)
    facets[:, 1:][facets[:, 1:] == facets[:, :-1]] = len(mesh.vertices)
    facets = np.sort(facets, axis=1)[:, : mesh.dim]  # corners enough to span it, in one order for both its cells
    proper = facets[:, -1] < len(mesh.vertices)  # the collapsed faces of wedges and pyramids are none
    facets, middle = facets[proper], middle[proper]
    span = mesh.vertices[facets]
    side = np.sign(np.linalg.det(np.concatenate([span[:, 1:] - span[:, :1], middle[:, None] - span[:, :1]], axis=1)))
    _, kind = equal_sets(facets)
    count = np.bincount(kind)
    folded = np.flatnonzero((count[kind] > 2) | ((count[kind] == 2) & (np.bincount(kind, side)[kind] != 0)))
    if len(folded):
        raise MeshError(
            f"{mesh.name} is folded: at {len(np.unique(kind[folded]))} facets two cells lie on one side or three meet: "
            f"a cell is turned inside out, first near {place(span[folded[0]].mean(axis=0))}. Mesh the body anew, "
            f"or undo the last move of its vertices."
        )


def place(x: Array) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in x) + ")"


def split_simplices(corners: Array, spacing: float) -> Array:
    """Bisect triangles or tetrahedra [n, dim + 1, dim] at their longest edges until none is larger than spacing^dim.

    Bisection halves the volume exactly and keeps the shape good [Rivara 1984]. Needles, small but long, are bisected
    until no edge is longer than four spacings, so that no gap opens between their centres."""
    dim = corners.shape[2]
    pairs = np.array(list(combinations(range(dim + 1), 2)))
    done = []
    while len(corners):
        lengths = np.linalg.norm(corners[:, pairs[:, 0]] - corners[:, pairs[:, 1]], axis=2)
        small = np.abs(simplex_volumes(corners)) <= spacing**dim * (1 + 1e-9)
        small &= lengths.max(axis=1) <= 4 * spacing
        done.append(corners[small])
        corners, longest = corners[~small], pairs[lengths[~small].argmax(axis=1)]
        row = np.arange(len(corners))
        middle = 0.5 * (corners[row, longest[:, 0]] + corners[row, longest[:, 1]])
        halves = corners.copy(), corners.copy()
        for half, end in zip(halves, longest.T, strict=True):
            half[row, end] = middle
        corners = np.concatenate(halves)
    return np.concatenate(done)


def split_multilinear(corners: Array, spacing: float) -> tuple[Array, Array]:
    """Centres [m, dim] and volumes [m] of the pieces of quads or hexahedra [n, 2^dim, dim], at most `spacing` wide.

    The pieces are equal in reference coordinates; each weighs its Jacobian, normalised to the volume of its cell."""
    dim = corners.shape[2]
    reference = CORNERS[dim]
    widths = []
    for axis in range(dim):
        ends = [corners[:, reference[:, axis] == side] for side in (0, 1)]
        order = [np.lexsort(np.delete(reference[reference[:, axis] == side], axis, axis=1).T) for side in (0, 1)]
        widths.append(np.linalg.norm(ends[1][:, order[1]] - ends[0][:, order[0]], axis=2).max(axis=1))
    counts = np.maximum(np.ceil(np.stack(widths, axis=1) / spacing - 1e-9), 1).astype(int)
    centres, volumes = [], []
    for count in np.unique(counts, axis=0):
        group = corners[(counts == count).all(axis=1)]
        middles = np.array(list(product(*((np.arange(n) + 0.5) / n for n in count))))
        position, jacobian = multilinear(group, middles)
        share = jacobian / jacobian.sum(axis=1, keepdims=True)
        centres.append(position.reshape(-1, dim))
        volumes.append((share * cell_volumes(group)[:, None]).ravel())
    return np.concatenate(centres), np.concatenate(volumes)


def simplex_volumes(corners: Array) -> Array:
    """det(x_1 - x_0, ..., x_d - x_0) / d! of triangles or tetrahedra [n, dim + 1, dim]."""
    volumes: Array = np.linalg.det(corners[:, 1:] - corners[:, :1]) / (2 if corners.shape[2] == 2 else 6)
    return volumes


def multilinear(corners: Array, at: Array) -> tuple[Array, Array]:
    """Position [n, m, dim] and Jacobian determinant [n, m] of the multilinear map at reference points [m, dim]."""
    reference = CORNERS[corners.shape[2]]
    factors = np.where(reference[None] == 1, at[:, None, :], 1 - at[:, None, :])  # [m, corner, axis]
    slopes = np.broadcast_to(2.0 * reference[None] - 1.0, factors.shape)
    gradient = np.stack(
        [
            slopes[..., axis] * np.delete(factors, axis, axis=2).prod(axis=2)  # dN_corner / d axis
            for axis in range(reference.shape[1])
        ]
    )
    position = np.einsum("mc,ncd->nmd", factors.prod(axis=2), corners)
    return position, np.linalg.det(np.einsum("amc,ncd->nmad", gradient, corners))
