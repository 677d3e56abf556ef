"""A part of the demo: what was done, what it shows, and the claims that it must meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Chapter", "Claim", "Picture", "Stage"]


@dataclass(frozen=True)
class Stage:
    """Where the demo plays: its folder, its device, and whether it is the small form."""

    folder: Path
    device: str
    small: bool
    quiet: bool = False

    def say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)


@dataclass(frozen=True)
class Claim:
    """A measured number against the limit it must keep."""

    what: str
    value: float
    limit: float
    at_most: bool = True  # else at least

    @property
    def holds(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{'ok    ' if self.holds else 'FAILED'} {self.what}: {self.value:.4g} ({sign} {self.limit:.4g})"


@dataclass(frozen=True)
class Picture:
    path: Path
    caption: str


@dataclass(frozen=True)
class Chapter:
    title: str
    text: str  # a paragraph or two; blank lines part them
    pictures: tuple[Picture, ...] = ()
    claims: tuple[Claim, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)  # numbers worth knowing that nothing depends on
    seconds: float = 0.0
