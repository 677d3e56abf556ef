"""The datasets of one growing output, held open: to look them up again for each frame costs more than a small frame."""

from __future__ import annotations

from collections.abc import Mapping

import h5py
import numpy as np

from scenegrad.engine.files.column import Column

__all__ = ["Rooms"]

AHEAD = 64  # frames that the datasets are made longer by; what is not written yet takes no room on the disk


class Rooms:
    """Columns, times and steps of one output. They are longer than what was written until they are trimmed."""

    def __init__(self, track: h5py.Group, columns: Mapping[str, Column]):
        self.columns = {key: (column, Place(track.file[column.path], column.rows)) for key, column in columns.items()}
        self.time, self.step = Place(track["time"], 1), Place(track["step"], 1)
        self.counter, self.counted = h5py.h5a.open(track.id, b"frames"), np.zeros((), dtype=np.int64)
        self.scratch: dict[str, np.ndarray] = {}
        self.room = min(place.frames for place in self.places)

    @property
    def places(self) -> list[Place]:
        return [self.time, self.step, *(place for _, place in self.columns.values())]

    def write(self, frame: int, time: float, step: int, values: Mapping[str, np.ndarray]) -> None:
        """Frame number `frame`, which may be the next one."""
        if frame >= self.room:
            self.trim(frame + AHEAD)
        for key, (column, place) in self.columns.items():
            if key not in self.scratch:
                self.scratch[key] = np.zeros(column.stored, values[key].dtype)
            place.put(frame, column.encode(values[key], self.scratch[key]))
        self.time.put(frame, np.array([time], dtype=np.float64))
        self.step.put(frame, np.array([step], dtype=np.int64))

    def count(self, frames: int) -> None:
        """So many frames count."""
        self.counted[()] = frames
        self.counter.write(self.counted)

    def trim(self, frames: int) -> None:
        """Makes all of them as long as so many frames."""
        for place in self.places:
            place.resize(frames)
        self.room = frames


class Place:
    """One dataset, and its selections in the file and in memory, which serve for every frame."""

    def __init__(self, data: h5py.Dataset, rows: int):
        self.id, self.rows = data.id, rows
        self.shape = (rows, *data.shape[1:])
        self.memory = h5py.h5s.create_simple(self.shape)
        self.dtype, filters = data.dtype, data.id.get_create_plist().get_nfilters()
        self.whole = data.chunks == self.shape and not filters  # a frame is a chunk, and goes into the file as it is
        self.there = self.id.get_space()

    @property
    def frames(self) -> int:
        return int(self.id.shape[0] // max(self.rows, 1))

    def resize(self, frames: int) -> None:
        if self.id.shape[0] != frames * self.rows:
            self.id.set_extent((frames * self.rows, *self.shape[1:]))
            self.there = self.id.get_space()

    def put(self, frame: int, rows: np.ndarray) -> None:
        if not rows.size:
            return
        corner, rows = (frame * self.rows, *(0,) * (len(self.shape) - 1)), np.ascontiguousarray(rows)
        if self.whole and rows.dtype == self.dtype:  # past the cache of chunks, which would copy them once more
            self.id.write_direct_chunk(corner, rows)
        else:
            self.there.select_hyperslab(corner, self.shape)
            self.id.write(self.memory, self.there, rows)
