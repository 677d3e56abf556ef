"""Meshes with nodes amid their edges as temporal VTKHDF of the type UnstructuredGrid."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from scenegrad.engine.files.vtkhdf import MovingPoints
from scenegrad.engine.solver import Elements

__all__ = ["ElementFrames"]

VTK = {  # by the number of nodes: the type of cell, and where VTK has each of its nodes
    6: (22, [0, 1, 2, 3, 5, 4]),
    10: (24, [0, 1, 2, 3, 4, 7, 5, 6, 8, 9]),
}


@dataclass(frozen=True)
class ElementFrames(MovingPoints):
    """Nodes, and the elements between them."""

    layout: Elements
    vtk, topologies = "UnstructuredGrid", (1,)

    def join(self, root: h5py.Group, count: int) -> None:
        nodes = self.layout.nodes.cpu().numpy()
        elements, each = nodes.shape
        kind, order = VTK[each]
        root["NumberOfCells"] = np.array([elements], dtype=np.int64)
        root["NumberOfConnectivityIds"] = np.array([nodes.size], dtype=np.int64)
        root["Connectivity"] = nodes[:, order].ravel().astype(np.int64)
        root["Offsets"] = np.arange(elements + 1, dtype=np.int64) * each
        root["Types"] = np.full(elements, kind, dtype=np.uint8)
