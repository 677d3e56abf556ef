"""One `read_mesh` for every format; the defects of the readers behind it stay hidden."""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.cells import boundary_triangles, oriented
from scenegrad.engine.geometry.mesh import Mesh
from scenegrad.engine.geometry.readers import SUFFIXES, Elements, read_elements
from scenegrad.engine.geometry.rows import equal_rows

__all__ = ["SUFFIXES", "read_mesh"]

SPLIT_QUADS = [[0, 1, 2], [0, 2, 3]]


def read_mesh(path: str | Path, group: str | None = None) -> Mesh:
    """Read a surface or volume mesh; coordinates stay those of the file.

    What the file holds decides what comes back. Tetrahedra, hexahedra, wedges and pyramids (the last two as hexahedra
    with coinciding corners) make a volume mesh, whose triangles are its boundary. Triangles and quads make a surface;
    where all lie in one plane z = const they make a 2D region, and line segments in such a plane make its outline.
    Elements of second order keep their corners only. Vertices of surfaces and outlines that coincide exactly are
    merged, closed surfaces that face inward are turned outward, unused vertices are dropped. The sha256 is that of the
    named file: data that .xdmf, .gltf and .inp keep in a file beside it are not part of it.

    group: only the elements of this physical group, family, set, object or solid, by the name or the number that the
    file gives it."""
    path = Path(path)
    refuse_missing(path)
    if path.suffix.lower() not in SUFFIXES:
        raise MeshError(
            f"{path} ends in {path.suffix or 'nothing'}, which names no mesh format known here. Allowed are "
            f"{' '.join(SUFFIXES)}; convert it, for instance with `meshio convert`."
        )
    elements = read_elements(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with np.errstate(all="ignore"):  # of coordinates that are no numbers, which the mesh itself refuses
        return assembled(path, digest, elements if group is None else elements.only(path, group))


def refuse_missing(path: Path) -> None:
    """Say which similar names there are when the file is not."""
    if path.is_file():
        return
    if path.is_dir():
        raise MeshError(f"{path} is a folder; a mesh is a file ending in one of {' '.join(SUFFIXES)}.")
    folder = path.parent
    if not folder.is_dir():
        raise MeshError(f"There is no mesh {path}: the folder {folder} does not exist (looked from {Path.cwd()}).")
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in SUFFIXES)
    near = get_close_matches(path.name, names, n=3, cutoff=0.4) or names[:5]
    hint = f"Did you mean {' or '.join(near)}?" if near else "The folder holds no mesh at all."
    raise MeshError(f"There is no mesh {path.name} in {folder.resolve()}. {hint}")


def assembled(path: Path, digest: str, elements: Elements) -> Mesh:
    """A Mesh from the elements of the highest dimension that the file holds."""
    points, cells = elements.points, elements.cells
    used = elements.used()
    flat = points.shape[1] == 2 or (len(used) > 0 and np.ptp(points[used, 2]) == 0)
    solid = {name: rows for name, rows in cells.items() if name in ("tetra", "hexahedron")}
    area = {name: rows for name, rows in cells.items() if name in ("triangle", "quad")}
    lines = cells.get("line", np.empty((0, 2), dtype=np.int64))

    if solid:
        solid = oriented(points, solid)
        return compact(path, digest, points, boundary_triangles(solid), solid)
    if area and flat:
        area = oriented(points[:, :2], area)
        return compact(path, digest, points[:, :2], as_triangles(area), area)
    if area:
        points, merged = merge_coincident(points)
        triangles = merged[as_triangles(area)]
        a, b, c = triangles.T
        mesh = compact(path, digest, points, triangles[(a != b) & (b != c) & (c != a)], {})
        if mesh.is_watertight and mesh.volume < 0:
            mesh = Mesh(mesh.vertices, mesh.triangles[:, ::-1], {}, path, digest)
        return mesh
    if len(lines) and flat:
        points, merged = merge_coincident(points[:, :2])
        lines = merged[lines]
        lines = with_inside_left(points, lines[lines[:, 0] != lines[:, 1]])
        return compact(path, digest, points, np.empty((0, 3), dtype=np.int64), {"line": lines})
    raise MeshError(
        f"{path} holds no body: {sum(map(len, cells.values()))} elements ({', '.join(cells) or 'none'}) and "
        f"{len(points)} points were read. Needed are triangles, quads, volume elements, or lines in a plane z = const."
    )


def as_triangles(area: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """Triangles, and quads cut along a diagonal, as triangles [T, 3]."""
    triangle = area.get("triangle", np.empty((0, 3), dtype=np.int64))
    quad = area.get("quad", np.empty((0, 4), dtype=np.int64))
    return np.concatenate([triangle, quad[:, SPLIT_QUADS].reshape(-1, 3)])


def merge_coincident(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The distinct points in the order of their first appearance, and where each of the given ones is among them."""
    points = points + 0.0  # -0.0 and 0.0 are the same place
    first, kind = equal_rows(points)
    return points[first], kind


def with_inside_left(points: NDArray[np.float64], lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Segments turned so that the region, by the even-odd rule, lies left of them: outer loops counter-clockwise."""
    start, end = points[lines[:, 0]], points[lines[:, 1]]
    along = end - start
    beside = 0.5 * (start + end) + 1e-6 * np.stack([-along[:, 1], along[:, 0]], axis=1)
    inside = np.zeros(len(lines), dtype=bool)
    for a, b in zip(start, end, strict=True):
        spans = (a[1] > beside[:, 1]) != (b[1] > beside[:, 1])
        rise = b[1] - a[1] if b[1] != a[1] else 1.0
        inside ^= spans & (beside[:, 0] < a[0] + (beside[:, 1] - a[1]) / rise * (b[0] - a[0]))
    return np.where(inside[:, None], lines, lines[:, ::-1])


def compact(
    path: Path,
    digest: str,
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    cells: dict[str, NDArray[np.int64]],
) -> Mesh:
    """The mesh without the vertices that no element uses."""
    used = np.unique(np.concatenate([triangles.ravel(), *(rows.ravel() for rows in cells.values())]))
    if len(used) and (used[0] < 0 or used[-1] >= len(points)):  # the mesh itself says what is wrong
        return Mesh(points, triangles, cells, path, digest)
    renumber = np.zeros(len(points), dtype=np.int64)
    renumber[used] = np.arange(len(used))
    renumbered = {name: renumber[rows] for name, rows in cells.items()}
    return Mesh(points[used], renumber[triangles], renumbered, path, digest)
