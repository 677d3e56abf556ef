"""What a kind of file is: how it is told from others, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Imported", "Kind"]


@dataclass(frozen=True)
class Imported:
    """What was made of a file. text: for a person; told: for a program, plain values."""

    kind: str
    paths: tuple[Path, ...]
    text: str
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """files: what they look like, in words. is_one: whether a path, which exists, is one of them; it does not raise.
    take: makes of it what `becomes` says, at a path or where it chooses if that is None."""

    name: str
    files: str
    becomes: str
    is_one: Callable[[Path], bool]
    take: Callable[[Path, Path | None], Imported]
