"""Arrays in .npy and .npz files: numbers alone, and no more of them than the file holds."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import FileError

__all__ = ["read_array", "read_arrays"]

FREE = 1 << 28  # bytes that a compressed array may have, however few it is on the disk
MISHAPS = (OSError, EOFError, MemoryError, ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, TokenError)
RATIO = 200  # beyond that: bytes in memory for each byte on the disk


def read_array(path: str | Path) -> NDArray[Any]:
    """The array of a .npy, or the only one of a .npz."""
    path = Path(path)
    if path.suffix.lower() == ".npz":
        arrays = read_arrays(path)
        if len(arrays) != 1:
            raise FileError(f"{path} holds {len(arrays)} arrays ({', '.join(arrays)}); one is needed.")
        return next(iter(arrays.values()))
    try:
        with path.open("rb") as file:
            check(path, file, path.stat().st_size)
            return np.load(file, allow_pickle=False)
    except MISHAPS as error:
        raise FileError(f"{path} cannot be read as an array: {error}") from error


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz by name."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    check(
                        path,
                        file,
                        max(FREE, RATIO * entry.compress_size, 0) if entry.compress_type else entry.file_size,
                    )
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays}
    except (*MISHAPS, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path} cannot be read as arrays: {error}") from error


def check(path: Path, file: IO[bytes], room: int) -> None:
    """Look at the head of an array of which there are at most `room` bytes; the file is at its start again after it."""
    version = np.lib.format.read_magic(file)
    head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = head(file)
    if dtype.hasobject:
        raise FileError(f"{path} holds Python objects, which could run code when they are read. Save numbers alone.")
    if dtype.kind not in "biuf":
        raise FileError(f"{path} holds an array of the type {dtype}; numbers are needed.")
    if math.prod(shape) * dtype.itemsize > room:
        raise FileError(
            f"{path} claims {' x '.join(map(str, shape))} numbers of {dtype.itemsize} bytes and does not hold them. It "
            f"was cut short, or is no file of numbers."
        )
    file.seek(0)
