"""How the frames of one quantity lie in an HDF5 dataset that grows along its first axis."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import h5py
import numpy as np

__all__ = ["SMALL_FRAME", "Column"]

LARGEST_CHUNK = 1 << 30  # bytes; HDF5 refuses chunks of 4 GiB
STRIP = 32  # samples
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
            self.path, (0, *row), dtype, maxshape=(None, *row), chunks=tuple(chunk), track_times=False
        )
        data.attrs["units"] = self.unit
        return data

    def encode(self, value: np.ndarray, scratch: np.ndarray | None = None) -> np.ndarray:
        """A frame as rows of the dataset. scratch: an array of the shape `stored` that may be written over."""
        if self.padded and value.ndim > self.space:
            value = value.reshape((*value.shape[: self.space], -1))
        rows = turned(value, self.space, np.zeros(self.stored, value.dtype) if scratch is None else scratch)
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


def turned(value: np.ndarray, space: int, made: np.ndarray) -> np.ndarray:
    """The first axes reversed, with further components that are 0 already; in `made`, or as it is where that will do.

    It is copied a strip of the first axis at a time, so that what is read and what is written both stay in the cache:
    of a plane of 256^2 that takes a fifth of the time.
    """
    view = np.transpose(value, (*reversed(range(space)), *range(space, value.ndim)))
    if view.shape == made.shape and (view.flags.c_contiguous or space == 0):
        return view
    there = made[..., : view.shape[-1]] if view.ndim > space else made
    for begin in range(0, view.shape[space - 1], STRIP):
        strip = (*(slice(None),) * (space - 1), slice(begin, begin + STRIP))
        there[strip] = view[strip]
    return made
