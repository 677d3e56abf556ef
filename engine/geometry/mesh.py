"""A mesh: its numbers, its measure, and whether it encloses a body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.rows import equal_sets
from scenegrad.engine.geometry.turning import rotation

__all__ = ["Mesh", "check_watertight"]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface, or a volume with its surface, in 3D; a region of the plane in 2D.

    vertices: positions [V, dim] in the unit of the file.
    triangles: indices [T, 3]. In 3D the surface, counter-clockwise seen from outside; where there are volume cells it
    is their boundary. In 2D the region itself, cut into triangles; empty where only its outline is known.
    cells: volume elements by their corners: "tetra" [n, 4] and "hexahedron" [n, 8] in 3D, "triangle" [n, 3] and "quad"
    [n, 4] in 2D, numbered as VTK does; or "line" [n, 2], the outline of a 2D region, which lies left of each segment.
    path, sha256: the file it came from and the digest of that file, where it came from one.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
    cells: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    path: Path | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.array(self.vertices, dtype=np.float64))  # copies: the mesh is frozen
        object.__setattr__(self, "triangles", np.array(self.triangles, dtype=np.int64).reshape(-1, 3))
        object.__setattr__(self, "cells", {name: np.array(rows, dtype=np.int64) for name, rows in self.cells.items()})
        if self.vertices.ndim != 2 or self.vertices.shape[1] not in (2, 3):
            raise MeshError(f"The vertices of a mesh are [V, 2] or [V, 3]; got the shape {list(self.vertices.shape)}.")
        if not np.isfinite(self.vertices).all():
            raise MeshError(f"{self.name} has vertices that are not finite numbers.")
        for name, rows in self.cells.items():
            if name not in MIRRORED or rows.shape[1:] != (len(MIRRORED[name]),):
                allowed = ", ".join(f"{kind} [n, {len(corners)}]" for kind, corners in MIRRORED.items())
                raise MeshError(f"{self.name} got cells {name!r} of shape {list(rows.shape)}; allowed are {allowed}.")
        for rows in (self.triangles, *self.cells.values()):
            if rows.size and (rows.min() < 0 or rows.max() >= len(self.vertices)):
                raise MeshError(
                    f"{self.name} has {len(self.vertices)} vertices, numbered from 0, but its elements ask for the "
                    f"numbers {rows.min()} to {rows.max()}. The file is damaged or was cut short."
                )
        for array in (self.vertices, self.triangles, *self.cells.values()):
            array.flags.writeable = False

    @property
    def dim(self) -> int:
        """2 or 3."""
        return int(self.vertices.shape[1])

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"The mesh {self.path}" if self.path else "The mesh"

    @property
    def bounds(self) -> NDArray[np.float64]:
        """Lowest and highest corner of the axis-aligned box around the vertices [2, dim]."""
        if not len(self.vertices):
            raise MeshError(f"{self.name} is empty.")
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)])

    @cached_property
    def boundary(self) -> NDArray[np.int64]:
        """The facets around the inside: triangles [T, 3] in 3D, segments [S, 2] with the inside to their left in 2D."""
        if self.dim == 3:
            return self.triangles
        if "line" in self.cells:
            return self.cells["line"]
        edges = directed_edges(self.triangles)
        _, edge = equal_sets(edges)
        return edges[np.bincount(edge)[edge] == 1]

    @property
    def volume(self) -> float:
        """V = (1/d) oint x . n dA [divergence theorem]: volume in 3D, area in 2D; negative if facets face inward."""
        facets = self.vertices[self.boundary] - self.bounds.mean(axis=0)  # about the middle, against cancellation
        return float(np.linalg.det(facets).sum() / (2 if self.dim == 2 else 6))

    @cached_property
    def is_watertight(self) -> bool:
        """Whether the boundary is closed and consistently oriented, so that inside and outside have a meaning.

        Each edge must be passed as often in one direction as in the other. Bodies that touch along an edge are
        therefore allowed; self-intersections are not looked for."""
        return len(self.boundary) > 0 and not len(unbalanced(self)[0])

    def transformed(
        self,
        scale: float | Sequence[float] = 1.0,
        rotation: NDArray[np.float64] | None = None,
        center: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Mesh:
        """x' = center + R S (x - middle), middle being that of `bounds`; without a center x' = R S x.

        scale: one factor, or one for each axis. rotation: an orthogonal matrix R [dim, dim]. center: where the middle
        of the box around the unturned mesh comes to lie."""
        turn = np.eye(self.dim) if rotation is None else np.asarray(rotation, dtype=np.float64)
        if turn.shape != (self.dim, self.dim) or not np.allclose(turn @ turn.T, np.eye(self.dim), atol=1e-6):
            raise MeshError(
                f"{self.name} is turned by an orthogonal matrix of shape {[self.dim] * 2}; "
                f"got {np.array2string(turn, precision=4)}."
            )
        stretch = np.broadcast_to(np.asarray(scale, dtype=np.float64), (self.dim,))
        if not np.all(np.isfinite(stretch) & (stretch != 0)):
            raise MeshError(f"{self.name} cannot be scaled by {scale}; a scale is a number other than zero.")
        matrix = turn * stretch
        if center is None:
            vertices = self.vertices @ matrix.T
        else:
            vertices = (self.vertices - self.bounds.mean(axis=0)) @ matrix.T + np.asarray(center, dtype=np.float64)
        if np.linalg.det(matrix) > 0:
            return replace(self, vertices=vertices)
        mirrored = {name: rows[:, MIRRORED[name]] for name, rows in self.cells.items()}
        return replace(self, vertices=vertices, triangles=self.triangles[:, ::-1], cells=mirrored)

    def placed(
        self,
        scale: float,
        degrees: Sequence[float],
        axes: NDArray[np.float64],
        center: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Mesh:
        """Scaled, turned from its axes to those of the scene, then about x, y and z, and moved so that the middle of
        the box around it is at the center. In the plane only the turn about z is left."""
        turn = rotation(degrees) @ axes if self.dim == 3 else rotation(degrees)[:2, :2]
        turned = self.transformed(scale, turn)
        return turned if center is None else turned.transformed(center=center)


MIRRORED = {  # the order of corners that undoes a reflection
    "line": [1, 0],
    "triangle": [0, 2, 1],
    "quad": [0, 3, 2, 1],
    "tetra": [0, 1, 3, 2],
    "hexahedron": [4, 5, 6, 7, 0, 1, 2, 3],
}


def directed_edges(triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """The edges [3 T, 2] of triangles [T, 3], each in the direction in which its triangle passes it."""
    return triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)


def unbalanced(mesh: Mesh) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rims of the boundary's facets that do not cancel, and how many facets meet at each of them.

    A rim is an edge [n, 2] in 3D and a vertex [n, 1] in 2D."""
    if mesh.dim == 2:
        start, end = mesh.boundary.T
        uses = np.bincount(mesh.boundary.ravel(), minlength=len(mesh.vertices))
        net = np.bincount(end, minlength=len(mesh.vertices)) - np.bincount(start, minlength=len(mesh.vertices))
        rims = np.flatnonzero(net)
        return rims[:, None], uses[rims]
    edges = directed_edges(mesh.triangles)
    first, edge = equal_sets(edges)
    net = np.bincount(edge, weights=np.where(edges[:, 0] < edges[:, 1], 1.0, -1.0))
    return edges[first][net != 0], np.bincount(edge)[net != 0]


