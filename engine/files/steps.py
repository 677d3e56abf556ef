"""The steps of a run as a text file beside its outputs: one line for each attempt, accepted or not.

Lines are only ever appended. A checkpoint counts those before it, and a run that goes on cuts off what came later; a
line that was being written when the process died is not read.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.disk import disk_errors
from scenegrad.engine.loop import Attempt

__all__ = ["STEPS", "StepFile", "Steps", "read_steps"]

STEPS = "steps.csv"
COLUMNS = ("time", "dt", "steps", "bound", "error", "accepted")
HEAD = ",".join(COLUMNS) + "\n"
ROOM = 1 << 16  # characters that wait before they are written


class StepFile:
    """Grows by what is appended, on the disk after the next flush."""

    def __init__(self, folder: Path):
        self.path, self.count = folder / STEPS, 0
        self.waiting: list[str] = []
        self.size = 0

    def restart(self) -> None:
        """An empty table."""
        with disk_errors(self.path, len(HEAD)):
            self.path.write_text(HEAD)

    def resume(self, count: int) -> None:
        """Goes on after the first `count` attempts."""
        with disk_errors(self.path, 0):
            try:
                with open(self.path, "rb+") as file:
                    for number in range(count + 1):
                        if not file.readline().endswith(b"\n"):
                            raise FileError(
                                f"{self.path} holds {max(number - 1, 0)} steps, and the checkpoint beside it {count}. "
                                f"Start again with --overwrite, or in another folder."
                            )
                    file.truncate(file.tell())
            except FileNotFoundError as error:
                raise FileError(
                    f"{self.path} is missing, and the checkpoint beside it counts {count} steps. Start again with "
                    f"--overwrite, or in another folder."
                ) from error
        self.count = count

    def append(self, attempt: Attempt) -> None:
        """That of member 0."""
        time, dt, bound, error = (
            float(column[0]) for column in (attempt.time, attempt.dt, attempt.bound, attempt.error)
        )
        told = "" if math.isnan(error) else f"{error:.9g}"
        line = f"{time!r},{dt!r},{int(attempt.steps[0])},{bound:.9g},{told},{int(attempt.accepted[0])}\n"
        self.waiting.append(line)
        self.size += len(line)
        self.count += 1
        if self.size > ROOM:
            self.flush()

    def flush(self) -> None:
        """From here on what was appended survives the end of the process."""
        if not self.waiting:
            return
        with disk_errors(self.path, self.size), open(self.path, "a") as file:
            file.write("".join(self.waiting))
        self.waiting.clear()
        self.size = 0

    def sync(self) -> None:
        """... and the loss of power."""
        self.flush()
        with disk_errors(self.path, 0), open(self.path, "rb+") as file:
            os.fsync(file.fileno())


@dataclass(frozen=True)
class Steps:
    """Attempts at steps in their order, one entry each."""

    time: np.ndarray  # at the beginning [time], float64
    dt: np.ndarray  # of each step [time]
    steps: np.ndarray  # how many of this dt were taken before somebody looked, int64
    bound: np.ndarray  # largest stable dt [time]
    error: np.ndarray  # relative local error of the last step; not a number where the method has no estimate
    accepted: np.ndarray  # bool

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        refused = int((~self.accepted).sum())
        return f"Steps({int(self.steps[self.accepted].sum())} taken in {len(self)} attempts, {refused} refused)"


def read_steps(folder: Path) -> Steps:
    """What was tried so far."""
    path = folder / STEPS
    if not path.is_file():
        raise FileError(f"{folder} holds no {STEPS}: it was not made by a run, or by an earlier version.")
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1].splitlines()[1:]
    rows = [[float(entry) if entry else math.nan for entry in line.split(",")] for line in whole]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(COLUMNS)).T
    time, dt, steps, bound, error, accepted = table
    return Steps(time, dt, steps.astype(np.int64), bound, error, accepted.astype(bool))
