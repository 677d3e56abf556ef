"""Scenes in files: TOML and JSON hold the data, Python makes it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.plugins import run_file
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.source_file import beside, named_from
from scenegrad.system import appearing

__all__ = ["load_scene", "save_scene"]

ENDLESS_KEY = re.compile(r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){100}")
SUFFIXES = (".toml", ".json", ".py")


def save_scene(scene: Scene, path: str | Path) -> Path:
    """Writes .toml or .json; the file appears whole or not at all. Files below its folder are named relative to it."""
    path = Path(path)
    table = beside(without_none(scene.model_dump(mode="json")), path.parent)
    if path.suffix == ".json":
        text = json.dumps(table, indent=2) + "\n"
    elif path.suffix == ".toml":
        import tomli_w

        text = tomli_w.dumps(table)
    else:
        raise SceneError(f"A scene is saved as .toml or .json, not as {path.name!r}.")
    with appearing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def load_scene(path: str | Path, name: str = "scene", *, outside_files: bool = False) -> Scene:
    """Reads .toml, .json, or a .py whose module-level `scene` (or function of that name) gives the scene.

    A .toml or .json runs no code and reads no file outside its own folder, relative to which it names files, unless
    outside_files is set. A .py is a program: it runs, and reads what it likes.
    """
    path = Path(path)
    if not path.is_file():
        names = [p.name for p in path.parent.iterdir() if p.suffix in SUFFIXES] if path.parent.is_dir() else []
        raise SceneError(f"There is no scene file {str(path)!r} (looked from {Path.cwd()}).{nearest(path.name, names)}")
    if path.suffix == ".py":
        with named_from(path.parent, confined=False):
            return from_python(path, name)
    with named_from(path.parent, confined=not outside_files):
        return Scene.parse(read_table(path))


def read_table(path: Path) -> dict[str, Any]:
    if path.suffix not in (".toml", ".json"):
        raise SceneError(f"A scene file ends in {', '.join(SUFFIXES)}; got {path.name!r}.")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            if ENDLESS_KEY.search(text):  # its reader takes a time that grows with the square of their number
                raise SceneError(f"{path} has a key of more than 100 words with dots between; no address is as long.")
            table: Any = tomllib.loads(text)
        else:
            table = json.loads(text)
    except UnicodeDecodeError as error:
        raise SceneError(f"{path} is not text in UTF-8: {error}. Save it in that encoding.") from error
    except RecursionError as error:
        raise SceneError(f"{path} is nested too deeply to be read. A bracket may not be closed.") from error
    except ValueError as error:  # of TOML or JSON, or of a number with too many digits
        raise SceneError(f"{path} is not valid {path.suffix[1:].upper()}: {error}") from error
    except OSError as error:
        raise SceneError(f"{path} cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise SceneError(
            f"{path} holds a {type(table).__name__} in place of a table with name, domain, entities, time."
        )
    return table


def from_python(path: Path, name: str) -> Scene:
    found = getattr(run_file(path), name, None)
    scene = found() if callable(found) else found
    if not isinstance(scene, Scene):
        raise SceneError(
            f"{path} has no scene called {name!r} (found {type(scene).__name__}). "
            f"Write `{name} = sg.Scene(...)`, or a function {name}() that returns one."
        )
    return scene


def without_none(table: Any) -> Any:
    """TOML has no null: what is None is left out, and read back as its default."""
    if isinstance(table, dict):
        return {key: without_none(value) for key, value in table.items() if value is not None}
    return [without_none(entry) for entry in table] if isinstance(table, list) else table
