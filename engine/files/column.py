"""How the frames of one quantity lie in an HDF5 dataset that grows along its first axis."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import h5py
import numpy as np

__all__ = ["Column"]

LARGEST_CHUNK = 1 << 30  # bytes; HDF5 refuses chunks of 4 GiB
SMALL_FRAME = 1 << 12  # bytes; smaller frames share a chunk


@dataclass(frozen=True)
class Column:
    """One quantity of a probe.

    shape: of a frame in memory. space: how many of its first axes are space; they are stored in reverse, x fastest, as
    VTK has them. padded: vectors of the plane get a third component 0. flat: the first stored axis is no axis of its
    own, the frames follow each other along the rows of the dataset. sampled: the dataset has a first axis of
    trajectories, and this is the only one of them.
    """

    path: str
    shape: tuple[int, ...]
    unit: str = ""
    space: int = 0
    padded: bool = False
    flat: bool = False
    sampled: bool = False

    @property
    def stored(self) -> tuple[int, ...]:
        """Shape of a frame in the file."""
        tail = self.shape[self.space :]
        if self.padded and tail:
            tail = (3,) if tail in ((2,), (3,)) else (math.prod(tail),)
        return (*reversed(self.shape[: self.space]), *tail)

    @property
    def rows(self) -> int:
        return self.stored[0] if self.flat else 1

    def create(self, file: h5py.File, dtype: np.dtype) -> h5py.Dataset:
        row = self.stored[1:] if self.flat else self.stored
        size = max(math.prod(row) * dtype.itemsize, 1)
        chunk = [max(self.rows if self.flat else SMALL_FRAME // size, 1), *(max(n, 1) for n in row)]
        for axis, length in enumerate(chunk):
            while math.prod(chunk) * dtype.itemsize > LARGEST_CHUNK and chunk[axis] > 1:
                chunk[axis] = -(-chunk[axis] // 2)
            assert chunk[axis] <= length
        data = file.create_dataset(
            self.path, (0, *row), dtype, maxshape=(None, *row), chunks=tuple(chunk), fletcher32=True, track_times=False
        )
        data.attrs["units"] = self.unit
        return data

    def put(self, data: h5py.Dataset, frame: int, value: np.ndarray) -> None:
        """Writes frame number `frame`, which may be the next one."""
        rows = self.encode(value)
        start, stop = frame * self.rows, (frame + 1) * self.rows
        if data.shape[0] < stop:
            data.resize(stop, axis=0)
        data[start:stop] = rows

    def trim(self, data: h5py.Dataset, frames: int) -> None:
        if data.shape[0] != frames * self.rows:
            data.resize(frames * self.rows, axis=0)

    def encode(self, value: np.ndarray) -> np.ndarray:
        """A frame as rows of the dataset."""
        rows = np.transpose(value, (*reversed(range(self.space)), *range(self.space, value.ndim)))
        if self.padded and value.ndim > self.space:
            rows = rows.reshape((*self.stored[: self.space], -1))
            if rows.shape[-1] == 2:
                rows = np.concatenate([rows, np.zeros((*rows.shape[:-1], 1), rows.dtype)], axis=-1)
        return rows if self.flat else rows[None]

    def read(self, data: h5py.Dataset, start: int, stop: int, stride: int = 1) -> np.ndarray:
        """Frames start, start + stride, ... before stop, as they were in memory [frame, *shape]."""
        count = len(range(start, stop, stride))
        if self.flat:
            block = data[start * self.rows : stop * self.rows].reshape((stop - start, *self.stored))[::stride]
        else:
            block = data[0, start:stop:stride] if self.sampled else data[start:stop:stride]
        if self.padded and self.shape[self.space :] == (2,):
            block = block[..., :2]
        tail = range(self.space + 1, block.ndim)
        block = np.transpose(block, (0, *reversed(range(1, self.space + 1)), *tail))
        return np.ascontiguousarray(block).reshape((count, *self.shape))

    def table(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Column:
        return cls(**{**table, "shape": tuple(table["shape"])})
