"""Files that appear whole or not at all, where a disk that is full or forbidden is told in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scenegrad import system
from scenegrad.engine.files.disk import disk_errors

__all__ = ["appearing", "write_json", "write_text"]


@contextmanager
def appearing(path: Path, size: int = 0) -> Iterator[Path]:
    """Where to write what `path` is to be, as in system.appearing; what a disk refuses is a FileError. size: in bytes,
    where it is known."""
    with disk_errors(path, size), system.appearing(path) as part:
        yield part


def write_text(path: Path, text: str) -> None:
    with appearing(path, len(text)) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, table: Any) -> None:
    write_text(path, json.dumps(table, indent=2) + "\n")
