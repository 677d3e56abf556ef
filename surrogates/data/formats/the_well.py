"""Grids as The Well 1.2 has them [Ohana et al. 2024, arXiv:2412.00568; its docs/data_format.md]: reading."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.open_files import OpenFiles
from scenegrad.surrogates.data.formats.ends import ends
from scenegrad.surrogates.data.formats.times import straightened
from scenegrad.surrogates.data.split import SplitByPlace, fingerprint

__all__ = ["PROBE", "TheWell", "WellField"]

PROBE = "fields"
FOLDERS = {"train": "train", "validation": "valid", "test": "test"}  # of each part


@dataclass(frozen=True)
class WellField:
    """One field of a file: its path, the order of the tensor, and along which axes it varies."""

    path: str
    order: int
    by_sample: bool
    by_time: bool
    by_axis: tuple[bool, ...]

    def read(self, file: h5py.File, row: int, frames: slice, count: int, grid: tuple[int, ...]) -> np.ndarray:
        """[frame, *grid], [frame, *grid, dim] or [frame, *grid, dim * dim]; `count` frames in all."""
        where = ((row,) if self.by_sample else ()) + ((frames,) if self.by_time else ())
        found = np.asarray(file[self.path][where or ...])
        if not self.by_time:
            found = found[None]
        space = [n if varies else 1 for n, varies in zip(grid, self.by_axis, strict=True)]
        found = found.reshape(len(found), *space, *([-1] if self.order else []))
        shown = len(range(*frames.indices(count)))
        whole = (shown, *grid, *found.shape[1 + len(grid) :])
        return found if found.shape == whole else np.broadcast_to(found, whole).copy()


class TheWell:
    """Trajectories of a file, or of a folder with data/train, data/valid and data/test, or of a folder of files.

    Scalars that vary from one trajectory to the next, or hold for all of them, are parameters. Tensors of order 2 have
    their dim * dim components along one axis. Fields that do not change in time are the same in every frame.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.parts = files_of(self.path)
        self.files = [file for files in self.parts.values() for file in files]
        self.handles = OpenFiles()
        self.rows = [(file, row) for file in self.files for row in range(self.check(file))]
        self.probes = [PROBE]

    def open(self, file: Path) -> h5py.File:
        try:
            return self.handles.open(file)
        except OSError as error:
            raise FileError(f"{file} cannot be read as HDF5 ({error}). Fetch or write it again.") from error

    def check(self, path: Path) -> int:
        """Number of trajectories of a file; refuses one that is not of this layout, or not like the first."""
        file = self.open(path)
        attributes = ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories")
        groups = ("dimensions/time", "scalars", "t0_fields", "t1_fields", "t2_fields")
        missing = [n for n in attributes if n not in file.attrs] + [n for n in groups if n not in file]
        if missing:
            raise FileError(
                f"{path} does not have the layout of The Well: {', '.join(missing)} not found among the attributes "
                f"{', '.join(file.attrs) or 'none'} and the groups {', '.join(file) or 'none'}. PDEBench files "
                f"are read by read_pdebench, and those of generate by open_dataset."
            )
        if path != self.files[0] and (found := told(file)) != (first := told(self.open(self.files[0]))):
            raise FileError(
                f"{path} does not go with {self.files[0].name}: {differing(found, first)}. Keep the files of one "
                f"data set, of one resolution, in a folder of their own."
            )
        return int(file.attrs["n_trajectories"])

    @property
    def first(self) -> h5py.File:
        return self.open(self.files[0])

    @property
    def name(self) -> str:
        return text(self.first.attrs["dataset_name"])

    @property
    def members(self) -> list[int]:
        return list(range(len(self.rows)))

    @cached_property
    def axes(self) -> tuple[np.ndarray, ...]:
        """Coordinates along each axis [point]."""
        dimensions = self.first["dimensions"]
        return tuple(np.asarray(dimensions[text(axis)]) for axis in dimensions.attrs["spatial_dims"])

    @property
    def grid(self) -> tuple[int, ...]:
        return tuple(len(points) for points in self.axes)

    @cached_property
    def periodic(self) -> tuple[bool, ...]:
        """Of each axis, whether its two sides are one."""
        sides = self.first.get("boundary_conditions", {}).values()
        wrapped = {
            text(a) for s in sides if text(s.attrs["bc_type"]).upper() == "PERIODIC" for a in s.attrs["associated_dims"]
        }
        return tuple(text(axis) in wrapped for axis in self.first["dimensions"].attrs["spatial_dims"])

    @cached_property
    def fields(self) -> dict[str, WellField]:
        found = {}
        for order in range(3):
            group = self.first[f"t{order}_fields"]
            for name in map(text, group.attrs["field_names"]):
                about = group[name].attrs
                by_axis = tuple(bool(varies) for varies in about["dim_varying"])
                by_sample, by_time = bool(about["sample_varying"]), bool(about["time_varying"])
                found[name] = WellField(f"t{order}_fields/{name}", order, by_sample, by_time, by_axis)
        return found

    def quantities(self, probe: str) -> list[str]:
        return list(self.fields)

    def times(self, probe: str) -> np.ndarray:
        return straightened(np.atleast_2d(self.first["dimensions/time"])[0])

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        names = [n for n, d in self.first["scalars"].items() if not d.attrs.get("time_varying", False)]
        table: dict[str, list[float]] = {name: [] for name in names}
        for file, row in self.rows:
            for name, values in table.items():
                values.append(float(np.ravel(self.open(file)["scalars"][name])[row if self.varies(file, name) else 0]))
        return {name: np.array(values) for name, values in table.items()}

    def varies(self, file: Path, scalar: str) -> bool:
        return bool(self.open(file)["scalars"][scalar].attrs.get("sample_varying", False))

    @property
    def split(self) -> SplitByPlace:
        """As the folders say: what published figures were measured with."""
        place = {file: part for part, files in self.parts.items() for file in files}
        of = [place[file] for file, _ in self.rows]
        validation, test = ([i for i, p in enumerate(of) if p == part] for part in ("validation", "test"))
        return SplitByPlace(tuple(validation), tuple(test))

    @property
    def hash(self) -> str:
        """Of names, shapes, sizes, parameters, and the ends of the first and the last trajectory: such data may be
        larger than anybody would read for it."""
        about = json.dumps([told(self.first), [(f.name, row, f.stat().st_size) for f, row in self.rows]])
        return fingerprint(self.parameters | ends(self) | {"about": np.frombuffer(about.encode(), dtype=np.uint8)})

    def read(self, member: int, probe: str, quantity: str, frames: slice = slice(None)) -> np.ndarray:
        if probe != PROBE or quantity not in self.fields:
            raise KeyError(f"{self.path} has no {probe}/{quantity}; it has {PROBE}: {', '.join(self.fields)}")
        file, row = self.rows[member]
        return self.fields[quantity].read(self.open(file), row, frames, len(self.times(probe)), self.grid)

    def close(self) -> None:
        self.handles.close()


