"""Temporal VTKHDF as the runs write it: uniform grids (ImageData) and particles (PolyData), one partition a frame.

The layout is that of the VTK HDF file format; h5py reads it because it can jump to a frame and because it forgives a
file whose last frame is unfinished, for which VTK ends the process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.committed import attribute, committed_times, open_hdf5, setting_in, unit_of
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Array, Field
from scenegrad.view.setting import Setting

if TYPE_CHECKING:
    import h5py
    import pyvista

__all__ = ["ElementFrames", "GridFrames", "PointFrames", "open_vtkhdf"]

LABELS = ("body", "species", "material")  # integers that name a kind of particle


def open_vtkhdf(path: Path) -> GridFrames | PointFrames | ElementFrames:
    """The frames of a .vtkhdf file."""
    file = open_hdf5(path)
    try:
        if "VTKHDF" not in file:
            raise ViewError(f"{path} has no group VTKHDF, so it is not a VTKHDF file. It holds {', '.join(file)}.")
        root = file["VTKHDF"]
        kind = attribute(root, "Type")
        if kind not in KINDS:
            raise ViewError(f"{path} is VTKHDF of type {kind!r}; pictures are made of {', '.join(KINDS)}.")
        steps = root.get("Steps")  # a file that is still growing has none
        listed = np.asarray(steps["Values"], dtype=np.float64) if steps is not None else None
        times = committed_times(file, path.stem, listed)
        return KINDS[kind](path, setting_in(file), times, file)
    except BaseException:
        file.close()
        raise


@dataclass(frozen=True)
class VTKFrames(ABC):
    """What all types share: a file, and a shape in each frame that carries fields."""

    path: Path
    setting: Setting
    times: NDArray[np.float64]
    file: h5py.File

    @property
    def root(self) -> Any:
        return self.file["VTKHDF"]

    @abstractmethod
    def fields(self) -> dict[str, Field]: ...

    @abstractmethod
    def values(self, name: str, index: int) -> Array: ...

    @abstractmethod
    def shape(self, index: int) -> pyvista.DataSet:
        """Points and cells of a frame."""

    def frame(self, index: int) -> pyvista.DataSet:
        shape = self.shape(index)
        for name, field in self.fields().items():
            shape.point_data[name] = flattened(self.values(name, index), field.components)
        return shape

    def close(self) -> None:
        self.file.close()


class GridFrames(VTKFrames):
    """Fields on a uniform grid."""

    @property
    def cells(self) -> tuple[int, ...]:
        """Samples along each axis."""
        lo_x, hi_x, lo_y, hi_y, lo_z, hi_z = (int(n) for n in self.root.attrs["WholeExtent"])
        counts = (hi_x - lo_x + 1, hi_y - lo_y + 1, hi_z - lo_z + 1)
        return counts[: 3 if counts[2] > 1 else 2 if counts[1] > 1 else 1]

    @property
    def dim(self) -> int:
        return len(self.cells)

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Distance of samples [dim]."""
        return np.asarray(self.root.attrs["Spacing"], dtype=np.float64)[: self.dim]

    @property
    def origin(self) -> NDArray[np.float64]:
        """Position of the first sample [dim]."""
        return np.asarray(self.root.attrs["Origin"], dtype=np.float64)[: self.dim]

    def fields(self) -> dict[str, Field]:
        return {
            name: Field(name, 1 if data.ndim == 1 + self.dim else data.shape[-1], unit_of(data))
            for name, data in self.root["PointData"].items()
        }

    def values(self, name: str, index: int) -> Array:
        """[(nz,) ny, nx], with a last axis of components unless it is a scalar."""
        return np.asarray(self.root["PointData"][name][self.offset(name, index)])

    def offset(self, name: str, index: int) -> int:
        offsets = self.root.get(f"Steps/PointDataOffsets/{name}")
        return index if offsets is None else int(offsets[index])

    def shape(self, index: int) -> pyvista.ImageData:
        import pyvista

        pad = (0,) * (3 - self.dim)
        return pyvista.ImageData(
            dimensions=(*self.cells, *(1 for _ in pad)),
            spacing=(*self.spacing, *(1.0 for _ in pad)),
            origin=(*self.origin, *pad),
        )


class PointFrames(VTKFrames):
    """Particles, whose number may change from frame to frame."""

    @property
    def dim(self) -> int:
        """That of the scene; without one, 2 where nothing ever leaves the plane z = 0."""
        if self.setting.dim is not None:
            return self.setting.dim
        return 3 if np.any(self.positions(0)[:, 2]) or np.any(self.positions(len(self.times) - 1)[:, 2]) else 2

    def fields(self) -> dict[str, Field]:
        return {
            name: Field(
                name,
                1 if data.ndim == 1 else int(np.prod(data.shape[1:])),
                unit_of(data),
                labels=name in LABELS and data.dtype.kind in "iu",
            )
            for name, data in self.root["PointData"].items()
        }

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Particles that are joined by lines [line, 2], the same in all frames."""
        lines = self.root.get("Lines/Connectivity")
        return np.asarray(() if lines is None else lines, dtype=np.int64).reshape(-1, 2)

    def count(self, index: int) -> int:
        """Number of particles in a frame."""
        parts = self.root.get("Steps/PartOffsets")
        return int(self.root["NumberOfPoints"][0 if parts is None else int(parts[index])])

    def start(self, table: str, data: Any, index: int) -> int:
        """The first row of a frame: as the file says, or, where it is still growing, frame after frame."""
        offsets = self.root.get(f"Steps/{table}")
        if offsets is not None:
            return int(offsets[index])
        return index * self.count(index) if len(data) > self.count(index) else 0

    def positions(self, index: int) -> NDArray[np.float64]:
        start = self.start("PointOffsets", self.root["Points"], index)
        return np.asarray(self.root["Points"][start : start + self.count(index)], dtype=np.float64)

    def values(self, name: str, index: int) -> Array:
        """[particle], with a last axis of components unless it is a scalar."""
        data = self.root["PointData"][name]
        start = self.start(f"PointDataOffsets/{name}", data, index)
        array = np.asarray(data[start : start + self.count(index)])
        return array.reshape(len(array), -1) if array.ndim > 2 else array

    def shape(self, index: int) -> pyvista.PolyData:
        import pyvista

        return pyvista.PolyData(self.positions(index))


class ElementFrames(PointFrames):
    """Nodes of a mesh, and the elements between them."""

    def shape(self, index: int) -> pyvista.UnstructuredGrid:
        import pyvista

        types = np.asarray(self.root["Types"])
        connectivity = np.asarray(self.root["Connectivity"]).reshape(len(types), -1)
        cells = np.insert(connectivity, 0, connectivity.shape[1], axis=1).ravel()
        return pyvista.UnstructuredGrid(cells, types, self.positions(index))


KINDS: dict[str, type[GridFrames | PointFrames | ElementFrames]] = {
    "ImageData": GridFrames,
    "PolyData": PointFrames,
    "UnstructuredGrid": ElementFrames,
}


def flattened(array: Array, components: int) -> Array:
    """One row a sample, as VTK wants it."""
    return array.reshape(-1) if components == 1 else array.reshape(-1, components)
