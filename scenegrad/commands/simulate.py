"""Commands about one scene: run, check, list, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from scenegrad.commands.completing import scenes
from scenegrad.commands.options import (
    Device,
    Json,
    Out,
    OutsideFiles,
    Precision,
    Quiet,
    Seed,
    Settings,
    Source,
    prepared,
    show,
)

__all__ = ["register"]


def register(app: App) -> None:
    for command in (run, check, list_scenes, schema):
        app.command(command, name="list" if command is list_scenes else command.__name__)


def run(
    scene: Annotated[
        str | None, Parameter(help="A scene file, or the name of a ready scene.", completer=scenes)
    ] = None,
    *,
    from_: Annotated[Path | None, Parameter(name="--from", help="Make an earlier run again, from its folder.")] = None,
    out: Out = None,
    device: Device | None = None,
    dtype: Precision | None = None,
    seed: Seed = None,
    set_: Settings = (),
    outside_files: OutsideFiles = False,
    member: Annotated[int | None, Parameter(help="Run this member of the ensemble that the scene describes.")] = None,
    overwrite: Annotated[bool, Parameter(negative="", help="Begin anew, whatever the folder holds.")] = False,
    checkpoint_every: Annotated[float, Parameter(help="Wall time between checkpoints [s].")] = 30.0,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Simulate a scene into a folder. A run that was stopped goes on where it stopped.

    For example

    - `scenegrad run kolmogorov --out runs/flow --set time.end=2`
    - `scenegrad run drop.toml --device cuda --dtype float64`
    - `scenegrad run --from runs/flow --out runs/flow-again`
    """
    from scenegrad.running import run, run_again
    from scenegrad.scenes.errors import SceneError

    how: dict[str, Any] = {
        "overwrite": overwrite,
        "progress": not (quiet or json),
        "checkpoint_every": checkpoint_every,
    }
    how |= {key: value for key, value in (("device", device), ("dtype", dtype)) if value is not None}
    if from_ is not None:
        if scene is not None or set_ or seed is not None:
            raise SceneError("--from makes a run again as it was; leave out the scene, --set and --seed.")
        made = run_again(from_, out, **how)
    elif scene is None:
        raise SceneError(
            "Which scene? Give a file or the name of a ready scene (`scenegrad list`), or --from a folder."
        )
    else:
        chosen = prepared(scene, set_, seed, outside_files)
        if member is not None:
            from scenegrad.scenes.vary import vary

            chosen = vary(chosen, member + 1, seed=chosen.seed)[member]
        made = run(chosen, out, **how)
    record = made.record
    answer = {key: record[key] for key in ("status", "time", "steps", "rejected", "frames", "wall_seconds")}
    show({"folder": str(made.folder), **answer}, json, f"{made!r}\n{record['wall_seconds']:.3g} s")
    return 0


def check(
    scene: Source,
    *,
    device: Device = "cpu",
    dtype: Precision = "float32",
    seed: Seed = None,
    set_: Settings = (),
    outside_files: OutsideFiles = False,
    json: Json = False,
) -> int:
    """Say whether a scene can be run, and what it would cost, without running it.

    For example

    - `scenegrad check drop.toml`
    - `scenegrad check kolmogorov --set w.viscosity=-1`
    """
    from scenegrad.checking import summary

    table = summary(prepared(scene, set_, seed, outside_files), device, dtype)
    width = max(map(len, table))
    show(table, json, "\n".join(f"{key:<{width}}  {in_line(value)}" for key, value in table.items()))
    return 0


def in_line(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {in_line(entry)}" for key, entry in value.items()) or "none"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def list_scenes(*, json: Json = False) -> int:
    """List the ready scenes that come with the package.

    For example

    - `scenegrad list`
    - `scenegrad list --json`
    """
    from scenegrad.sources import ready_scenes

    table = {
        name: (make.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ") for name, make in ready_scenes().items()
    }
    width = max(map(len, table))
    show(table, json, "\n".join(f"{name:<{width}}  {' '.join(text.split())}" for name, text in table.items()))
    return 0


def schema(*, out: Out = None) -> int:
    """Print the JSON Schema of scene files, for editors and other programs.

    For example

    - `scenegrad schema > scene.schema.json`
    - `scenegrad schema --out scene.schema.json`
    """
    from scenegrad.engine.files.atomic import write_text
    from scenegrad.scenes.schema import scene_schema

    text = json.dumps(scene_schema(), indent=2)
    if out is None:
        print(text)
    else:
        write_text(out, text + "\n")
    return 0
