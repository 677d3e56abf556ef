"""Files that a scene refers to: looked for from the working folder and from that of the scene, known by sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from scenegrad.scenes.errors import nearest

__all__ = ["fingerprinted", "search_folder"]

folder: ContextVar[Path] = ContextVar("folder", default=Path())  # where relative paths are looked for as well


@contextmanager
def search_folder(path: Path) -> Iterator[None]:
    """While this lasts, files are also looked for in `path`."""
    token = folder.set(path)
    try:
        yield
    finally:
        folder.reset(token)


def fingerprinted(values: Any, what: str) -> Any:
    """The same table with the file's `path` and its `sha256`, which must be the one given, where one is.

    The path becomes absolute, so that a scene that is written somewhere can be read from any working folder.
    """
    if not isinstance(values, dict) or not isinstance(values.get("path"), str | Path):
        return values
    file = Path(values["path"])
    if not file.is_file() and not file.is_absolute() and (folder.get() / file).is_file():
        file = folder.get() / file
    if not file.is_file():
        names = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
        raise PydanticCustomError(
            "file", "{what} {path} does not exist (looked from {where}).{hint}",
            {"what": what, "path": repr(str(file)), "where": str(Path.cwd()), "hint": nearest(file.name, names)},
        )  # fmt: skip
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if values.get("sha256", "") not in ("", found):
        raise PydanticCustomError(
            "file", "{what} {path} has changed since this scene was written (sha256 {found}, not {given}). "
            "Bring the old file back, or leave sha256 out to accept the new one.",
            {"what": what, "path": repr(str(file)), "found": found[:12], "given": values["sha256"][:12]},
        )  # fmt: skip
    return {**values, "path": str(file.absolute()), "sha256": found}
