"""Files that a scene refers to: where they are looked for, where they may lie, known by sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from scenegrad.scenes.errors import nearest

__all__ = ["beside", "fingerprinted", "named_from", "names_outside", "within"]

ASSETS = Path(__file__).resolve().parent.parent / "assets"  # what comes with the package is open to every scene


@dataclass(frozen=True)
class Place:
    """folder: that of the file that names others. confined: the others must lie in it, too."""

    folder: Path
    confined: bool


place: ContextVar[Place | None] = ContextVar("place", default=None)  # None: a scene made in Python


@contextmanager
def named_from(folder: Path, *, confined: bool) -> Iterator[None]:
    """While this lasts, files are named by a scene file in `folder`. Confined, it reaches nothing outside of it:
    neither by an absolute path, nor by `..`, nor through a link that leads out."""
    token = place.set(Place(folder, confined))
    try:
        yield
    finally:
        place.reset(token)


def fingerprinted(values: Any, what: str) -> Any:
    """The same table with the file's `path` and its `sha256`, which must be the one given, where one is.

    The path becomes absolute, so that a scene that is written somewhere can be read from any working folder.
    """
    if not isinstance(values, dict) or not isinstance(values.get("path"), str | Path):
        return values
    if "\0" in str(values["path"]):
        raise PydanticCustomError("file", "{what} has a path with a null character in it", {"what": what})
    file = looked_for(Path(values["path"]), what)
    if not there(file):
        others = list(file.parent.iterdir()) if there(file.parent, folder=True) else []
        names = [p.name for p in others if p.stem == file.stem or p.suffix.lower() == file.suffix.lower()]
        raise PydanticCustomError(
            "file", "{what} {path} does not exist (looked from {where}).{hint}",
            {"what": what, "path": repr(str(file)), "where": str(Path.cwd()), "hint": nearest(file.name, names)},
        )  # fmt: skip
    try:
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise PydanticCustomError(
            "file", "{what} {path} cannot be read: {why}",
            {"what": what, "path": repr(str(file)), "why": error.strerror or str(error)},
        ) from error  # fmt: skip
    given = values.get("sha256", "")
    if given not in ("", found):
        raise PydanticCustomError(
            "file", "{what} {path} has changed since this scene was written (sha256 {found}, not {given}). "
            "Bring the old file back, or leave sha256 out to accept the new one.",
            {"what": what, "path": repr(str(file)), "found": found[:12], "given": str(given)[:12]},
        )  # fmt: skip
    return {**values, "path": str(file.absolute()), "sha256": found}


def looked_for(path: Path, what: str) -> Path:
    """Beside the scene file that names it, first; where that is not confined, in the working folder, too."""
    now = place.get()
    if now is None:
        return path
    beside_it = now.folder / path  # an absolute path stays what it is
    if now.confined:
        if not (within(beside_it, now.folder) or within(beside_it, ASSETS)):
            raise PydanticCustomError(
                "file_outside", "{what} {path} lies outside {folder}, the folder of the scene file, which may be a "
                "stranger's and reads nothing else unless you say so: `--outside-files` on the command line, "
                "load_scene(..., outside_files=True) in Python. Or put the file into that folder.",
                {"what": what, "path": repr(str(path)), "folder": str(now.folder.absolute())},
            )  # fmt: skip
        return beside_it
    return beside_it if there(beside_it) else path


def within(file: Path, folder: Path) -> bool:
    """Whether a file is in a folder once every link and every `..` is followed."""
    try:
        return file.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that no file can have
        return False


def there(path: Path, folder: bool = False) -> bool:
    try:
        return path.is_dir() if folder else path.is_file()
    except OSError:  # a name too long for any file
        return False


def beside(table: Any, folder: Path) -> Any:
    """The table of a scene with the files below a folder named relative to it, so that both can move together."""
    if isinstance(table, dict):
        named = {key: beside(value, folder) for key, value in table.items()}
        if table.get("sha256") and isinstance(path := table.get("path"), str) and within(Path(path), folder):
            named["path"] = Path(path).resolve().relative_to(folder.resolve()).as_posix()
        return named
    return [beside(entry, folder) for entry in table] if isinstance(table, list | tuple) else table


def names_outside(table: Any, folder: Path) -> bool:
    """Whether a scene names files that do not lie below a folder, so that a file of it there has to be trusted."""
    if isinstance(table, dict):
        if table.get("sha256") and isinstance(path := table.get("path"), str):
            return not within(Path(path), folder) and not within(Path(path), ASSETS)
        return any(names_outside(value, folder) for value in table.values())
    return isinstance(table, list | tuple) and any(names_outside(entry, folder) for entry in table)
