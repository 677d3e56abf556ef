"""Room on the disk: asked for before a file is touched, and a full disk told in words."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenegrad.engine.errors import DiskFull, FileError

__all__ = ["Growth", "disk_errors", "free_bytes", "in_words", "need_room"]

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # no space, quota, limit on the size of a file
NO_PLACE = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP}
NOT_KNOWN = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}  # to some network disks, which fail at the write itself
RESERVE = 1 << 16  # bytes of index and header that come on top of the numbers
AHEAD = 16  # frames
LARGE = 1 << 26  # bytes that are asked for at least, as each time costs some milliseconds


def free_bytes(path: Path) -> int:
    """Free space where `path` lies, or will lie."""
    try:
        return shutil.disk_usage(path.parent).free  # at once where the folder is there, as it is for every frame
    except FileNotFoundError:
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        return shutil.disk_usage(there).free


def need_room(path: Path, wanted: int, what: str) -> None:
    """Raises DiskFull where fewer than `wanted` bytes are free."""
    free = free_bytes(path)
    if free < wanted + RESERVE:
        raise DiskFull(
            f"{what} needs {in_words(wanted)}, but only {in_words(free)} are free where {path} lies: "
            f"{in_words(wanted + RESERVE - free)} are missing. Free some space, or write to another disk with --out."
        )


class Growth:
    """Room at the end of one file, asked for some frames in advance.

    Quotas and limits do not show in the free space, and the HDF5 library does not survive a write that fails. So the
    system is asked to make the file longer, the call that fails where a write would, and the room is given back.
    """

    def __init__(self, path: Path):
        self.path, self.promised = path, 0

    def ask(self, wanted: int) -> None:
        """Raises OSError where `wanted` more bytes do not fit."""
        wanted += RESERVE
        if wanted > self.promised:
            much = max(AHEAD * wanted, LARGE)
            try:
                try_to_grow(self.path, much)
                self.promised = much
            except OSError:
                try_to_grow(self.path, wanted)
                self.promised = wanted
        self.promised -= wanted


def try_to_grow(path: Path, wanted: int) -> None:
    with open(path, "rb+") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), size, wanted)
            else:  # Windows takes the room at once; macOS only looks at limits, and need_room at what is free
                os.ftruncate(file.fileno(), size + wanted)
        except OSError as error:
            if error.errno not in NOT_KNOWN:
                raise
        finally:
            os.ftruncate(file.fileno(), size)


@contextmanager
def disk_errors(path: Path, wanted: int) -> Iterator[None]:
    """Turns what the system and the HDF5 library say of a full or forbidden disk into a FileError. What they say of
    another file, such as one that is read meanwhile, passes as it is."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if (named := file_of(error)) is not None and not belongs(named, path):
            raise
        if isinstance(error, PermissionError):
            raise FileError(f"{path} cannot be written: permission denied. Write elsewhere with --out.") from error
        if isinstance(error, OSError) and error.errno in NO_PLACE:
            raise FileError(f"{path} cannot be written: {error}. Write to another folder with --out.") from error
        if code_of(error) not in FULL:
            raise
        free = free_bytes(path.parent)
        limit = " (a limit or quota of this account, then)" if free > wanted + RESERVE else ""
        raise DiskFull(
            f"The disk is full: {path} could not grow by {in_words(wanted)}; {in_words(free)} are free{limit}. "
            f"All that was committed before is safe. Free some space and start again: the run goes on where it stopped."
        ) from error


def file_of(error: BaseException) -> Path | None:
    """Of which the error speaks, if it names one; the HDF5 library does so in its message alone."""
    name = getattr(error, "filename", None)
    if name is None and (quoted := re.search(r"name = '(.+?)', errno", str(error))):
        name = quoted[1]
    return Path(os.path.abspath(os.fsdecode(name))) if isinstance(name, str | bytes | os.PathLike) else None


def belongs(named: Path, path: Path) -> bool:
    """Whether it is the file or folder that is written, lies in it or on the way to it, or is an unfinished part."""
    whole = Path(os.path.abspath(path))
    part = named.parent == whole.parent and named.name.startswith(f"{whole.stem}.") and ".part" in named.suffixes
    return part or named == whole or whole in named.parents or named in whole.parents


def code_of(error: BaseException) -> int | None:
    """errno of a system error; the HDF5 library only quotes it in its message."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if quoted := re.search(r"errno = (\d+)", str(error)):
        return int(quoted[1])
    return next((code for code in FULL if os.strerror(code) in str(error)), None)


def in_words(count: float) -> str:
    """1536 -> '1.5 kB' (powers of 1024)."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(count) < 1024:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{int(count)} bytes"
        count /= 1024
    return f"{count:.3g} TB"
