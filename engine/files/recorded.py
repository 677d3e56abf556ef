"""What a run wrote down, read when it is asked for: `run["fields"].vorticity[-1]`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.column import Column
from scenegrad.engine.files.frames import OURS, part_name, read_columns
from scenegrad.engine.files.guarded import guarded
from scenegrad.engine.files.layouts import read_layout
from scenegrad.engine.solver import Layout

__all__ = ["Output", "Quantity", "frames_in_words", "open_member", "open_outputs"]

SUFFIXES = (".vtkhdf", ".h5md", ".h5")
TOLD = 6  # quantities of an output, where it is told in one line


class Quantity:
    """One quantity of one output: an array [frame, ...] that stays in its file until it is indexed."""

    def __init__(self, file: Path, name: str, column: Column, time: np.ndarray):
        self.file, self.name, self.column = file, name, column
        self.time = time  # of each frame [frame], float64
        self.units = column.unit

    def __len__(self) -> int:
        return len(self.time)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.column.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        with h5py.File(self.file, "r", locking=False) as file:
            return file[self.column.path].dtype

    def __getitem__(self, index: Any) -> np.ndarray:
        """Only the frames that are asked for are read."""
        frames, rest = (index[0], index[1:]) if isinstance(index, tuple) and index else (index, ())
        if isinstance(frames, slice):
            start, stop, stride = frames.indices(len(self))
            if stride > 0:
                return self.read(start, max(start, stop), stride)[(slice(None), *rest)]
            return self.read(0, len(self), 1)[(frames, *rest)]
        if isinstance(frames, int | np.integer):
            if not -len(self) <= frames < len(self):
                raise IndexError(f"{self.name} has {len(self)} frames; there is no frame {frames}")
            start = int(frames) % len(self)
            return self.read(start, start + 1, 1)[(0, *rest)]
        return np.asarray(self)[index]

    def read(self, start: int, stop: int, stride: int) -> np.ndarray:
        with h5py.File(self.file, "r", locking=False) as file:
            return self.column.read(file[self.column.path], start, stop, stride)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.read(0, len(self), 1), dtype=dtype)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[n] for n in range(len(self)))

    def mean(self, after: float = -np.inf, before: float = np.inf) -> np.ndarray:
        """Mean over the frames with after <= time <= before [time]."""
        chosen = (self.time >= after) & (self.time <= before)
        if not chosen.any():
            raise FileError(
                f"{self.name} has no frame between {after:g} and {before:g}; its frames lie between "
                f"{self.time[0]:g} and {self.time[-1]:g}."
            )
        return np.asarray(self)[chosen].mean(axis=0, dtype=np.float64)

    def __repr__(self) -> str:
        return f"{self.name}{list(self.shape)} [{self.units or '1'}]"


class Output:
    """What one output of the scene recorded: its quantities as attributes. With one quantity it behaves as that one."""

    def __init__(self, file: Path, name: str, track: h5py.Group):
        frames = int(track.attrs["frames"])
        self.file, self.name, self.kind = file, name, str(track.attrs["kind"])  # grid, points, atoms or series
        self.time = np.asarray(track["time"][:frames])
        self.time_unit = str(track["time"].attrs["units"])
        self.steps = np.asarray(track["step"][:frames])  # accepted steps before each frame
        self.quantities = {key: Quantity(file, key, column, self.time) for key, column in read_columns(track).items()}

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or "quantities" not in self.__dict__:
            raise AttributeError(key)
        if key in self.quantities:
            return self.quantities[key]
        if hasattr(Quantity, key) or key == "units":
            return getattr(self.only(), key)
        raise AttributeError(f"{self.name} has no {key!r}; it recorded {', '.join(self.quantities)}")

    def only(self) -> Quantity:
        if len(self.quantities) > 1:
            first = next(iter(self.quantities))
            raise AttributeError(
                f"{self.name} recorded {', '.join(self.quantities)}; say which, as in .{first} or [{first!r}]"
            )
        return next(iter(self.quantities.values()))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            if index not in self.quantities:
                raise KeyError(f"{self.name} has no {index!r}; it recorded {', '.join(self.quantities)}")
            return self.quantities[index]
        return self.only()[index]

    def __len__(self) -> int:
        return len(self.time)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.only(), dtype=dtype)

    @property
    def layout(self) -> Layout:
        """Where its samples are, as the file tells."""
        with h5py.File(self.file, "r", locking=False) as file:
            track = file[f"{OURS}/probes/{self.name}"]
            return read_layout(file, self.name, track, read_columns(track))

    @property
    def provenance(self) -> dict[str, Any]:
        """What the file says of how it was made."""
        with h5py.File(self.file, "r", locking=False) as file:
            return {key: plain(value) for key, value in file[OURS].attrs.items()}

    def coordinates(self) -> dict[str, np.ndarray]:
        """Axes that stand still, such as the radii of g(r)."""
        with h5py.File(self.file, "r", locking=False) as file:
            found = file.get(f"{self.name}/coordinates", {})
            return {key: np.asarray(values) for key, values in found.items()}

    def __repr__(self) -> str:
        held = list(map(repr, self.quantities.values()))
        more = f" and {len(held) - TOLD} more" if len(held) > TOLD + 1 else ""
        return f"{self.name}: {frames_in_words(len(self))} of {', '.join(held[:TOLD] if more else held)}{more}"


def frames_in_words(count: int) -> str:
    return f"{count} frame{'' if count == 1 else 's'}"


def plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def open_member(path: Path) -> dict[str, Output]:
    """Every output in the file of one member of a dataset, by its name."""
    try:
        with guarded(h5py.File(path, "r", locking=False)) as file:
            return {probe: Output(path, probe, track) for probe, track in file[f"{OURS}/probes"].items()}
    except (OSError, KeyError) as error:
        raise FileError(f"{path} cannot be read as a member of a dataset ({error}).") from error


def open_outputs(folder: Path) -> dict[str, Output]:
    """Every output in the folder of a run, by its name; an unfinished file counts up to its last commit."""
    found: dict[str, Output] = {}
    files = [path for path in folder.iterdir() if path.suffix in SUFFIXES]
    begun = [path for path in files if ".part." not in path.name or path.stat().st_size]
    names = {path.name.replace(".part", "") for path in begun if not path.name.startswith("checkpoint.")}
    for name in sorted(names):
        path = folder / name if (folder / name).exists() else part_name(folder / name)
        try:
            with guarded(h5py.File(path, "r", locking=False)) as file:
                for probe, track in file.get(f"{OURS}/probes", {}).items():
                    found[probe] = Output(path, probe, track)
        except OSError as error:
            raise FileError(f"{path} cannot be read as HDF5 ({error}).") from error
    return found
