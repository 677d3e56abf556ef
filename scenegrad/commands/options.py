"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from scenegrad.scenes.scene import Scene

__all__ = ["Device", "Json", "Out", "Precision", "Quiet", "Seed", "Settings", "Source", "prepared", "show"]

Source = Annotated[str, Parameter(help="A .py, .toml or .json file, or the name of a ready scene (`scenegrad list`).")]
Device = Annotated[str, Parameter(help="cpu, cuda, cuda:1, ...; auto takes the first GPU where there is one.")]
Precision = Annotated[str, Parameter(name="--dtype", help="float32 or float64.")]
Seed = Annotated[int | None, Parameter(help="Replaces the seed of the scene.")]
Out = Annotated[Path | None, Parameter(help="The folder or file to write to.")]
Settings = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set", negative="", help="Replaces a value by its address: --set water.viscosity=0.01. May be repeated."
    ),
]
Json = Annotated[bool, Parameter(negative="", help="Answer in JSON.")]
Quiet = Annotated[bool, Parameter(negative="", help="Show no progress.")]


def prepared(source: str, settings: Sequence[str], seed: int | None) -> Scene:
    """The scene that a command speaks of, with its values replaced."""
    from scenegrad.scenes.errors import SceneError
    from scenegrad.sources import read_scene, with_values

    values: dict[str, Any] = {}
    for setting in settings:
        address, equals, text = setting.partition("=")
        if not equals:
            raise SceneError(f"--set {setting!r} has no value; write --set address=value, such as --set time.end=2.")
        values[address] = text
    if seed is not None:
        values["seed"] = seed
    return with_values(read_scene(source), values)


def show(table: Any, as_json: bool, text: str) -> None:
    print(json.dumps(table, indent=2) if as_json else text)
