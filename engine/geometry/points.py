"""Clouds of points from files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.arrays import read_array, read_arrays
from scenegrad.engine.files.ply import read_vertices
from scenegrad.engine.geometry.readers import read_elements

__all__ = ["PointCloud", "read_points", "usual_spacing"]

Array = NDArray[np.float64]

COORDINATES = ("x", "y", "z")
POSITIONS = ("position", "positions", "points", "xyz", "x", "arr_0")  # what an .npz may call them


@dataclass(frozen=True)
class PointCloud:
    position: Array  # [point, dim], in the unit of the file
    volume: Array | None = None  # of each point, where the file says it [point]


def read_points(path: str | Path) -> PointCloud:
    """Points of a .npy [point, dim], .npz (`position`, `volume`), .csv .txt .xyz (columns x y [z] [volume]; without a
    line of names 2 or 3 columns), .ply (properties x y z [volume]), or a mesh file (its vertices).

    A cloud whose third coordinate is the same everywhere is one of the plane."""
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise FileError(
            f"{path} ends in {path.suffix or 'nothing'}, which names no file of points known here. Allowed are "
            f"{' '.join(READERS)}."
        )
    try:
        cloud = reader(path)
    except (FileError, OSError, ValueError, LookupError) as error:
        raise FileError(f"{path} holds no points that can be read: {error}") from error
    position = np.asarray(cloud.position, dtype=np.float64)
    if position.ndim != 2 or position.shape[1] not in (2, 3) or not len(position):
        raise FileError(f"{path} holds an array of shape {list(position.shape)}; points are [point, 2] or [point, 3].")
    if position.shape[1] == 3 and (position[:, 2] == position[0, 2]).all():
        position = position[:, :2]
    volume = None if cloud.volume is None else np.asarray(cloud.volume, dtype=np.float64).reshape(-1)
    if volume is not None and len(volume) != len(position):
        raise FileError(f"{path} holds {len(position)} points and {len(volume)} volumes; give one volume a point.")
    refuse_bad(path, position, volume)
    return PointCloud(position, volume)


def refuse_bad(path: Path, position: Array, volume: Array | None) -> None:
    """Name the first point that is no place, and the first volume that is none."""
    bad = np.flatnonzero(~np.isfinite(position).all(axis=1))
    if len(bad):
        raise FileError(
            f"{path}: {len(bad)} of {len(position)} points are not finite; the first is point {bad[0]}, "
            f"{position[bad[0]].tolist()}. Remove them from the file."
        )
    if volume is not None and not (np.isfinite(volume) & (volume > 0)).all():
        worst = int(np.flatnonzero(~(np.isfinite(volume) & (volume > 0)))[0])
        place = ", ".join(f"{x:.6g}" for x in position[worst])
        raise FileError(f"{path}: point {worst} at ({place}) has the volume {volume[worst]:g}; volumes are positive.")


def usual_spacing(position: Array) -> float:
    """The median distance from a point to its nearest neighbour."""
    from scipy.spatial import cKDTree

    if len(position) < 2:
        return 0.0
    asked = position[:: max(1, len(position) // 10_000)]
    return float(np.median(cKDTree(position).query(asked, k=2)[0][:, 1]))


def from_npy(path: Path) -> PointCloud:
    return PointCloud(read_array(path))


def from_npz(path: Path) -> PointCloud:
    arrays = read_arrays(path)
    name = next((name for name in POSITIONS if name in arrays), None)
    if name is None:
        raise ValueError(f"it has {', '.join(arrays)}; call the positions `position` and the volumes `volume`.")
    return PointCloud(arrays[name], arrays.get("volume"))


def from_ply(path: Path) -> PointCloud:
    vertices = read_vertices(path)
    if not set(COORDINATES) <= set(vertices.names):
        raise ValueError(f"its vertices have no x, y, z, but {', '.join(vertices.names)}.")
    volume = vertices.rows["volume"] if "volume" in vertices.names else None
    return PointCloud(vertices.columns(*COORDINATES), volume)


def from_text(path: Path) -> PointCloud:
    """Columns apart by commas, semicolons or blanks. An .xyz of molecules begins with their number and a comment, and
    each row with an element; both are passed over."""
    with path.open() as file:
        first = [line.strip() for line in islice(file, 3)]
    skip = 2 if path.suffix.lower() == ".xyz" and first and first[0].isdigit() else 0
    if len(first) <= skip:
        raise ValueError("it is empty.")
    mark = next((mark for mark in ",;" if mark in first[skip]), None)
    words = [word.strip().strip('"') for word in (first[skip].lstrip("#").split(mark))]
    names = [word.lower() for word in words]
    if "x" in names and "y" in names:
        skip += 1
    elif skip and not is_number(words[0]):
        names = ["element", "x", "y", "z"]
    elif len(words) in (2, 3):
        names = list(COORDINATES[: len(words)])
    else:
        raise ValueError(
            f"its first line has {len(words)} columns and no names. Begin it with a line such as x,y,z,volume."
        )
    if len(first) <= skip:
        raise ValueError("it names columns and has no rows.")
    wanted = [name for name in (*COORDINATES, "volume") if name in names]
    columns = [names.index(name) for name in wanted]
    table = np.loadtxt(path, delimiter=mark, skiprows=skip, usecols=columns, ndmin=2)
    if wanted[-1] == "volume":
        return PointCloud(table[:, :-1], table[:, -1])
    return PointCloud(table)


def is_number(word: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf)", word) is not None


def from_mesh(path: Path) -> PointCloud:
    return PointCloud(read_elements(path).points)


READERS: dict[str, Callable[[Path], PointCloud]] = {
    ".npy": from_npy,
    ".npz": from_npz,
    **dict.fromkeys((".csv", ".txt", ".xyz"), from_text),
    ".ply": from_ply,
    **dict.fromkeys((".vtu", ".vtp", ".vtk", ".xdmf", ".msh", ".obj", ".stl", ".off"), from_mesh),
}
