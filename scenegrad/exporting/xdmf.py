"""XDMF 2 on VTKHDF: a text that says where in an HDF5 file the numbers of each frame are [xdmf.org, Model and Format].

The numbers of a run that came to its end are not copied: the text points into the run's own file. Those of other runs,
of members of datasets and of atoms go to a .vtkhdf file beside it, which has the same layout.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.sax.saxutils import escape

import h5py
import numpy as np

from scenegrad.engine.files.atomic import write_text
from scenegrad.engine.solver import Elements, Grid
from scenegrad.exporting.copying import write_vtkhdf
from scenegrad.exporting.recording import Recording

__all__ = ["write_xdmf"]

TYPES = {22: "Tri_6", 24: "Tet_10"}  # by VTK's number of the kind of cell
KINDS = {"f": "Float", "i": "Int", "u": "UInt"}
ORDERS = {0: "Scalar", 3: "Vector", 9: "Tensor"}


def write_xdmf(recording: Recording, path: Path) -> list[Path]:
    """<name>.xdmf, and <name>.vtkhdf where the numbers have to be copied; returns both."""
    own, numbers, written = recording.output.file, list(recording.numbers), [path]
    if own.suffix != ".vtkhdf" or own.stem.endswith(".part"):
        own = path.with_suffix(".vtkhdf")
        written += write_vtkhdf(recording, own)
        numbers = list(range(len(recording)))
    where = escape(os.path.relpath(own, path.parent))
    with h5py.File(own, "r", locking=False) as file:
        layout = recording.layout
        slots = Slots(where, file["VTKHDF"], isinstance(layout, Grid) and len(layout.cells) == 3)
        still = on_grid(layout) if isinstance(layout, Grid) else ""
        rows = 1 if isinstance(layout, Grid) else int(slots.root["NumberOfPoints"][0])
        parts = []
        for number, time in zip(numbers, recording.times, strict=True):
            space = still or of_points(slots, number, rows, layout)
            fields = "".join(
                f'<Attribute Name="{escape(key)}" AttributeType="{order_of(data, layout)}" Center="Node">'
                f"{slots.frame(f'PointData/{key}', number, rows)}</Attribute>\n"
                for key, data in slots.root["PointData"].items()
            )
            head = f'<Grid Name="{escape(recording.name)}" GridType="Uniform">\n<Time Value="{float(time)!r}"/>\n'
            parts.append(f"{head}{space}{fields}</Grid>\n")
    text = f'<?xml version="1.0"?>\n<Xdmf Version="2.0">\n<Domain>\n<Grid Name="{escape(recording.name)}" '
    text += 'GridType="Collection" CollectionType="Temporal">\n' + "".join(parts) + "</Grid>\n</Domain>\n</Xdmf>\n"
    write_text(path, text)
    return written


class Slots:
    """Pieces of the datasets of a VTKHDF file, as XDMF names them. thick: they are fields in space, not in a plane."""

    def __init__(self, where: str, root: h5py.Group, thick: bool):
        self.where, self.root, self.thick = where, root, thick

    def frame(self, path: str, number: int, rows: int) -> str:
        """The rows of one frame; all of a dataset that stands still."""
        data = self.root[path]
        if data.maxshape[0] is not None:
            return self.whole(path)
        shape = (rows, *data.shape[1:])
        start = (number * rows, *(0 for _ in data.shape[1:]))
        slab = " ".join(str(n) for n in (*start, *(1 for _ in shape), *shape))
        shown = shape[1:] if self.thick else shape
        return (
            f'<DataItem ItemType="HyperSlab" Dimensions="{spaced(shown)}">'
            f'<DataItem Dimensions="3 {len(shape)}" Format="XML">{slab}</DataItem>{self.whole(path)}</DataItem>'
        )

    def whole(self, path: str) -> str:
        data = self.root[path]
        number = f'NumberType="{KINDS[data.dtype.kind]}" Precision="{data.dtype.itemsize}"'
        return f'<DataItem Dimensions="{spaced(data.shape)}" {number} Format="HDF">{self.where}:{data.name}</DataItem>'


def spaced(shape: tuple[int, ...]) -> str:
    return " ".join(map(str, shape))


def order_of(data: h5py.Dataset, layout: object) -> str:
    tail = data.shape[1 + len(layout.cells) :] if isinstance(layout, Grid) else data.shape[1:]
    return ORDERS.get(int(np.prod(tail)) if tail else 0, "Matrix")


def on_grid(grid: Grid) -> str:
    """Topology and geometry of a uniform grid, the last axis first; a plane is a space one sample thick, as VTK's
    reader mixes up the axes of planes."""
    flat = 3 - len(grid.cells)
    numbers = [
        '<DataItem Dimensions="3" NumberType="Float" Precision="8" Format="XML">'
        f"{' '.join(repr(float(x)) for x in (*(still,) * flat, *reversed(values)))}</DataItem>"
        for values, still in ((grid.origin, 0.0), (grid.spacing, 1.0))
    ]
    return (
        f'<Topology TopologyType="3DCoRectMesh" Dimensions="{spaced((*(1,) * flat, *reversed(grid.cells)))}"/>\n'
        f'<Geometry GeometryType="ORIGIN_DXDYDZ">{"".join(numbers)}</Geometry>\n'
    )


def of_points(slots: Slots, number: int, rows: int, layout: object) -> str:
    geometry = f'<Geometry GeometryType="XYZ">{slots.frame("Points", number, rows)}</Geometry>\n'
    if isinstance(layout, Elements):
        count, kind = len(layout.nodes), TYPES[int(slots.root["Types"][0])]
        nodes = slots.whole("Connectivity")
        return f'<Topology TopologyType="{kind}" NumberOfElements="{count}">{nodes}</Topology>\n{geometry}'
    ids = slots.whole("Vertices/Connectivity")
    head = f'<Topology TopologyType="Polyvertex" NodesPerElement="1" NumberOfElements="{rows}">'
    return f"{head}{ids}</Topology>\n{geometry}"
