"""`import_file`: tells what a file is, and lets it be taken in."""

from __future__ import annotations

import os
from pathlib import Path

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.engine.files.disk import disk_errors
from scenegrad.importing.kind import Imported
from scenegrad.importing.known import KINDS
from scenegrad.scenes.errors import nearest

__all__ = ["import_file"]


def import_file(path: str | Path, out: str | Path | None = None, *, kind: str | None = None) -> Imported:
    """Takes in a file of others. out: where it goes. kind: one of KINDS, where the file itself does not tell."""
    there, where = Path(path), None if out is None else Path(out)
    if not there.exists():
        raise FileError(f"{there} is not there.")
    if not os.access(there, os.R_OK):
        raise FileError(f"{there} cannot be read: permission denied. Ask its owner to let you.")
    if kind is not None and kind not in KINDS:
        raise EngineError(f"There is no kind {kind!r} of files.{nearest(kind, KINDS)} There are: {', '.join(KINDS)}.")
    found = KINDS[kind] if kind is not None else next((k for k in KINDS.values() if k.is_one(there)), None)
    if found is None:
        known = "; ".join(f"{k.name} ({k.files})" for k in KINDS.values())
        raise FileError(f"{there} is none of the files that can be imported: {known}.")
    with disk_errors(where or Path.cwd(), 0):
        return found.take(there, where)
