"""Temporal VTKHDF 2.2: grids as ImageData, particles as PolyData [docs.vtk.org, VTKHDF specifications].

What depends on the number of frames is written when the file is sealed: VTK ends the process where the number of steps
and the length of the step tables disagree, and a file that is still growing would pass through such a moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import h5py
import numpy as np
from torch import Tensor

from scenegrad.engine.files.column import Column
from scenegrad.engine.solver import Grid, Net, Points

__all__ = ["GridFrames", "MovingPoints", "PointFrames"]

VERSION = np.array([2, 2], dtype=np.int64)


@dataclass(frozen=True)
class GridFrames:
    """Fields on a uniform grid; arrays are (time, [z,] y, x[, 3])."""

    name: str
    layout: Grid
    units: Mapping[str, str]
    member = 0
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
        if frames == 1:  # VTK takes one step for none, and then trips over the axis of time: it is told of two
            del steps["Values"]
            steps["Values"] = track["time"][0] + np.array([0.0, 1e-9 * max(abs(track["time"][0]), 1.0)])
            steps.attrs["NSteps"] = np.int64(2)
        for key in columns:
            steps[f"PointDataOffsets/{key}"] = np.minimum(np.arange(steps.attrs["NSteps"]), max(frames - 1, 0))


@dataclass(frozen=True)
class MovingPoints(ABC):
    """The points of all frames follow each other; what is made of them, in so many kinds of cells, is there once."""

    name: str
    layout: Points
    units: Mapping[str, str]
    member: int = 0
    kind = "points"
    vtk: ClassVar[str]  # type of the data set
    topologies: ClassVar[tuple[int, ...]]  # shape of what counts cells in each frame

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
        root = head(file, self.vtk)
        count = columns["position"].shape[0]
        root["NumberOfPoints"] = np.array([count], dtype=np.int64)
        self.join(root, count)
        for key, label in self.layout.labels.items():
            root[f"PointData/{key}"] = one_member(label, self.member, count)

    @abstractmethod
    def join(self, root: h5py.Group, count: int) -> None:
        """Writes the cells that so many points make."""

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        frames = len(track["time"])
        steps = step_table(file, track)
        moving = np.arange(frames, dtype=np.int64) * columns["position"].shape[0]
        resting = np.zeros(frames, dtype=np.int64)
        steps["PartOffsets"] = resting  # every frame shares the one table of sizes and cells
        steps["NumberOfParts"] = np.ones(frames, dtype=np.int64)
        steps["PointOffsets"] = moving
        steps["CellOffsets"] = np.zeros((frames, *self.topologies), dtype=np.int64)
        steps["ConnectivityIdOffsets"] = np.zeros((frames, *self.topologies), dtype=np.int64)
        for key in file["VTKHDF/PointData"]:
            steps[f"PointDataOffsets/{key}"] = moving if key in columns else resting


class PointFrames(MovingPoints):
    """Particles, each a vertex."""

    vtk, topologies = "PolyData", (4,)

    def join(self, root: h5py.Group, count: int) -> None:
        none = np.empty((0, 1), dtype=np.int64)
        cells = {"Vertices": np.arange(count, dtype=np.int64)[:, None], "Lines": none, "Polygons": none, "Strips": none}
        if isinstance(self.layout, Net):
            cells["Lines"] = self.layout.pairs.detach().cpu().numpy().astype(np.int64)
        for topology, corners in cells.items():
            group = root.create_group(topology)
            group["NumberOfCells"] = np.array([len(corners)], dtype=np.int64)
            group["NumberOfConnectivityIds"] = np.array([corners.size], dtype=np.int64)
            group["Offsets"] = corners.shape[1] * np.arange(len(corners) + 1, dtype=np.int64)
            group["Connectivity"] = corners.ravel()


def head(file: h5py.File, kind: str) -> h5py.Group:
    root = file.require_group("VTKHDF")
    root.attrs["Version"] = VERSION
    root.attrs["Type"] = np.bytes_(kind)
    root.require_group("PointData")
    return root


def step_table(file: h5py.File, track: h5py.Group) -> h5py.Group:
    file["VTKHDF"].pop("Steps", None)
    steps = file["VTKHDF"].create_group("Steps")
    steps.attrs["NSteps"] = np.int64(len(track["time"]))
    steps["Values"] = track["time"][:]
    return steps


def one_member(label: Tensor, member: int, count: int) -> np.ndarray:
    """Labels are the same for all members [particle], or each member's own [batch, particle]."""
    values = label.detach().cpu().numpy()
    return values if values.shape[0] == count and values.ndim == 1 else values[member]
