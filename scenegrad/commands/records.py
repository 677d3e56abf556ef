"""Commands about what was made: diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scenegrad.commands.options import Json, show

__all__ = ["register"]


def register(app: App) -> None:
    app.command(diff)


def diff(
    one: Annotated[Path, Parameter(help="The folder of a run, a dataset or a training.")],
    other: Annotated[Path, Parameter(help="Another of the same kind.")],
    *,
    tolerance: Annotated[
        float, Parameter(help="How far numbers may be apart, as a share of the largest of their quantity; 0: no bit.")
    ] = 0.0,
    only: Annotated[
        tuple[str, ...], Parameter(negative="", help="Only this output or quantity of it. May be repeated.")
    ] = (),
    json: Json = False,
) -> int:
    """Say where two runs part: in the scene, in what made them, and at which number first and by how much.

    Versions and machines are told, but two runs are the same where scenes and numbers are. Exit code 0 where they are
    the same, 1 where they differ.

    For example

    - `scenegrad diff runs/flow runs/flow-again`
    - `scenegrad diff runs/float32 runs/float64 --tolerance 1e-4 --only fields.vorticity`
    - `scenegrad diff data/flow data/copy --json`
    """
    from scenegrad.differences import diff as compare

    found = compare(one, other, tolerance, only)
    show(found.table(), json, str(found))
    return int(bool(found))
