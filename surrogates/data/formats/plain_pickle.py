"""Arrays of objects in .npz files, without running what a stranger's file may ask for."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.engine.errors import FileError

__all__ = ["read_npz"]

MISHAPS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of damaged bytes that still unpack
ALLOWED = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}


class ArraysOnly(pickle.Unpickler):
    """Numpy arrays, numbers, tuples, lists and dicts; anything else is refused before it is made."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only arrays are read")


def read_npz(path: Path) -> dict[str, Any]:
    """The entries of a .npz file; arrays of objects, too, as long as they hold arrays and plain values."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {entry.removesuffix(".npy"): entry_of(archive, entry) for entry in archive.namelist()}
    except FileNotFoundError as error:
        raise FileError(f"{path} is not there.") from error
    except (zipfile.BadZipFile, pickle.UnpicklingError, OSError, EOFError, MemoryError, *MISHAPS) as error:
        raise FileError(f"{path} is not read as .npz: {error}. Save arrays alone, with numpy.savez.") from error


def entry_of(archive: zipfile.ZipFile, entry: str) -> Any:
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        dtype = read(file)[2]
        if dtype.hasobject:
            return ArraysOnly(file).load()
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
