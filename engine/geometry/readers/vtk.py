"""Formats of VTK and glTF, read by VTK in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.readers.elements import Block, Elements, Indices, collected, damaged, unsupported
from scenegrad.engine.geometry.readers.links import check_gltf
from scenegrad.engine.geometry.readers.marks import by_number

__all__ = ["read", "vtk_is_there"]

NAMES = {
    1: "vertex", 2: "poly_vertex", 3: "line", 5: "triangle", 8: "pixel", 9: "quad", 10: "tetra", 11: "voxel",
    12: "hexahedron", 13: "wedge", 14: "pyramid", 21: "line3", 22: "triangle6", 23: "quad8", 24: "tetra10",
    25: "hexahedron20", 26: "wedge15", 27: "pyramid13", 28: "quad9", 29: "hexahedron27", 32: "wedge18",
}  # fmt: skip
POLYLINE = 4
PATIENCE = 300.0  # [s] on a busy machine, and one more for each of these bytes
SLOWEST = 2_000_000


def vtk_is_there() -> bool:
    """Whether VTK is installed; a compute node may do without it."""
    return importlib.util.find_spec("vtkmodules") is not None


def read(path: Path) -> Elements:
    if not vtk_is_there():
        from scenegrad.engine.geometry.readers import by_meshio

        if path.suffix.lower() in (".vtu", ".vtk"):
            return by_meshio.read(path)
        raise MeshError(
            f"Reading {path} needs PyVista, which is not installed. Run `pip install pyvista`, or convert the file to "
            f".vtu, .msh, .stl, .obj or .ply where PyVista is installed."
        )
    if path.suffix.lower() in (".gltf", ".glb"):
        check_gltf(path)
    with tempfile.TemporaryDirectory(prefix="scenegrad-") as folder:
        out = Path(folder) / "arrays.npz"
        ask(path, out)
        with np.load(out, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays}
    return collected(path, found["points"], blocks(path, found))


def ask(path: Path, out: Path) -> None:
    """Have the file read by a process that may die of it."""
    words = [sys.executable, "-I", str(Path(__file__).with_name("vtk_child.py")), str(path), str(out)]
    patience = PATIENCE + path.stat().st_size / SLOWEST
    try:
        done = subprocess.run(
            words, capture_output=True, stdin=subprocess.DEVNULL, timeout=patience, check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise damaged(path, f"VTK had not read it after {patience:.0f} s") from error
    said = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    wrong = next((line for line in said if "ERR|" in line or "ERROR" in line), "")
    if done.returncode or wrong or not out.is_file():
        reason = f"VTK ended with the signal {-done.returncode}" if done.returncode < 0 else wrong or (said or [""])[-1]
        raise damaged(path, reason.rpartition("):")[2].strip() or reason)


def blocks(path: Path, found: dict[str, np.ndarray]) -> Iterator[Block]:
    corners, starts, kinds = (found[name].astype(np.int64) for name in ("corners", "starts", "kinds"))
    sizes = np.diff(starts)
    if len(kinds) != len(sizes) or (sizes < 0).any() or starts[0] != 0 or starts[-1] > len(corners):
        raise damaged(path, "its cells do not fit their list of corners")
    fields = {name.removeprefix("field "): values for name, values in found.items() if name.startswith("field ")}
    groups = by_number(fields)
    for kind in np.unique(kinds).tolist():
        chosen = kinds == kind
        if kind == POLYLINE:
            yield "line", segments(corners, starts[:-1][chosen], sizes[chosen]), {}
            continue
        if kind not in NAMES:
            raise unsupported(path, f"VTK cell type {kind}")
        width = int(sizes[chosen][0])
        if (sizes[chosen] != width).any():
            if NAMES[kind] in ("vertex", "poly_vertex"):
                continue
            raise damaged(path, f"its cells of the type {NAMES[kind]} have different numbers of corners")
        rows = corners[starts[:-1][chosen][:, None] + np.arange(width)]
        yield NAMES[kind], rows, {name: np.flatnonzero(which[chosen]) for name, which in groups.items()}


def segments(corners: Indices, starts: Indices, sizes: Indices) -> Indices:
    """The segments [n, 2] of polylines, one after the other."""
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for start, size in zip(starts, sizes, strict=True):
        chain = corners[start : start + size]
        pairs.append(np.stack([chain[:-1], chain[1:]], axis=1))
    return np.concatenate(pairs)
