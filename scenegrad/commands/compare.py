"""The command that draws two runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from scenegrad.commands.options import Clip, ColourMap, Field, Json, Limits, Style, show

__all__ = ["register"]


def register(app: App) -> None:
    app.command(compare)


def compare(
    first: Annotated[Path, Parameter(help="The folder of a run, or a file of frames.")],
    second: Annotated[Path, Parameter(help="Another one, such as what a surrogate made of the same scene.")],
    *,
    out: Annotated[
        Path, Parameter(name=["--out", "--save"], help="A picture (.png), or a film of all frames (.mp4, .gif, .html).")
    ] = Path("compare.png"),
    field: Field = None,
    style: Style = None,
    clip: Clip = None,
    cmap: ColourMap = None,
    limits: Limits = None,
    labels: Annotated[
        tuple[str, str] | None, Parameter(help="What stands over the two: --labels solver surrogate.")
    ] = None,
    frame: Annotated[int, Parameter(help="Which pair of frames; -1 is the last.")] = -1,
    tolerance: Annotated[
        float | None, Parameter(help="How far apart times may be that count as equal, in the unit of time.")
    ] = None,
    json: Json = False,
) -> int:
    """Draw two runs side by side, and how far they are apart.

    Both get the same colours and the same eye. The third picture is the difference of fields on the same grid, or how
    far each particle is from its partner. Runs that do not fit together are refused in words.

    For example

    - `scenegrad compare runs/solver runs/surrogate --out compare.png`
    - `scenegrad compare runs/fine runs/coarse --field speed --labels fine coarse --out compare.mp4`
    - `scenegrad compare runs/a runs/b --tolerance 0.01 --frame 10`
    """
    from scenegrad import view as pictures

    chosen: dict[str, Any] = {"field": field, "style": style, "clip": clip, "cmap": cmap, "limits": limits}
    path = pictures.compare(first, second, out, labels=labels, frame=frame, tolerance=tolerance, **chosen)
    show({"file": str(path)}, json, str(path))
    return 0
