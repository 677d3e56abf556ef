"""Which frame is shown, and whether time is running."""

from __future__ import annotations

from typing import Any

__all__ = ["Player"]


class Player:
    """shown: what has the frames. count: how many; it may grow."""

    def __init__(self, shown: Any, count: int):
        self.shown, self.count = shown, count
        self.index = 0
        self.playing = False

    def go(self, index: float) -> None:
        self.index = min(max(round(index), 0), self.count - 1)
        self.shown.show(self.index)

    def tick(self) -> bool:
        """One frame on, around to the first after the last; whether anything has changed."""
        if not self.playing:
            return False
        self.go((self.index + 1) % self.count)
        return True

    def toggle(self) -> None:
        self.playing = not self.playing
