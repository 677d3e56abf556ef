"""How far a run has come, for people: a bar on a terminal, a plain line every ten seconds elsewhere, in CI nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

__all__ = ["COMPILING", "Bar", "Lines", "Progress", "Quiet", "Work", "patience", "progress_for", "stages"]

Clock = Callable[[], float]
COMPILING = "compiling kernels for the first step, cached next time"
PATIENCE = 3.0  # seconds of silence before it is said why


class Work(str):
    """What is counted, "steps", where each of them is so many of something else: 4096 particle-steps, 20 frames."""

    size: float
    of: str

    def __new__(cls, unit: str, size: float, of: str) -> Work:
        made = super().__new__(cls, unit)
        made.size, made.of = size, of
        return made


class Progress(Protocol):
    """Told how much of the whole is done, in any unit; `steps` counts what was done since the start."""

    def start(self, title: str, total: float, done: float = 0.0, unit: str = "steps", first: str = COMPILING) -> None:
        """unit: what `steps` counts. first: what to say where the first of them takes long."""
        ...

    def update(self, done: float, steps: int) -> None: ...

    def say(self, text: str) -> None:
        """A line that stays."""
        ...

    def stop(self) -> None: ...


class Quiet:
    """Says nothing."""

    def start(
        self, title: str, total: float, done: float = 0.0, unit: str = "steps", first: str = COMPILING
    ) -> None: ...

    def update(self, done: float, steps: int) -> None: ...

    def say(self, text: str) -> None: ...

    def stop(self) -> None: ...


class Lines:
    """One plain line every `interval` seconds; short runs say nothing."""

    def __init__(self, stream: TextIO | None = None, interval: float = 10.0, clock: Clock = time.monotonic):
        self.stream, self.interval, self.clock = stream or sys.stderr, interval, clock
        self.patience: threading.Timer | None = None

    def start(self, title: str, total: float, done: float = 0.0, unit: str = "steps", first: str = COMPILING) -> None:
        self.title, self.total, self.first, self.done, self.unit = title, total, done, done, unit
        self.begin = self.last = self.clock()
        self.before, self.compiling = 0, first == COMPILING
        self.be_patient(f"{title}: {first}")

    def be_patient(self, text: str) -> None:
        """The first step may compile kernels for a minute: silence would look like a hang."""
        self.patience = threading.Timer(PATIENCE, self.say, [text])
        self.patience.daemon = True
        self.patience.start()

    def update(self, done: float, steps: int) -> None:
        self.done, now = done, self.clock()
        self.under_way(now, steps)
        if now - self.last >= self.interval:
            self.last = now
            self.say(f"{self.title}: {self.report(now, steps)}")

    def under_way(self, now: float, steps: int) -> None:
        """Of the first step it is known now how long it took; where kernels were compiled, that tells nothing of the
        steps to come: their speed is measured from here on."""
        if self.patience is None or self.done <= self.first:
            return
        self.patience.cancel()
        self.patience = None
        if self.compiling and now - self.begin > PATIENCE:
            self.begin = self.last = now
            self.first, self.before = self.done, steps

    def report(self, now: float, steps: int) -> str:
        spent = max(now - self.begin, 1e-9)
        gained = (self.done - self.first) / max(self.total - self.first, 1e-300)
        left = in_time(spent * (1.0 / gained - 1.0)) if gained > 0 else "unknown"
        share = 100 * self.done / max(self.total, 1e-300)
        return f"{share:.0f} %, {self.speed((steps - self.before) / spent)}, {left} left"

    def speed(self, rate: float) -> str:
        """'120 steps/s, 4.9e+05 particle-steps/s'."""
        more = f", {rate * self.unit.size:.3g} {self.unit.of}/s" if isinstance(self.unit, Work) else ""
        return f"{rate:.3g} {self.unit}/s{more}"

    def say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def stop(self) -> None:
        if self.patience is not None:
            self.patience.cancel()


class Bar(Lines):
    """A bar on a terminal, drawn by rich."""

    bar: Any = None

    def start(self, title: str, total: float, done: float = 0.0, unit: str = "steps", first: str = COMPILING) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[report]}"),
            console=Console(file=self.stream), transient=True, refresh_per_second=4,
            redirect_stdout=sys.stdout.isatty(),  # what is printed for a file shall not go to the terminal
        )  # fmt: skip
        self.task = self.bar.add_task(title, total=total, completed=int(done), report="")
        self.bar.start()
        super().start(title, total, done, unit, first)

    def update(self, done: float, steps: int) -> None:
        self.done, now = done, self.clock()
        self.under_way(now, steps)
        if now - self.last >= 0.1 or done >= self.total:
            self.last = now
            self.bar.update(self.task, completed=done, report=self.report(now, steps))

    def say(self, text: str) -> None:
        if self.bar is None:
            super().say(text)
        else:
            self.bar.console.print(text, markup=False, highlight=False)

    def stop(self) -> None:
        super().stop()
        if self.bar is not None:
            self.bar.stop()


@contextmanager
def patience(shown: Progress, text: str, after: float = PATIENCE) -> Iterator[None]:
    """Says why it takes long, where it does."""
    timer = threading.Timer(after, shown.say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def progress_for(shown: bool | Any = True, stream: TextIO | None = None) -> Any:
    """What suits the place: `shown` is False for silence, or already an object that shows progress."""
    if not isinstance(shown, bool):
        return shown
    stream = stream or sys.stderr
    if not shown:
        return Quiet()
    if os.environ.get("CI"):
        return Quiet()
    return Bar(stream) if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" else Lines(stream)


@contextmanager
def stages(shown: bool | Any, title: str, total: int, unit: str = "stages") -> Iterator[Callable[[], None]]:
    """For what has some parts of about the same length: gives what to call when one of them is over."""
    progress, done = progress_for(shown), 0

    def passed() -> None:
        nonlocal done
        done += 1
        progress.update(float(done), done)

    progress.start(title, float(total), unit=unit, first="under way")
    try:
        yield passed
    finally:
        progress.stop()


def in_time(seconds: float) -> str:
    """75 -> '1 min 15 s'."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
