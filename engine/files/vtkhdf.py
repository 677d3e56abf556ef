"""Temporal VTKHDF 2.2: grids as ImageData, particles as PolyData [docs.vtk.org, VTKHDF specifications].

What depends on the number of frames is written when the file is sealed: VTK ends the process where the number of steps
and the length of the step tables disagree, and a file that is still growing would pass through such a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np
from torch import Tensor

from scenegrad.engine.files.column import Column
from scenegrad.engine.solver import Grid, Points

__all__ = ["GridFrames", "PointFrames"]

VERSION = np.array([2, 2], dtype=np.int64)


@dataclass(frozen=True)
class GridFrames:
    """Fields on a uniform grid; arrays are (time, [z,] y, x[, 3])."""

    name: str
    layout: Grid
    units: Mapping[str, str]
    kind = "grid"

    @property
    def file_name(self) -> str:
        return f"{self.name}.vtkhdf"

    def columns(self, frame: Mapping[str, np.ndarray]) -> dict[str, Column]:
        dim = len(self.layout.cells)
        return {
            key: Column(f"VTKHDF/PointData/{key}", value.shape, self.units.get(key, ""), space=dim, padded=True)
            for key, value in frame.items()
        }

    def begin(self, file: h5py.File, columns: Mapping[str, Column]) -> None:
        root = head(file, "ImageData")
        cells, spacing, origin = (list(v) for v in (self.layout.cells, self.layout.spacing, self.layout.origin))
        flat = 3 - len(cells)
        root.attrs["WholeExtent"] = np.array([e for n in cells + [1] * flat for e in (0, n - 1)], dtype=np.int64)
        root.attrs["Spacing"] = np.array(spacing + [1.0] * flat)
        root.attrs["Origin"] = np.array(origin + [0.0] * flat)
        root.attrs["Direction"] = np.eye(3).ravel()
        for key, column in columns.items():
            if column.stored[len(cells) :] == (3,) and "Vectors" not in root["PointData"].attrs:
                root["PointData"].attrs["Vectors"] = np.bytes_(key)

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        frames = len(track["time"])
        steps = step_table(file, track)
        for key in columns:
            steps[f"PointDataOffsets/{key}"] = np.arange(frames, dtype=np.int64)


@dataclass(frozen=True)
class PointFrames:
    """Particles, each a vertex; the points of all frames follow each other."""

    name: str
    layout: Points
    units: Mapping[str, str]
    member: int = 0
    kind = "points"

    @property
    def file_name(self) -> str:
        return f"{self.name}.vtkhdf"

    def columns(self, frame: Mapping[str, np.ndarray]) -> dict[str, Column]:
        return {
            key: Column(
                "VTKHDF/Points" if key == "position" else f"VTKHDF/PointData/{key}",
                value.shape, self.units.get(key, ""), space=1, padded=True, flat=True,
            )
            for key, value in frame.items()
        }  # fmt: skip

    def begin(self, file: h5py.File, columns: Mapping[str, Column]) -> None:
        root = head(file, "PolyData")
        count = columns["position"].shape[0]
        root["NumberOfPoints"] = np.array([count], dtype=np.int64)
        for topology in ("Vertices", "Lines", "Polygons", "Strips"):
            some = count if topology == "Vertices" else 0
            group = root.create_group(topology)
            group["NumberOfCells"] = np.array([some], dtype=np.int64)
            group["NumberOfConnectivityIds"] = np.array([some], dtype=np.int64)
            group["Offsets"] = np.arange(some + 1, dtype=np.int64)
            group["Connectivity"] = np.arange(some, dtype=np.int64)
        for key, label in self.layout.labels.items():
            root[f"PointData/{key}"] = one_member(label, self.member, count)

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        frames = len(track["time"])
        steps = step_table(file, track)
        moving = np.arange(frames, dtype=np.int64) * columns["position"].shape[0]
        resting = np.zeros(frames, dtype=np.int64)
        steps["PartOffsets"] = resting  # every frame shares the one table of sizes and vertices
        steps["NumberOfParts"] = np.ones(frames, dtype=np.int64)
        steps["PointOffsets"] = moving
        steps["CellOffsets"] = np.zeros((frames, 4), dtype=np.int64)
        steps["ConnectivityIdOffsets"] = np.zeros((frames, 4), dtype=np.int64)
        for key in file["VTKHDF/PointData"]:
            steps[f"PointDataOffsets/{key}"] = moving if key in columns else resting


def head(file: h5py.File, kind: str) -> h5py.Group:
    root = file.require_group("VTKHDF")
    root.attrs["Version"] = VERSION
    root.attrs["Type"] = np.bytes_(kind)
    root.require_group("PointData")
    return root


def step_table(file: h5py.File, track: h5py.Group) -> h5py.Group:
    steps = file["VTKHDF"].create_group("Steps")
    steps.attrs["NSteps"] = np.int64(len(track["time"]))
    steps["Values"] = track["time"][:]
    return steps


def one_member(label: Tensor, member: int, count: int) -> np.ndarray:
    """Labels are the same for all members [particle], or each member's own [batch, particle]."""
    values = label.detach().cpu().numpy()
    return values if values.shape[0] == count and values.ndim == 1 else values[member]
