"""How far a run has come, for people: a bar on a terminal, a plain line every ten seconds elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

__all__ = ["COMPILING", "Bar", "Lines", "Progress", "Quiet", "patience", "progress_for"]

Clock = Callable[[], float]
COMPILING = "compiling kernels for the first step, cached next time"


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
        self.be_patient(f"{title}: {first}")

    def be_patient(self, text: str) -> None:
        """The first step may compile kernels for a minute: silence would look like a hang."""
        self.patience = threading.Timer(3.0, self.say, [text])
        self.patience.daemon = True
        self.patience.start()

    def update(self, done: float, steps: int) -> None:
        if self.patience is not None and done > self.first:
            self.patience.cancel()
        self.done, now = done, self.clock()
        if now - self.last >= self.interval:
            self.last = now
            self.say(f"{self.title}: {self.report(now, steps)}")

    def report(self, now: float, steps: int) -> str:
        spent = max(now - self.begin, 1e-9)
        gained = (self.done - self.first) / max(self.total - self.first, 1e-300)
        left = in_time(spent * (1.0 / gained - 1.0)) if gained > 0 else "unknown"
        return f"{100 * self.done / self.total:.0f} %, {steps / spent:.3g} {self.unit}/s, {left} left"

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
        )  # fmt: skip
        self.task = self.bar.add_task(title, total=total, completed=int(done), report="")
        self.bar.start()
        super().start(title, total, done, unit, first)

    def update(self, done: float, steps: int) -> None:
        if self.patience is not None and done > self.first:
            self.patience.cancel()
        self.done, now = done, self.clock()
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
def patience(shown: Progress, text: str, after: float = 3.0) -> Iterator[None]:
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
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return Bar(stream)
    return Quiet() if os.environ.get("CI") else Lines(stream)


def in_time(seconds: float) -> str:
    """75 -> '1 min 15 s'."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
