"""HDF5 files that stay open while they are read here and there."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import h5py

from scenegrad.engine.files.guarded import guarded

try:
    import resource
except ImportError:  # Windows, where a process may have 8,192 files open
    resource = None  # type: ignore[assignment]

__all__ = ["OpenFiles"]

FEWEST = 64


class OpenFiles:
    """Opens a file once for each process. The least recently used are closed where the system allows no more.

    A forked process opens its own: HDF5 must not share handles across a fork. Pickled, it holds none.
    """

    def __init__(self) -> None:
        self.held: OrderedDict[Path, h5py.File] = OrderedDict()
        self.found: dict[Path, dict[str, h5py.Dataset]] = {}  # to look one up costs as much as to read a small frame
        self.owner = os.getpid()

    def __len__(self) -> int:
        return len(self.held)

    @property
    def most(self) -> int:
        """How many may be open: a quarter of what the process may have; the rest is for others."""
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else 8192
        unlimited = resource is not None and allowed == resource.RLIM_INFINITY
        return 1 << 14 if unlimited else max(FEWEST, min(allowed // 4, 1 << 14))

    def open(self, path: Path) -> h5py.File:
        """The file, for reading; raises OSError where it cannot be, FileError where it may not be."""
        if self.owner != os.getpid():
            self.held, self.found, self.owner = OrderedDict(), {}, os.getpid()
        if path in self.held:
            self.held.move_to_end(path)
            return self.held[path]
        file = self.held[path] = guarded(h5py.File(path, "r", locking=False))
        if len(self.held) > self.most:
            oldest, other = self.held.popitem(last=False)
            self.found.pop(oldest, None)
            other.close()
        return file

    def dataset(self, path: Path, name: str) -> h5py.Dataset:
        """One dataset of a file, by its path inside."""
        file = self.open(path)
        known = self.found.setdefault(path, {})
        if name not in known:
            known[name] = file[name]
        return known[name]

    def close(self) -> None:
        for file in self.held.values():
            file.close()
        self.held.clear()
        self.found.clear()

    def __reduce__(self) -> tuple[type[OpenFiles], tuple[()]]:
        return OpenFiles, ()
