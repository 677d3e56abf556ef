"""Arrays that cost time to make, kept on the disk for the next process that asks for the same."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["cache_folder", "kept"]

MOST = 1 << 30  # bytes of the whole folder
VARIABLE = "SCENEGRAD_CACHE"


def cache_folder() -> Path | None:
    """$SCENEGRAD_CACHE, or scenegrad/ in the user's folder of caches; None where the variable is `off`."""
    told = os.environ.get(VARIABLE, "")
    if told.lower() in ("off", "0", "no"):
        return None
    if told:
        return Path(told)
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "scenegrad"


def kept(
    name: str, parts: Iterable[bytes | memoryview | NDArray[np.generic]], make: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What `make` returns, or what it returned when it was last asked about the same parts, by their SHA-256.

    An entry appears whole or not at all, so that processes may share the folder. It holds numbers only, with a digest
    of them; one that is damaged is made anew. The entries not asked for longest make room when all exceed 1 GiB. Where
    the folder cannot be written, nothing is kept and nothing is said."""
    folder = cache_folder()
    if folder is None:
        return make()
    key = hashlib.sha256()
    for part in parts:
        data = np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part
        key.update(f"{getattr(data, 'shape', len(data))} {getattr(data, 'dtype', 'bytes')}".encode())
        key.update(data)  # type: ignore[arg-type]
    file = folder / f"{name}-{key.hexdigest()}.npy"
    found = taken(file)
    if found is None:
        found = make()
        with suppress(OSError, RuntimeError):  # a full disk, a folder that is not ours
            put(file, found)
    return found


def taken(file: Path) -> NDArray[np.float64] | None:
    """The numbers of an entry, where it is there and whole."""
    try:
        content = file.read_bytes()
        os.utime(file)  # it was asked for now
    except OSError:
        return None
    digest, data = content[:32], content[32:]
    if hashlib.sha256(data).digest() != digest or len(data) % 8:
        return None
    return np.frombuffer(data, dtype="<f8").astype(np.float64)


def put(file: Path, values: NDArray[np.float64]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if values.nbytes > MOST // 4:
        return
    data = values.astype("<f8").tobytes()
    make_room(file.parent, len(data) + 32)
    number, part = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(number, "wb") as out:
            out.write(hashlib.sha256(data).digest())
            out.write(data)
        os.replace(part, file)
    finally:
        with suppress(OSError):
            os.unlink(part)


def make_room(folder: Path, size: int) -> None:
    """Remove what was not asked for longest. Others may do the same at the same time."""
    entries = []
    for entry in folder.iterdir():
        with suppress(OSError):
            told = entry.stat()
            if entry.suffix in (".npy", ".part"):
                entries.append((told.st_mtime, told.st_size, entry))
    total = sum(size for _, size, _ in entries) + size
    for _, freed, entry in sorted(entries, key=lambda row: row[0]):
        if total <= MOST:
            break
        with suppress(OSError):
            entry.unlink()
        total -= freed
