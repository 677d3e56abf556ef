"""Scenes in files: TOML and JSON hold the data, Python makes it."""

from __future__ import annotations

import json
import os
import runpy
import tomllib
from pathlib import Path
from typing import Any

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.source_file import search_folder

__all__ = ["load_scene", "save_scene"]

SUFFIXES = (".toml", ".json", ".py")


def save_scene(scene: Scene, path: str | Path) -> Path:
    """Writes .toml or .json; the file appears whole or not at all."""
    path = Path(path)
    table = without_none(scene.model_dump(mode="json"))
    if path.suffix == ".json":
        text = json.dumps(table, indent=2) + "\n"
    elif path.suffix == ".toml":
        import tomli_w

        text = tomli_w.dumps(table)
    else:
        raise SceneError(f"A scene is saved as .toml or .json, not as {path.name!r}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path


def load_scene(path: str | Path, name: str = "scene") -> Scene:
    """Reads .toml, .json, or a .py whose module-level `scene` (or function of that name) gives the scene.

    Relative mesh paths are looked for from the working folder first, then from the folder of the file.
    """
    path = Path(path)
    if not path.is_file():
        names = [p.name for p in path.parent.iterdir() if p.suffix in SUFFIXES] if path.parent.is_dir() else []
        raise SceneError(f"There is no scene file {str(path)!r} (looked from {Path.cwd()}).{nearest(path.name, names)}")
    with search_folder(path.parent):
        if path.suffix == ".py":
            return from_python(path, name)
        return Scene.parse(read_table(path))


def read_table(path: Path) -> dict[str, Any]:
    try:
        if path.suffix == ".toml":
            return tomllib.loads(path.read_text(encoding="utf-8"))
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise SceneError(f"{path} is not valid {path.suffix[1:].upper()}: {error}") from error
    except UnicodeDecodeError as error:
        raise SceneError(f"{path} is not text in UTF-8: {error}. Save it in that encoding.") from error
    raise SceneError(f"A scene file ends in {', '.join(SUFFIXES)}; got {path.name!r}.")


def from_python(path: Path, name: str) -> Scene:
    found = runpy.run_path(str(path)).get(name)
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
