"""Who may write to a folder: a claim that ends with the process, however that ends."""

from __future__ import annotations

import errno
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from scenegrad.engine.errors import OutputInUse
from scenegrad.engine.files.disk import disk_errors

try:
    from fcntl import LOCK_EX, LOCK_NB, flock

    POSIX = True
except ImportError:
    POSIX = False  # Windows

__all__ = ["Lock", "alone"]

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}  # of some network disks
FAR = 1 << 30  # the byte that is locked on Windows, where locked bytes cannot be read: beyond what the file tells


class Lock:
    """An exclusive claim; the file tells others who holds it.

    The system lets go of the claim of a process that died, on whatever machine. Where a disk knows no such claims, a
    second file, <name>.held, stands for it: it counts as long as its process lives, if that is of this machine, and
    else until somebody removes it.
    """

    def __init__(self, path: Path):
        self.path, self.held = path, path.with_name(f"{path.name}.held")
        self.file: TextIO | None = None
        self.by_name = False

    def claim(self) -> None:
        with disk_errors(self.path, 0):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = open(self.path, "a+")  # noqa: SIM115
        try:
            mine = hold(file)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                file.close()
                raise
            mine = self.by_name = self.claim_by_name()
        if not mine:
            file.close()
            raise OutputInUse(
                f"{self.path.parent} is in use by process {told(self.path)}. Wait for it, stop it, or write to another "
                f"folder with --out."
            )
        if not self.path.exists() or os.fstat(file.fileno()).st_ino != self.path.stat().st_ino:
            file.close()  # its last holder removed it between our opening and our claim
            return self.claim()
        file.truncate(0)
        file.write(f"{myself()}\n")
        file.flush()
        self.file = file

    def claim_by_name(self) -> bool:
        """Where there are no locks: whoever makes the file has the claim."""
        try:
            with open(self.held, "x") as file:
                file.write(f"{myself()}\n")
            return True
        except FileExistsError:
            if alive(told(self.held)):
                raise OutputInUse(
                    f"{self.path.parent} is in use by process {told(self.held)}. Wait for it, or stop it. If that "
                    f"process is gone, remove {self.held}: this disk does not tell."
                ) from None
            self.held.unlink(missing_ok=True)
            return self.claim_by_name()

    def release(self) -> None:
        if self.file is None:
            return
        if self.by_name:
            self.held.unlink(missing_ok=True)
        try:
            self.path.unlink(missing_ok=True)
            self.file.close()
        except PermissionError:  # Windows removes no open file, neither ours nor that of who waits for it
            self.file.close()
            with suppress(PermissionError):
                self.path.unlink(missing_ok=True)
        self.file = None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While this lasts no other process is in here with the same file. Where a disk knows no locks, they may be."""
    with open(path, "a") as file:
        with suppress(OSError):
            while not hold(file, wait=True):
                time.sleep(0.05)
        yield


def hold(file: TextIO, wait: bool = False) -> bool:
    """Claims an open file until it is closed; False where another process has it. OSError where there are no locks."""
    try:
        if POSIX:
            flock(file, LOCK_EX | (0 if wait else LOCK_NB))
        else:
            import msvcrt

            os.lseek(file.fileno(), FAR, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except (BlockingIOError, PermissionError):
        return False
    return True


def myself() -> str:
    return f"{os.getpid()} on {platform.node()}"


def told(path: Path) -> str:
    """Who a file says to be its holder."""
    with suppress(OSError):
        return path.read_text().strip() or "unknown"
    return "unknown"


def alive(holder: str) -> bool:
    """Whether a process may still run; of another machine, or where a signal 0 would be more than a question, nobody
    knows."""
    number, _, host = holder.partition(" on ")
    if not POSIX or host != platform.node() or not number.isdigit():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
