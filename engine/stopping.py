"""Being asked to stop: Ctrl-C by a person, SIGTERM by a scheduler that wants the machine back."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from scenegrad.engine.errors import Interrupted

__all__ = ["Asked", "asked_to_stop", "stopped_at_once"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Asked:
    """Whether somebody asked, and by which signal."""

    def __init__(self) -> None:
        self.signal = int(signal.SIGINT)
        self.event = threading.Event()

    def is_set(self) -> bool:
        return self.event.is_set()

    def refuse(self) -> None:
        """Raises Interrupted where somebody asked."""
        if self.is_set():
            raise Interrupted("Stopped.", self.signal)

    def note(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            raise Interrupted("Stopped.", number)
        self.signal = number
        self.event.set()


@contextmanager
def asked_to_stop() -> Iterator[Asked]:
    """Ctrl-C and SIGTERM are noted, so that no step or frame is cut in two; the second of them stops at once."""
    asked = Asked()
    with handled_by(asked.note):
        yield asked


@contextmanager
def stopped_at_once() -> Iterator[Asked]:
    """Ctrl-C and SIGTERM raise Interrupted wherever the program is: for work that leaves nothing half done behind.

    Where Python lets no error out, as while it collects garbage, it is lost; so whoever works looks now and then.
    Shells and schedulers may send both, or one of them twice; what follows within a second would only cut short the
    putting in order.
    """
    asked, last = Asked(), -1.0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        asked.signal = number
        asked.event.set()
        if before < 0.0 or last > before + 1.0:
            raise Interrupted("Stopped.", number)

    with handled_by(stop):
        yield asked


@contextmanager
def handled_by(handler: object) -> Iterator[None]:
    """Signals reach the main thread alone; in any other nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in SIGNALS}  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, signal.SIG_DFL if former is None else former)
