"""Frames of a run that is still being written, brought up to date as it goes on.

Nothing of this can be felt by the run: its file is opened for reading only, without a lock, and only frames count that
the writer has vouched for. HDF5 remembers what it has read of a file, so that it must be closed and opened again to see
what is new.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.frames import part_name
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames, resolved
from scenegrad.view.frames import Frames

__all__ = ["TROUBLE", "Growing", "wait_for_frames"]

TRIES, BREATH = 40, 0.025  # s: a file that is being flushed cannot be read for a moment
TROUBLE = (EngineError, OSError, KeyError, ValueError, RuntimeError, AttributeError)  # with what is half written
SETTLED = 100_000_000  # ns after which a file system tells a write from the one before it
LOOK = 0.5  # s between looks whether there is a first frame
PATIENCE = 10.0  # s between lines that say that there is none


class Growing:
    """The frames that count so far. `news` opens the file anew where it has changed."""

    def __init__(self, run: Any, field: str | None = None):
        refuse_windows()
        self.frames: Frames = patiently(lambda: readable(open_frames(run, field)))
        self.whole = whole_name(self.frames.path)
        self.seen: tuple[object, ...] = ()  # it may have been written to since it was opened

    @property
    def complete(self) -> bool:
        """Whether the file has its final name: no frame will be added to it."""
        return self.frames.path == self.whole

    def file(self) -> Path:
        return self.whole if self.whole.exists() else part_name(self.whole)

    def stamp(self) -> tuple[object, ...]:
        """Differs as soon as somebody has written to the file, renamed or replaced it; nothing where that may still
        happen unnoticed, because times of files go in steps."""
        file = self.file()
        try:
            told = file.stat()
        except OSError:
            return ()
        if 0 <= time.time_ns() - told.st_mtime_ns < SETTLED:
            return ()
        return file, told.st_ino, told.st_size, told.st_mtime_ns

    def news(self) -> bool:
        """Whether the file has changed, and `frames` are others now; the ones from before are closed then. ViewError
        where the file went away."""
        stamp = self.stamp()
        if stamp and stamp == self.seen:
            return False
        self.frames.close()
        self.frames = patiently(lambda: readable(open_frames(self.file())))
        self.seen = stamp
        return True

    def close(self) -> None:
        self.frames.close()


def patiently(open_file: Callable[[], Frames]) -> Frames:
    """Tries again where the file was caught half-way through a flush."""
    for _ in range(TRIES - 1):
        try:
            return open_file()
        except TROUBLE:
            time.sleep(BREATH)
    return open_file()


def readable(frames: Frames) -> Frames:
    """The same frames, of which the newest has been read: a file that was opened before a flush and counted after it
    tells of numbers that lie beyond the end it knows. OSError where that was so."""
    try:
        for name in frames.fields():
            frames.values(name, len(frames.times) - 1)
    except BaseException:
        frames.close()
        raise
    return frames


def wait_for_frames(run: Any, field: str | None, say: Callable[[str], None]) -> Growing:
    """Waits for the first frame of a run that is under way; what is no such run is refused as ever."""
    refuse_windows()
    path, said = resolved(run), -PATIENCE
    while under_way(path) and not has_frames(path):
        if time.monotonic() - said > PATIENCE:
            said = time.monotonic()
            say(f"waiting for the first frame of {path}")
        time.sleep(LOOK)
    return Growing(path, field)


def under_way(folder: Path) -> bool:
    """Whether a run in the folder says that it is running."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("status") == "running"


def has_frames(path: Path) -> bool:
    """Whether some file can be drawn. One that is being flushed for the first time cannot yet."""
    try:
        open_frames(path).close()
    except TROUBLE:
        return False
    return True


def whole_name(path: Path) -> Path:
    """Of a file that may still be growing, the name it will get."""
    return path.with_name(path.name.replace(f".part{path.suffix}", path.suffix))


def refuse_windows() -> None:
    if sys.platform == "win32":
        raise ViewError(
            "A run cannot be watched while it is written on Windows: there, a file that somebody reads cannot be given "
            "its final name, and the run would fail. Look at it when it is done, or copy the folder and look at that."
        )
