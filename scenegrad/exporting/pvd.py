"""A .pvd index with one file a frame, as VTK's older readers, ParaView's and meshio's take them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np

from scenegrad.engine.files.atomic import write_text
from scenegrad.engine.files.column import Column
from scenegrad.engine.files.elements import VTK
from scenegrad.engine.solver import Atoms, Elements, Grid, Points
from scenegrad.exporting.recording import Frame, Recording

if TYPE_CHECKING:
    import pyvista

__all__ = ["write_pvd"]

VERTEX = 1  # of VTK's kinds of cells


def write_pvd(recording: Recording, path: Path) -> list[Path]:
    """<name>.pvd and a folder <name> beside it: .vti of fields on a grid, .vtu of all else. Returns the index first.

    Vectors and positions of the plane get a third component 0, as VTK wants them. Atoms are unwrapped.
    """
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    ending = ".vti" if recording.kind == "grid" else ".vtu"
    lines, written = [], []
    for frame in recording:
        there = folder / f"{frame.number:05d}{ending}"
        dataset(recording, frame).save(there)
        written.append(there)
        name = quoteattr(f"{folder.name}/{there.name}")
        lines.append(f'    <DataSet timestep="{frame.time!r}" part="0" file={name}/>\n')
    head = (
        '<?xml version="1.0"?>\n<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">\n  <Collection>\n'
    )
    write_text(path, f"{head}{''.join(lines)}  </Collection>\n</VTKFile>\n")
    return [path, *written]


def dataset(recording: Recording, frame: Frame) -> pyvista.DataSet:
    """One frame as VTK has it."""
    layout = recording.layout
    made = image(layout) if isinstance(layout, Grid) else points(layout, frame.values["position"])  # type: ignore[arg-type]
    for key, value in frame.values.items():
        if key == "position" or (key == "box" and isinstance(layout, Atoms)):
            continue
        column = Column("", value.shape, space=recording.dim if isinstance(layout, Grid) else 1, padded=True)
        rows = column.encode(value)[0].reshape(made.n_points, -1)
        made.point_data[key] = rows[:, 0] if rows.shape[1] == 1 else rows
    labels = {"species": layout.species} if isinstance(layout, Atoms) else getattr(layout, "labels", {})
    for key, label in labels.items():
        made.point_data[key] = label.numpy()
    return made


def image(grid: Grid) -> pyvista.ImageData:
    import pyvista

    flat = (0.0,) * (3 - len(grid.cells))
    return pyvista.ImageData(
        dimensions=(*grid.cells, *(1 for _ in flat)),
        spacing=(*grid.spacing, *(1.0 for _ in flat)),
        origin=(*grid.origin, *flat),
    )


def points(layout: Points | Atoms, position: np.ndarray) -> pyvista.UnstructuredGrid:
    import pyvista

    place = np.pad(position, ((0, 0), (0, 3 - position.shape[1])))
    if isinstance(layout, Elements):
        kind, order = VTK[layout.nodes.shape[1]]
        nodes = layout.nodes.numpy()[:, order]
    else:
        kind, nodes = VERTEX, np.arange(len(place))[:, None]
    cells = np.insert(nodes, 0, nodes.shape[1], axis=1).ravel()
    return pyvista.UnstructuredGrid(cells, np.full(len(nodes), kind, dtype=np.uint8), place)
