"""Files that appear whole or not at all, also across a power cut."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["appearing", "publish", "sweep"]


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Where to write what `path` is to be, which gets its name when all is written; where that fails, nothing is left.

    The number of the process is in the name, so that two that write the same file do not mix; the suffix stays, for
    libraries that go by it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Removes what processes have left of this file that were killed while they wrote it."""
    for stray in path.parent.glob(f"{glob.escape(path.stem)}.*.part{path.suffix}"):
        stray.unlink(missing_ok=True)


def publish(part: Path, final: Path) -> None:
    """Gives a finished file its name: contents to the disk first, then the name, then the folder that holds it."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    rename(part, final)
    with suppress(PermissionError):  # Windows opens no folders, and keeps names safe by itself
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def rename(part: Path, final: Path) -> None:
    """Windows refuses to replace a file while somebody reads it, which passes."""
    for wait in (0.01, 0.1, 1.0) if os.name == "nt" else ():
        try:
            return os.replace(part, final)
        except PermissionError:
            time.sleep(wait)
    os.replace(part, final)