def files_of(path: Path) -> dict[str, list[Path]]:
    """Files of each part; without folders for the parts, all are for training."""
    if path.is_file():
        return {"train": [path]}
    folders = {part: path / "data" / name for part, name in FOLDERS.items()}
    parts = {part: inside(folder) for part, folder in folders.items()}
    found = {part: files for part, files in parts.items() if files} or {"train": inside(path)}
    if not any(found.values()):
        raise FileError(
            f"{path} holds no .hdf5 or .h5 file of The Well, neither itself nor in data/train, data/valid, data/test; "
            f"there is {', '.join(sorted(p.name for p in path.iterdir())[:6]) if path.is_dir() else 'no such folder'}."
        )
    return found


def inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix in (".hdf5", ".h5") and not p.stem.endswith(".part"))


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def told(file: h5py.File) -> dict[str, object]:
    """What the files of a data set must share."""
    dimensions = file["dimensions"]
    spatial = [text(axis) for axis in dimensions.attrs["spatial_dims"]]
    times = np.atleast_2d(dimensions["time"])
    return {
        "dataset_name": text(file.attrs["dataset_name"]),
        "resolution": [int(dimensions[axis].shape[0]) for axis in spatial],
        "frames": int(times.shape[1]),
        "last time": float(times[0, -1] - times[0, 0]),
        "fields": [sorted(map(text, file[f"t{order}_fields"].attrs["field_names"])) for order in range(3)],
        "scalars": sorted(file["scalars"]),
    }


def differing(found: dict[str, object], first: dict[str, object]) -> str:
    return "; ".join(f"{key} {found[key]}, there {first[key]}" for key in found if found[key] != first[key])
