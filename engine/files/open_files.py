"""HDF5 files that stay open while they are read here and there."""

from __future__ import annotations

import os
import resource
from collections import OrderedDict
from pathlib import Path

import h5py

__all__ = ["OpenFiles"]

FEWEST = 64


class OpenFiles:
    """Opens a file once for each process. The least recently used are closed where the system allows no more.

    A forked process opens its own: HDF5 must not share handles across a fork. Pickled, it holds none.
    """

    def __init__(self) -> None:
        self.held: OrderedDict[Path, h5py.File] = OrderedDict()
        self.owner = os.getpid()

    def __len__(self) -> int:
        return len(self.held)

    @property
    def most(self) -> int:
        """How many may be open: a quarter of what the process may have; the rest is for others."""
        return max(FEWEST, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4, 1 << 14))

    def open(self, path: Path) -> h5py.File:
        """The file, for reading; raises OSError where it cannot be."""
        if self.owner != os.getpid():
            self.held, self.owner = OrderedDict(), os.getpid()
        if path in self.held:
            self.held.move_to_end(path)
            return self.held[path]
        file = self.held[path] = h5py.File(path, "r", locking=False)
        if len(self.held) > self.most:
            self.held.popitem(last=False)[1].close()
        return file

    def close(self) -> None:
        for file in self.held.values():
            file.close()
        self.held.clear()

    def __reduce__(self) -> tuple[type[OpenFiles], tuple[()]]:
        return OpenFiles, ()
