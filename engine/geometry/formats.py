"""What the readers of VTK and of meshio give, in one form."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError

__all__ = ["Elements", "read_vertices_alone", "read_with_meshio", "read_with_vtk", "vtk_is_there"]


@dataclass(frozen=True)
class Elements:
    """Points [V, 2 or 3] and elements by their corners: line, triangle, quad, tetra, hexahedron."""

    points: NDArray[np.float64]
    cells: dict[str, NDArray[np.int64]]

    def used(self) -> NDArray[np.int64]:
        """The points that some element uses."""
        used = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(rows.ravel() for rows in self.cells.values())]))
        return used[(used >= 0) & (used < len(self.points))]


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
VTK_NAMES = {
    1: "vertex",
    2: "poly_vertex",
    3: "line",
    5: "triangle",
    8: "pixel",
    9: "quad",
    10: "tetra",
    11: "voxel",
    12: "hexahedron",
    13: "wedge",
    14: "pyramid",
    21: "line3",
    22: "triangle6",
    23: "quad8",
    24: "tetra10",
    25: "hexahedron20",
    26: "wedge15",
    27: "pyramid13",
    28: "quad9",
    29: "hexahedron27",
    32: "wedge18",
}


def vtk_is_there() -> bool:
    """Whether PyVista is installed; a compute node may do without it."""
    return importlib.util.find_spec("pyvista") is not None


def read_with_vtk(path: Path) -> Elements:
    """Read with VTK, whose complaints become part of ours."""
    import pyvista

    with complaints() as heard:
        data = asked_of_vtk(path, heard)
    if not data.n_points or not data.n_cells:
        raise unreadable(path, "VTK", heard())
    points = np.asarray(data.points, dtype=np.float64)
    if isinstance(data, pyvista.PolyData):
        surface = data.triangulate()
        return collected(path, points, [("triangle", surface.regular_faces), ("line", segments(data.lines))])
    unknown = sorted(set(np.unique(data.celltypes).tolist()) - set(VTK_NAMES))
    if unknown:
        raise unsupported(path, f"VTK cell type {unknown[0]}")
    return collected(path, points, ((VTK_NAMES[int(kind)], rows) for kind, rows in data.cells_dict.items()))


def asked_of_vtk(path: Path, heard: Callable[[], list[str]]) -> Any:
    import pyvista

    with pyvista.vtk_verbosity("off"):
        try:
            data: Any = pyvista.read(path)
            if isinstance(data, pyvista.MultiBlock):
                data = data.combine(merge_points=False)
            if not isinstance(data, pyvista.PolyData | pyvista.UnstructuredGrid):
                data = data.cast_to_unstructured_grid()
        except Exception as problem:  # VTK and its wrapper raise many kinds, all of which mean a file they cannot read
            raise unreadable(path, "VTK", [*heard(), str(problem)]) from problem
    return data


def segments(lines: NDArray[Any]) -> NDArray[np.int64]:
    """The segments [n, 2] of polylines stored as (count, point, point, ...), one after the other."""
    pairs, at = [np.empty((0, 2), dtype=np.int64)], 0
    while at < len(lines):
        chain = lines[at + 1 : at + 1 + lines[at]]
        pairs.append(np.stack([chain[:-1], chain[1:]], axis=1))
        at += 1 + lines[at]
    return np.concatenate(pairs)


def read_with_meshio(path: Path) -> Elements:
    """Read with meshio, which prints and leaves the interpreter where it should raise."""
    if path.suffix.lower() == ".obj" and re.search(r"^f .*-\d", path.read_text(errors="replace"), re.MULTILINE):
        raise MeshError(
            f"{path} counts its vertices from the end (negative indices), which only PyVista reads rightly, and it "
            f"is not installed. Run `pip install pyvista`, or save the file anew with plain indices."
        )
    with complaints() as heard:
        data = asked_of_meshio(path, heard)
    if not len(data.points) or "cannot handle" in "".join(heard()):  # it would drop those elements and go on
        raise unreadable(path, "meshio", heard())
    points = np.asarray(data.points, dtype=np.float64)
    return collected(path, points, ((block.type, block.data) for block in data.cells))


def read_vertices_alone(path: Path) -> NDArray[np.float64]:
    """The vertices [V, 2 or 3] of a file of VTK or meshio, whatever elements there are."""
    with complaints() as heard:
        known_to_vtk = path.suffix.lower() in (".vtk", ".vtp", ".vtu", ".stl", ".obj")
        data = asked_of_vtk(path, heard) if known_to_vtk and vtk_is_there() else asked_of_meshio(path, heard)
    return np.asarray(data.points, dtype=np.float64)


def asked_of_meshio(path: Path, heard: Callable[[], list[str]]) -> Any:
    import meshio

    try:
        return meshio.read(path)
    except (Exception, SystemExit) as problem:
        raise unreadable(path, "meshio", [*heard(), str(problem)]) from problem


def collected(path: Path, points: NDArray[np.float64], blocks: Iterable[tuple[str, NDArray[np.int64]]]) -> Elements:
    """Elements of one kind together, reduced to their corners; kinds unknown here are refused."""
    kinds: dict[str, list[NDArray[np.int64]]] = {}
    for kind, rows in blocks:
        if kind in POINTLIKE or not len(rows):
            continue
        if kind not in CORNERS:
            raise unsupported(path, kind)
        name, corners = CORNERS[kind]
        kinds.setdefault(name, []).append(np.asarray(rows, dtype=np.int64)[:, corners])
    return Elements(points, {name: np.concatenate(parts) for name, parts in kinds.items()})


def unsupported(path: Path, kind: str) -> MeshError:
    """The error for elements that no solver here knows."""
    return MeshError(
        f"{path} holds elements of the kind {kind!r}, which are not supported. Supported are {', '.join(CORNERS)}; "
        f"export the mesh with triangles or tetrahedra."
    )


def unreadable(path: Path, reader: str, heard: list[str]) -> MeshError:
    """The error for a damaged file, or one whose content is not what its name says."""
    lines = [line.strip() for text in heard for line in text.splitlines() if line.strip()]
    said = f" It said: {lines[0][:300].rstrip('.')}." if lines else ""
    return MeshError(
        f"{path} ({path.stat().st_size} bytes) cannot be read: {reader} found no {path.suffix} mesh in it.{said} "
        f"The file is damaged, cut short, or of another format than its name says."
    )


@contextlib.contextmanager
def complaints() -> Iterator[Callable[[], list[str]]]:
    """Collect what a reader prints, logs and warns of, instead of showing it; what comes out tells it."""
    logged: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        logged.append(record.getMessage())
        return False

    printed, root = io.StringIO(), logging.getLogger()
    root.addFilter(keep)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lambda: [*logged, printed.getvalue()]
    finally:
        root.removeFilter(keep)
