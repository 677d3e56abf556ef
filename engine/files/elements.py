"""Meshes with nodes amid their edges as temporal VTKHDF of the type UnstructuredGrid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from scenegrad.engine.files.column import Column
from scenegrad.engine.files.vtkhdf import head, step_table
from scenegrad.engine.solver import Elements

__all__ = ["ElementFrames"]

VTK = {  # by the number of nodes: the type of cell, and where VTK has each of its nodes
    6: (22, [0, 1, 2, 3, 5, 4]),
    10: (24, [0, 1, 2, 3, 4, 7, 5, 6, 8, 9]),
}


@dataclass(frozen=True)
class ElementFrames:
    """The nodes of all frames follow each other; the elements are there once."""

    name: str
    layout: Elements
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
        root = head(file, "UnstructuredGrid")
        nodes = self.layout.nodes.cpu().numpy()
        count, each = nodes.shape
        kind, order = VTK[each]
        root["NumberOfPoints"] = np.array([columns["position"].shape[0]], dtype=np.int64)
        root["NumberOfCells"] = np.array([count], dtype=np.int64)
        root["NumberOfConnectivityIds"] = np.array([count * each], dtype=np.int64)
        root["Connectivity"] = nodes[:, order].ravel().astype(np.int64)
        root["Offsets"] = np.arange(count + 1, dtype=np.int64) * each
        root["Types"] = np.full(count, kind, dtype=np.uint8)

    def seal(self, file: h5py.File, columns: Mapping[str, Column], track: h5py.Group) -> None:
        frames = len(track["time"])
        steps = step_table(file, track)
        moving = np.arange(frames, dtype=np.int64) * columns["position"].shape[0]
        resting = np.zeros(frames, dtype=np.int64)
        steps["PartOffsets"] = resting  # every frame shares the one table of sizes and elements
        steps["NumberOfParts"] = np.ones(frames, dtype=np.int64)
        steps["PointOffsets"] = moving
        steps["CellOffsets"] = resting[:, None]
        steps["ConnectivityIdOffsets"] = resting[:, None]
        for key in file["VTKHDF/PointData"]:
            steps[f"PointDataOffsets/{key}"] = moving
