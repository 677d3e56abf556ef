"""Commands that show something: view, plot, splats, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scenegrad.commands.options import Json, Out, Quiet, show

__all__ = ["register"]

FILMS = (".mp4", ".gif")


def register(app: App) -> None:
    for command in (view, plot, splats, demo):
        app.command(command)


def view(
    run: Annotated[Path, Parameter(help="The folder of a run, or a .vtkhdf or .h5md file.")],
    *,
    field: Annotated[str | None, Parameter(help="What gives the colour, such as vorticity or speed.")] = None,
    frame: Annotated[int | None, Parameter(help="Which frame to draw; -1 is the last.")] = None,
    out: Out = None,
) -> int:
    """Look at a run: in a window, or drawn into a picture (.png, .jpg) or a film (.mp4, .gif).

    For example

    - `scenegrad view runs/flow --field vorticity`
    - `scenegrad view runs/drop --out drop.png --frame -1`
    - `scenegrad view runs/drop --out drop.mp4`
    """
    from scenegrad import view as pictures
    from scenegrad.scenes.errors import SceneError

    if out is None:
        pictures.show(run, field=field)
    elif out.suffix.lower() not in FILMS:
        print(pictures.screenshot(run, out, field=field, frame=-1 if frame is None else frame))
    elif frame is None:
        print(pictures.movie(run, out, field=field))
    else:
        raise SceneError(f"--frame {frame} makes one picture, but {out.name} is a film; leave it out or write a .png.")
    return 0


def plot(
    run: Annotated[Path, Parameter(help="The folder of a run.")],
    output: Annotated[str, Parameter(help="An output of numbers, or one quantity of it: energy, energy.kinetic.")] = (
        "diagnostics"
    ),
    *,
    out: Out = None,
) -> int:
    """Draw the numbers of a run over time: how a flow kept its laws, or an output by its name.

    For example

    - `scenegrad plot runs/flow`
    - `scenegrad plot runs/flow energy --out energy.pdf`
    """
    from scenegrad import view as pictures

    if output == "diagnostics":
        print(pictures.plot_diagnostics(run, out))
    else:
        print(pictures.plot_series(run, output, out))
    return 0


def splats(
    run: Annotated[Path, Parameter(help="The folder of a run with an output of the kind Gaussians.")],
    *,
    output: Annotated[str | None, Parameter(help="Its name; it may be left out where there is one.")] = None,
    out: Out = None,
    json: Json = False,
) -> int:
    """Write the Gaussians of every frame of a run, moved and deformed, as .ply files for a viewer of splats.

    For example

    - `scenegrad splats runs/egg`
    - `scenegrad splats runs/egg --out frames`
    """
    from scenegrad.splats import write_splats

    paths = write_splats(run, output, out)
    text = f"{len(paths)} frames, {paths[0]} to {paths[-1].name}" if paths else "no frame yet"
    show({"files": [str(path) for path in paths]}, json, text)
    return 0


def demo(
    *,
    out: Out = None,
    small: Annotated[bool, Parameter(negative="", help="The form that takes a minute or two.")] = False,
    device: str = "auto",
    quiet: Quiet = False,
) -> int:
    """Simulate, differentiate, learn and look: makes a report with pictures. Exit code 1 where a claim did not hold.

    For example

    - `scenegrad demo --out runs/demo`
    - `scenegrad demo --small`
    """
    from scenegrad.demo import run_demo

    _, every_claim_holds = run_demo(out or Path("runs/demo"), device=device, small=small, quiet=quiet)
    return 0 if every_claim_holds else 1
