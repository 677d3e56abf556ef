"""Files that appear whole or not at all, also across a power cut."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from scenegrad.engine.files.disk import disk_errors

__all__ = ["publish", "write_json", "write_text"]


def publish(part: Path, final: Path) -> None:
    """Gives a finished file its name: contents to the disk first, then the name, then the folder that holds it."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with disk_errors(path, len(text)):
        try:
            part.write_text(text)
            publish(part, path)
        finally:
            part.unlink(missing_ok=True)


def write_json(path: Path, table: Any) -> None:
    write_text(path, json.dumps(table, indent=2) + "\n")
