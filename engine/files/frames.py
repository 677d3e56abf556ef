"""A file that grows frame by frame: first the data, then, after they reached the file, the number of frames that count.

While it grows it is called <name>.part.<suffix>; it gets its name when it is complete. After a crash everything up to
the last commit is there; a frame that was being written when the process died is not counted, and is written again.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.column import SMALL_FRAME, Column
from scenegrad.engine.files.disk import Growth, disk_errors, need_room
from scenegrad.engine.files.formats import Format
from scenegrad.engine.files.layouts import keep_layout
from scenegrad.engine.files.rooms import Rooms
from scenegrad.system import publish

__all__ = ["OURS", "FrameFile", "part_name", "write_provenance"]

OURS = "scenegrad"  # our own group in every file; other readers pass it by
TRACK = 512  # frames whose times and steps share a chunk
INDEX = 1 << 12  # bytes that the index of a chunk, or the head of a dataset, may take


def part_name(path: Path) -> Path:
    return path.with_name(f"{path.stem}.part{path.suffix}")


class FrameFile:
    """One file with the frames of one or more probes."""

    def __init__(self, path: Path, file: h5py.File, time_unit: str = "s"):
        self.path, self.file, self.time_unit = path, file, time_unit
        self.growth = Growth(part_name(path))
        self.formats: dict[str, Format] = {}
        self.columns: dict[str, dict[str, Column]] = {}
        self.frames: dict[str, int] = {}
        self.rooms: dict[str, Rooms] = {}
        self.chunks: dict[str, list[tuple[int, int, int]]] = {}

    @classmethod
    def create(cls, path: Path, provenance: Mapping[str, Any], time_unit: str = "s") -> FrameFile:
        part = part_name(path)
        with disk_errors(path, 0):
            need_room(path, 0, f"The head of {path.name}")
            file = h5py.File(part, "w", locking=False)
            write_provenance(file, provenance)
            file.flush()  # a file that holds no frame yet can be opened too
        return cls(path, file, time_unit)

    @classmethod
    def reopen(
        cls, path: Path, formats: Mapping[str, Format], frames: Mapping[str, int], time_unit: str = "s"
    ) -> FrameFile:
        """Goes on with a file that was left behind, cut back to `frames` of each probe."""
        part = part_name(path)
        try:
            self = cls(path, h5py.File(part, "r+", locking=False), time_unit)
            for name, track in self.file[f"{OURS}/probes"].items():
                self.formats[name] = formats[name]
                self.columns[name] = read_columns(track)
                if int(track.attrs["frames"]) < frames.get(name, 0):
                    raise ValueError(f"{name} has {track.attrs['frames']} frames, the checkpoint {frames.get(name, 0)}")
                self.frames[name] = frames.get(name, 0)
                self.rooms[name] = Rooms(track, self.columns[name])
            self.trim()
            self.commit()
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise FileError(
                f"{part} does not go with the checkpoint beside it ({error}). Nothing was changed. Start again with "
                f"--overwrite, or in another folder."
            ) from error
        return self

    def append(self, format: Format, name: str, time: float, step: int, values: Mapping[str, np.ndarray]) -> None:
        """Writes one more frame; it counts after the next commit."""
        size = self.room(name, values)
        need_room(self.path, size, f"Frame {self.frames.get(name, 0)} of {name}")
        with disk_errors(self.path, size):
            self.growth.ask(size)
            if name not in self.columns:
                self.begin(format, name, values)
            frame = self.frames[name]
            self.rooms[name].write(frame, time, step, values)
        self.frames[name] = frame + 1

    def room(self, name: str, values: Mapping[str, np.ndarray]) -> int:
        """Bytes by which the next frame may make the file longer: chunks are taken whole, and each wants its index."""
        if name not in self.columns:
            return sum(max(value.nbytes, SMALL_FRAME) + INDEX for value in values.values()) + 2 * (TRACK * 8 + INDEX)
        if name not in self.chunks:
            track = self.file[f"{OURS}/probes/{name}"]
            tables = [(column.rows, self.file[column.path]) for column in self.columns[name].values()]
            self.chunks[name] = [chunks_of(*one) for one in (*tables, (1, track["time"]), (1, track["step"]))]
        n = self.frames[name]
        return sum(
            (-(-(n + 1) * rows // length) + (-n * rows // length)) * size for rows, length, size in self.chunks[name]
        )

    def begin(self, format: Format, name: str, values: Mapping[str, np.ndarray]) -> None:
        columns = format.columns(values)
        for key, column in columns.items():
            column.create(self.file, values[key].dtype)
        format.begin(self.file, columns)
        track = self.file.create_group(f"{OURS}/probes/{name}")
        for key, dtype in (("time", np.float64), ("step", np.int64)):
            track.create_dataset(key, (0,), dtype, maxshape=(None,), chunks=(TRACK,), track_times=False)
        track["time"].attrs["units"] = self.time_unit
        track.attrs["kind"] = format.kind
        keep_layout(track, format.layout, format.member)
        track.attrs["columns"] = json.dumps({key: column.table() for key, column in columns.items()})
        track.attrs["frames"] = np.int64(0)
        self.formats[name], self.columns[name], self.frames[name] = format, columns, 0
        self.rooms[name] = Rooms(track, columns)

    def commit(self) -> None:
        """From here on the frames written so far survive the end of the process."""
        with disk_errors(self.path, 0):
            self.file.flush()
            for name, frames in self.frames.items():
                self.rooms[name].count(frames)
            self.file.flush()

    def sync(self) -> None:
        """... and the loss of power."""
        os.fsync(self.file.id.get_vfd_handle())

    def trim(self) -> None:
        """Cuts off what was written after the last frame that counts."""
        for name, rooms in self.rooms.items():
            rooms.trim(self.frames[name])

    def seal(self) -> None:
        """Completes the file and gives it its name."""
        with disk_errors(self.path, 0):
            self.trim()
            for name, format in self.formats.items():
                format.seal(self.file, self.columns[name], self.file[f"{OURS}/probes/{name}"])
            self.commit()
            self.file.close()
            publish(part_name(self.path), self.path)

    def close(self) -> None:
        """Leaves the file as it is, under its name of an unfinished one."""
        with suppress(OSError, RuntimeError):  # of a full disk, which was reported when it happened
            self.file.close()


def write_provenance(file: h5py.File, provenance: Mapping[str, Any]) -> None:
    group = file.create_group(OURS)
    for key, value in provenance.items():
        group.attrs[key] = value if isinstance(value, str | int | float) else json.dumps(value)


def chunks_of(rows: int, data: h5py.Dataset) -> tuple[int, int, int]:
    """(rows of a frame, rows that share chunks, bytes of these chunks with their index)."""
    across = math.prod(-(-n // c) for n, c in zip(data.shape[1:], data.chunks[1:], strict=True))
    return rows, data.chunks[0], across * (math.prod(data.chunks) * data.dtype.itemsize + INDEX)


def read_columns(track: h5py.Group) -> dict[str, Column]:
    return {key: Column.from_table(table) for key, table in json.loads(track.attrs["columns"]).items()}
