"""Commands between this package's files and those of others: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scenegrad.commands.options import Json, Out, show

__all__ = ["register"]


def register(app: App) -> None:
    app.command(export)
    app.command(import_, name="import")


def export(
    source: Annotated[
        Path | None, Parameter(help="The folder of a run or of a dataset, or one of their .vtkhdf, .h5md, .h5 files.")
    ] = None,
    *,
    to: Annotated[str | None, Parameter(help="The format; --list tells which there are.")] = None,
    out: Out = None,
    frames: Annotated[
        str | None,
        Parameter(help="Which, counted from 0: 10, -1, 0:100:10. All if left out.", allow_leading_hyphen=True),
    ] = None,
    output: Annotated[str | None, Parameter(help="Only this output of the scene.")] = None,
    member: Annotated[int | None, Parameter(help="Only this member of a dataset.")] = None,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Tell the formats and what each holds.")] = False,
    json: Json = False,
) -> int:
    """Write a run or a dataset in a format that other programs open, into its folder `export` unless --out says where.

    Of a run that was killed, all frames that it had committed are written. What does not fit a format is refused in
    words.

    For example

    - `scenegrad export --list`
    - `scenegrad export runs/drop --to pvd`
    - `scenegrad export runs/killed --to vtkhdf --out killed.vtkhdf`
    - `scenegrad export runs/argon --to extxyz --frames -1 --out last.extxyz`
    - `scenegrad export data/flow --to well --out data/flow_well`
    - `scenegrad export data/flow --to pvd --member 3`
    """
    from scenegrad.engine.errors import EngineError
    from scenegrad.exporting import FORMATS
    from scenegrad.exporting import export as write

    if list_:
        table = {f.name: {"holds": f.holds, "suffix": f.suffix, "opened_by": f.opened_by} for f in FORMATS.values()}
        width = max(map(len, table), default=0)
        lines = [f"{name:<{width}}  {f['holds']}; opened by {f['opened_by']}" for name, f in table.items()]
        show(table, json, "\n".join(lines))
        return 0
    if source is None or to is None:
        raise EngineError(
            f"What goes where? scenegrad export PATH --to FORMAT, such as runs/drop --to pvd. The formats are "
            f"{', '.join(FORMATS)}; --list tells what each of them holds."
        )
    paths = write(source, to, out, frames=frames, output=output, member=member)
    few = [*map(str, paths[:3]), *(["..."] if len(paths) > 4 else []), *map(str, paths[3:][-1:])]
    show({"format": to, "files": [str(path) for path in paths]}, json, "\n".join(few))
    return 0


def import_(
    file: Annotated[Path | None, Parameter(help="A file, or the folder of a dataset of The Well.")] = None,
    *,
    kind: Annotated[str | None, Parameter(help="What it is, where neither its name nor its contents tell.")] = None,
    out: Out = None,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Tell what can be imported.")] = False,
    json: Json = False,
) -> int:
    """Take in a file of others: data become a dataset that card, train and evaluate take, atoms a scene to start from.

    For example

    - `scenegrad import --list`
    - `scenegrad import 2D_diff-react_NA_NA.h5 --out data/react`
    - `scenegrad import darcy_train_16.pt --out data/darcy`
    - `scenegrad import water.extxyz --out water.toml`
    """
    from scenegrad.engine.errors import EngineError
    from scenegrad.importing import KINDS, import_file

    if list_:
        table = {k.name: {"files": k.files, "becomes": k.becomes} for k in KINDS.values()}
        width = max(map(len, table), default=0)
        show(table, json, "\n".join(f"{n:<{width}}  {k['files']}: {k['becomes']}" for n, k in table.items()))
        return 0
    if file is None:
        raise EngineError(f"What is to be imported? Give a file. There is room for {', '.join(KINDS)}; see --list.")
    made = import_file(file, out, kind=kind)
    show({"kind": made.kind, "files": [str(path) for path in made.paths], **made.told}, json, made.text)
    return 0
