"""A part of a report: what was done, what it shows, and the claims that it must meet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Chapter", "Claim", "Picture", "Stage", "Table"]


@dataclass(frozen=True)
class Stage:
    """Where a chapter is played: the folder for all that it leaves, its device, and whether it may speak."""

    folder: Path
    device: str
    quiet: bool = False

    def say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)


@dataclass(frozen=True)
class Claim:
    """A measured number against the limit it must keep. source: of the limit, where others have published it."""

    what: str
    value: float
    limit: float
    at_most: bool = True  # else at least
    source: str = ""

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
class Table:
    """rows: as many cells each as there are columns; numbers are shown to four digits."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]

    @staticmethod
    def shown(cell: str | float) -> str:
        return cell if isinstance(cell, str) else f"{cell:.4g}"

    def __str__(self) -> str:
        lines = [self.columns, *(tuple(map(self.shown, row)) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join(
            [self.caption, *("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in lines)]
        )


@dataclass(frozen=True)
class Chapter:
    title: str
    text: str  # a paragraph or two; blank lines part them
    pictures: tuple[Picture, ...] = ()
    claims: tuple[Claim, ...] = ()
    tables: tuple[Table, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)  # numbers worth knowing that nothing depends on
    seconds: float = 0.0
    code: str = ""  # shown as it is, below the text

    def plain(self) -> dict[str, Any]:
        """For JSON; what is not a finite number is null."""
        return {
            "title": self.title,
            "text": self.text,
            "claims": [
                {**{k: finite(v) for k, v in vars(claim).items()}, "holds": claim.holds} for claim in self.claims
            ],
            "tables": [
                {"caption": t.caption, "columns": list(t.columns), "rows": [[*map(finite, row)] for row in t.rows]}
                for t in self.tables
            ],
            "pictures": [{"path": str(picture.path), "caption": picture.caption} for picture in self.pictures],
            "facts": self.facts,
            "seconds": self.seconds,
        }


def finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
