"""Where a scene comes from: an object, a file, or the name of a scene of the library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenegrad.scenes.scene import Scene

__all__ = ["read_scene", "ready_scenes", "with_values"]


def read_scene(source: Scene | str | Path, *, outside_files: bool = False) -> Scene:
    """A scene as it is, from a .py, .toml or .json file, or from the library (`kolmogorov`, `library:kolmogorov`).

    outside_files: a .toml or .json may name files outside its own folder.
    """
    from scenegrad.scenes.errors import SceneError, nearest
    from scenegrad.scenes.files import load_scene
    from scenegrad.scenes.scene import Scene

    if isinstance(source, Scene):
        return source
    if not isinstance(source, str | Path):
        raise SceneError(f"A scene, a file or a name of the library is needed here; got {type(source).__name__}.")
    name = str(source)
    if name.startswith("library:") or not (Path(name).suffix or Path(name).is_file()):
        ready = ready_scenes()
        name = name.removeprefix("library:")
        if name not in ready:
            raise SceneError(
                f"There is no scene file and no ready scene {name!r}.{nearest(name, ready)} "
                f"Ready scenes: {', '.join(ready)}. A file ends in .py, .toml or .json."
            )
        return ready[name]()
    return load_scene(name, outside_files=outside_files)


def ready_scenes() -> dict[str, Any]:
    """Functions that make the scenes of the library, by name."""
    from scenegrad.scenes import library

    return {name: getattr(library, name) for name in library.__all__}


def with_values(scene: Scene, settings: dict[str, Any]) -> Scene:
    """The scene with values replaced by address; text is read as what it says where it can be."""
    values = {address: meant(text) if isinstance(text, str) else text for address, text in settings.items()}
    return scene.replace(values) if values else scene


def meant(text: str) -> Any:
    """A number, true or false, a list or a table, as JSON has them or as they stand in scene files; else the text."""
    import json
    import tomllib

    try:
        return json.loads(text)
    except json.JSONDecodeError:
        if not text.lstrip().startswith(("{", "[")):
            return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