def check_watertight(mesh: Mesh) -> None:
    """Refuse a mesh that encloses no body, with the number and place of its faults and what mends them."""
    if not len(mesh.boundary):
        raise MeshError(f"{mesh.name} has no {'triangles' if mesh.dim == 3 else 'outline'}, so it encloses nothing.")
    if mesh.is_watertight:
        return
    rims, uses = unbalanced(mesh)
    if mesh.dim == 2:
        faults = [f"{len(rims)} loose ends near {places(mesh.vertices[rims[:, 0]])}"]
        cure = "Close each loop of the outline: its last segment must end at the very point where its first one starts."
    else:
        kinds = {
            "open edges (one triangle)": uses == 1,
            "edges between triangles of opposite winding": uses == 2,
            "non-manifold edges (three triangles or more)": uses > 2,
        }
        middles = mesh.vertices[rims].mean(axis=1)
        faults = [f"{w.sum()} {kind} near {places(middles[w])}" for kind, w in kinds.items() if w.any()]
        if (uses == 1).any():
            faults.append(told(holes(mesh, rims[uses == 1])))
        cure = (
            "Close it where the shape was made, or in Blender (3D Print Toolbox: Make Manifold), in MeshLab (Merge "
            "Close Vertices, Close Holes, Re-Orient all faces coherently), or with fill_holes() of PyVista. "
            "`scenegrad import` closes gaps between vertices that nearly coincide, and small flat holes."
        )
    raise MeshError(
        f"{mesh.name} is not watertight, so inside and outside have no meaning: {'; '.join(faults)}. {cure}"
    )


def holes(mesh: Mesh, rims: NDArray[np.int64]) -> list[tuple[int, NDArray[np.float64], float]]:
    """Of each connected rim of open edges [n, 2]: how many edges, its middle, the longest edge of the box around it;
    the widest first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(mesh.vertices)
    links = coo_array((np.ones(len(rims)), (rims[:, 0], rims[:, 1])), shape=(count, count))
    label = connected_components(links, directed=False)[1][rims[:, 0]]
    found = []
    for one in np.unique(label):
        corners = mesh.vertices[np.unique(rims[label == one])]
        found.append((int((label == one).sum()), corners.mean(axis=0), float(np.ptp(corners, axis=0).max())))
    return sorted(found, key=lambda hole: -hole[2])


def told(found: list[tuple[int, NDArray[np.float64], float]]) -> str:
    widest = ", ".join(
        f"{edges} edges around {places(middle[None])} {width:.3g} wide" for edges, middle, width in found[:3]
    )
    return f"they rim {len(found)} hole{'s' * (len(found) > 1)}: {widest}{', ...' if len(found) > 3 else ''}"


def places(points: NDArray[np.float64]) -> str:
    named = "; ".join("(" + ", ".join(f"{x:.4g}" for x in point) + ")" for point in points[:3])
    return named + (" and elsewhere" if len(points) > 3 else "")
