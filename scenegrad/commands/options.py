"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from scenegrad.commands.completing import addresses, devices, precisions, scenes

if TYPE_CHECKING:
    from scenegrad.scenes.scene import Scene

__all__ = [
    "Clip",
    "ColourMap",
    "Device",
    "Field",
    "Json",
    "Limits",
    "Out",
    "OutsideFiles",
    "Precision",
    "Quiet",
    "Seed",
    "Settings",
    "Source",
    "Style",
    "prepared",
    "show",
]

Source = Annotated[
    str,
    Parameter(help="A .py, .toml or .json file, or the name of a ready scene (`scenegrad list`).", completer=scenes),
]
Device = Annotated[
    str, Parameter(help="cpu, cuda, cuda:1, ...; auto takes the first GPU where there is one.", completer=devices)
]
Precision = Annotated[str, Parameter(name="--dtype", help="float32 or float64.", completer=precisions)]
Seed = Annotated[int | None, Parameter(help="Replaces the seed of the scene.")]
Out = Annotated[Path | None, Parameter(help="The folder or file to write to.")]
Settings = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        negative="",
        help="Replaces a value by its address: --set water.viscosity=0.01. May be repeated.",
        completer=addresses,
    ),
]
Json = Annotated[bool, Parameter(negative="", help="Answer in JSON.")]
OutsideFiles = Annotated[
    bool, Parameter(negative="", help="Let the .toml or .json of a scene name files outside its own folder.")
]
Quiet = Annotated[bool, Parameter(negative="", help="Show no progress.")]

# how frames are drawn
Field = Annotated[str | None, Parameter(help="What gives the colour, such as vorticity or speed.")]
Style = Annotated[str | None, Parameter(help="How: image, streamlines, isosurfaces, volume, atoms, ...")]
Clip = Annotated[str | None, Parameter(help="Cut open by a plane: x=0.5; x<0.5 and x>0.5 say what stays.")]
ColourMap = Annotated[str | None, Parameter(help="A colour map of matplotlib, such as magma.")]
Limits = Annotated[
    tuple[float, float] | None, Parameter(help="The numbers of the first and the last colour: --limits 0 2.")
]


def prepared(source: str, settings: Sequence[str], seed: int | None, outside_files: bool = False) -> Scene:
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
    return with_values(read_scene(source, outside_files=outside_files), values)


def show(table: Any, as_json: bool, text: str) -> None:
    print(json.dumps(table, indent=2) if as_json else text)
