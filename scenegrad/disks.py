"""The disk that a run would write to: room, kind, locks, and how long it takes to be sure of what was written."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from scenegrad.engine.files.disk import in_words
from scenegrad.findings import Finding

__all__ = ["disk", "file_system"]

NETWORK = {  # file systems on other machines, by the names that Linux has for them
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs",
    "gpfs", "lustre", "nfs", "nfs4", "orangefs", "smb3", "smbfs", "wekafs",
}  # fmt: skip
SLOW = 0.5  # of one fsync [s]
LITTLE = 1 << 28  # bytes


def disk(folder: Path | None = None) -> list[Finding]:
    """Of the working folder, where runs/ and data/ would be made."""
    place = (folder or Path.cwd()).absolute()
    free = shutil.disk_usage(place).free
    room = Finding(
        "disk", f"{in_words(free)} free in {place}", free > LITTLE,
        disables="runs of more than a few frames" if free <= LITTLE else "", mend="write elsewhere with --out",
    )  # fmt: skip
    return [room, written(place), network(place, file_system(place))]


def written(place: Path) -> Finding:
    """Whether files can be made there, and how long it takes until one is safe."""
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor") as file:
            file.write(os.urandom(1 << 20))
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            seconds = time.perf_counter() - begun
    except OSError as error:
        lost = "runs, datasets and trainings here"
        return Finding(
            "writing", f"{place} cannot be written: {error.strerror}", False, True, lost, "write elsewhere with --out"
        )
    told = f"1 MB is safe after {1e3 * seconds:.3g} ms"
    if seconds < SLOW:
        return Finding("writing", told)
    lost = "nothing, but each checkpoint waits for the disk"
    return Finding("writing", told, False, False, lost, "write to a faster disk with --out, or --checkpoint-every 300")


def network(place: Path, kind: str) -> Finding:
    """On another machine locks may not hold, and small writes are slow."""
    if kind not in NETWORK:
        return Finding("file system", kind or "not told by this system")
    trouble = lock_trouble(place)
    told = f"{kind}, on another machine" + (f"; {trouble}" if trouble else "; locks work")
    lost = (
        "that two runs on one folder are told apart"
        if trouble
        else "nothing, but small writes of many workers are slow"
    )
    mend = "write to a local disk with --out and copy; export HDF5_USE_FILE_LOCKING=FALSE where opening a file fails"
    return Finding("file system", told, False, False, lost, mend)


def lock_trouble(place: Path) -> str:
    """Why a file there cannot be locked; nothing where it can."""
    from scenegrad.engine.errors import EngineError
    from scenegrad.engine.lock import Lock

    lock = Lock(place / f".doctor-{os.getpid()}.lock")
    try:
        lock.claim()
        lock.release()
    except (OSError, EngineError) as error:
        return f"files cannot be locked ({error})"
    return ""


def file_system(place: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Its name for the system, "ext4"; nothing where the system does not tell."""
    try:
        rows = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return ""
    found = [(row[1].replace("\\040", " "), row[2]) for row in rows if len(row) > 2]
    over = [(len(Path(where).parts), kind) for where, kind in found if place.is_relative_to(where)]
    return max(over, key=lambda one: one[0], default=(0, ""))[1]
