"""Commands that show something: view, plot, splats, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from scenegrad.commands.options import Clip, ColourMap, Field, Json, Limits, Out, Quiet, Style, show

__all__ = ["register"]

Picture = Annotated[Path | None, Parameter(name=["--out", "--save"], help="The file to draw into.")]
FILMS = (".mp4", ".gif", ".html")


def register(app: App) -> None:
    for command in (view, plot, splats, demo):
        app.command(command)


def view(
    run: Annotated[Path, Parameter(help="The folder of a run, a .vtkhdf or .h5md file, or a mesh such as part.stl.")],
    *,
    field: Field = None,
    style: Style = None,
    clip: Clip = None,
    cmap: ColourMap = None,
    limits: Limits = None,
    frame: Annotated[int | None, Parameter(help="Which frame to draw; -1 is the last.")] = None,
    out: Picture = None,
    web: Annotated[bool, Parameter(negative="", help="In a browser; prints the address.")] = False,
    host: Annotated[str, Parameter(help="For --web: who may come in; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int | None, Parameter(help="For --web: 8642, or any that is free, if left out.")] = None,
    live: Annotated[bool, Parameter(negative="", help="Follow a run that is still going on.")] = False,
    json: Json = False,
) -> int:
    """Look at a run: in a window, in a browser, or drawn into a picture (.png, .jpg), a film (.mp4, .gif), one page
    with a slider that opens without a network (.html), or shapes for other programs (.gltf, .glb).

    For example

    - `scenegrad view runs/flow --field vorticity`
    - `scenegrad view runs/flow --style streamlines --clip x=0.5 --cmap viridis --out flow.png`
    - `scenegrad view runs/drop --out drop.png --frame -1`
    - `scenegrad view runs/drop --out drop.mp4`
    - `scenegrad view runs/drop --out drop.html`
    - `scenegrad view runs/drop --out drop.glb --frame 3`
    - `scenegrad view runs/drop --web --live`
    - `scenegrad view part.stl --out part.png`
    """
    from scenegrad import view as pictures
    from scenegrad.importing.meshes import is_mesh
    from scenegrad.scenes.errors import SceneError

    chosen: dict[str, Any] = {"field": field, "style": style, "clip": clip, "cmap": cmap, "limits": limits}
    if out is not None and (web or live):
        raise SceneError(f"--out draws into a file and {'--web' if web else '--live'} does not; leave one of them out.")
    if not web and (port is not None or host != "127.0.0.1"):
        raise SceneError("--host and --port say where a page is served; add --web.")
    if is_mesh(run):
        if web or live or frame is not None or any(value is not None for value in chosen.values()):
            raise SceneError(
                f"{run} is a mesh, which is drawn as it is: give no more than --out, such as --out part.png."
            )
        if out is None:
            pictures.show_mesh(run)
        else:
            file = pictures.mesh_screenshot(run, out)
            show({"file": str(file)}, json, str(file))
    elif web:
        pictures.serve(run, live=live, host=host, port=port, **chosen)
    elif out is None:
        pictures.show(run, live=live, **chosen)
    elif out.suffix.lower() not in FILMS:
        file = pictures.screenshot(run, out, frame=-1 if frame is None else frame, **chosen)
        show({"file": str(file)}, json, str(file))
    elif frame is None:
        file = pictures.movie(run, out, **chosen)
        show({"file": str(file)}, json, str(file))
    else:
        raise SceneError(f"--frame {frame} makes one picture, but {out.name} is a film; leave it out or write a .png.")
    return 0


def plot(
    run: Annotated[Path, Parameter(help="The folder of a run or of a training.")],
    output: Annotated[
        str | None,
        Parameter(help="An output of numbers, or one quantity of it: energy, energy.kinetic; or spectrum, or steps."),
    ] = None,
    *,
    out: Picture = None,
    json: Json = False,
) -> int:
    """Draw the numbers of a run: how a flow kept its laws, an output by its name, a spectrum made of the frames of a
    flow, the lengths of the steps, or how a training went. Without a name, what tells most.

    For example

    - `scenegrad plot runs/flow`
    - `scenegrad plot runs/flow energy --out energy.pdf`
    - `scenegrad plot runs/argon rdf`
    - `scenegrad plot runs/flow spectrum`
    - `scenegrad plot runs/fno`
    """
    from scenegrad import view as pictures

    file = pictures.plot_output(run, output, out)
    show({"file": str(file)}, json, str(file))
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
    json: Json = False,
) -> int:
    """Simulate, differentiate, learn and look: makes a report with pictures. Exit code 1 where a claim did not hold.

    For example

    - `scenegrad demo --out runs/demo`
    - `scenegrad demo --small`
    """
    from scenegrad.demo import run_demo

    folder = out or Path("runs/demo")
    report, every_claim_holds = run_demo(folder, device=device, small=small, quiet=quiet or json)
    if json:
        show({"report": str(report), "every_claim_holds": every_claim_holds}, True, "")
    return 0 if every_claim_holds else 1
