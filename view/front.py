"""What users call. What can be refused is refused here and at once; the drawing is done by a child process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad.view.choices import Choices, Clip
from scenegrad.view.errors import ViewError
from scenegrad.view.rendering import render_in_child
from scenegrad.view.styles import Style

if TYPE_CHECKING:
    from scenegrad.view.frames import Frames
    from scenegrad.view.pictures import Camera

__all__ = ["compare", "mesh_screenshot", "movie", "screenshot", "serve", "show", "show_mesh"]

SHAPES = (".gltf", ".glb")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def screenshot(
    run: Any,
    out: str | Path | None = None,
    *,
    field: str | None = None,
    style: str | Style | None = None,
    clip: str | Clip | None = None,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    frame: int = -1,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
) -> Path:
    """Draws one frame of a run into an image file, or writes its shapes into a .gltf or .glb; returns its path.

    run: the folder of a run, one of its files, or a Run. out: the file; screenshot.png in the folder if left out.
    field: what is coloured, such as "vorticity", "speed", "velocity_x", "body"; what tells most if left out. style: how
    it is drawn: a name such as "volume", or an object with numbers of its own, such as Isosurfaces(values=(0.5,)).
    clip: a plane that cuts away a part: "x=0.5" (the side nearer to the eye), "x<0.5" (what stays), or a Clip.
    cmap: a map of matplotlib. limits: the numbers of the first and the last colour. frame: counts from 0, or from the
    end if negative. size: width and height in pixels; 1024 x 768, or lower for a long low picture, if left out.
    camera: where the eye is, what it looks at, which way is up."""
    from scenegrad.view.pictures import draw_picture, frame_number

    choices = Choices(field, style, clip, cmap, limits)
    frames = fitting_frames(run, choices)
    frame_number(frames, frame)
    frames.close()
    path = named(run, out, "screenshot.png")
    need_suffix(path, PICTURES + SHAPES, films=" Films, of all frames, are .mp4, .gif and .html.")
    if path.suffix.lower() in SHAPES:
        from scenegrad.view.pieces import draw_shapes

        return Path(render_in_child(draw_shapes, str(frames.path), str(path), frame=frame, **choices.table()))
    how = {"frame": frame, "size": plain(size), "camera": plain(camera), **choices.table()}
    return Path(render_in_child(draw_picture, str(frames.path), str(path), **how))


def movie(
    run: Any,
    out: str | Path | None = None,
    *,
    field: str | None = None,
    style: str | Style | None = None,
    clip: str | Clip | None = None,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    fps: float = 15.0,
    every: int = 1,
) -> Path:
    """Draws all frames of a run, or one out of `every`, into a .gif, .mp4 or .html and returns its path.

    Colours and camera stay the same throughout. An .html is one page with a slider that opens without a network; of a
    run of more than 200 frames it takes every second, third, and so on. out: movie.mp4 in the folder of the run if left
    out, or movie.gif where there is no ffmpeg; the rest as for `screenshot`."""
    from scenegrad.view.movies import can_write_mp4, check_movie_name
    from scenegrad.view.pictures import draw_movie

    path = check_movie_name(named(run, out, "movie.mp4" if can_write_mp4() else "movie.gif"))
    if not fps > 0:
        raise ViewError(f"fps={fps} is not a number of frames a second; it must be positive.")
    choices = Choices(field, style, clip, cmap, limits)
    frames = fitting_frames(run, choices)
    frames.close()
    how = {"size": plain(size), "camera": plain(camera), "fps": fps, "every": every, **choices.table()}
    return Path(render_in_child(draw_movie, str(frames.path), str(path), **how))


def show(
    run: Any,
    field: str | None = None,
    *,
    style: str | Style | None = None,
    clip: str | Clip | None = None,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    live: bool = False,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
) -> None:
    """Opens a window on a run and returns when it is closed; a button, or the space bar, lets time run.

    In a notebook, the run is shown below the cell instead: 60 frames at most, with a slider. live: follows a run that
    is still going on. The rest as for `screenshot`."""
    from scenegrad.view.notebook import in_notebook, refuse_live, show_inline
    from scenegrad.view.window import need_display, open_window

    choices = Choices(field, style, clip, cmap, limits)
    if in_notebook():
        if live:
            refuse_live()
        show_inline(run, field=field, style=style, clip=clip, cmap=cmap, limits=limits, size=size, camera=camera)
        return
    path = ready(run, choices, live)
    need_display()
    render_in_child(open_window, str(path), live=live, size=plain(size), camera=plain(camera), **choices.table())


def serve(
    run: Any,
    field: str | None = None,
    *,
    style: str | Style | None = None,
    clip: str | Clip | None = None,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    live: bool = False,
    host: str = "127.0.0.1",
    port: int | None = None,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
) -> None:
    """Serves a run to a browser, prints the address, and returns when it is stopped with Ctrl-C.

    The page has a slider for time, and field, colours, style and cut to choose; the pictures are drawn here. live:
    follows a run that is still going on. host: 127.0.0.1 lets only this machine in; nothing asks others who they are.
    port: 8642, or where that is taken any other. The rest as for `screenshot`."""
    from scenegrad.view.web.needs import need_web
    from scenegrad.view.web.server import serve_here

    choices = Choices(field, style, clip, cmap, limits)
    need_web()
    path = ready(run, choices, live)
    how = {"live": live, "host": host, "port": port, "size": plain(size), "camera": plain(camera), **choices.table()}
    with suppress(KeyboardInterrupt):
        render_in_child(serve_here, str(path), **how)


def ready(run: Any, choices: Choices, live: bool) -> Path:
    """What is to be opened: the file that has what is chosen, or, of a run that goes on, its folder."""
    if live:
        from scenegrad.view.files import resolved
        from scenegrad.view.growing import refuse_windows

        refuse_windows()
        return resolved(run)
    frames = fitting_frames(run, choices)
    frames.close()
    return frames.path


def compare(
    first: Any,
    second: Any,
    out: str | Path = "compare.png",
    *,
    field: str | None = None,
    style: str | Style | None = None,
    clip: str | Clip | None = None,
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    labels: Sequence[str] | None = None,
    frame: int = -1,
    tolerance: float | None = None,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    fps: float = 15.0,
    every: int = 1,
) -> Path:
    """Draws two runs side by side, such as a solver's and a surrogate's, and a third picture of how far they are apart:
    the difference of fields, second less first, or the displacement of particles. Returns the path.

    The first two share their colours, which the first decides, and all three the eye. out: a picture of one pair of
    frames, or a .gif, .mp4 or .html of all at equal times. labels: what stands over the two; the names of their folders
    if left out. frame: counts the pairs. tolerance: how far apart times may be that count as equal; a hundredth of the
    time between frames if left out. size: of one of the three. The rest as for `screenshot` and `movie`."""
    from scenegrad.view.comparing import FILMS, draw_comparison, open_pair
    from scenegrad.view.movies import check_movie_name

    choices = Choices(field, style, clip, cmap, limits)
    path = Path(out)
    check_movie_name(path) if path.suffix.lower() in FILMS else need_suffix(path, PICTURES)
    pair = open_pair(first, second, choices, tolerance)
    files = [str(one.path) for one in (pair.first, pair.second)]
    pair.close()
    names = list(labels) if labels is not None else [Path(file).parent.name for file in files]
    if len(names) != 2:
        raise ViewError(f"labels={labels} are not understood; give two, such as ('solver', 'surrogate').")
    how = {"labels": names, "frame": frame, "tolerance": tolerance, "fps": fps, "every": every}
    how |= {"size": plain(size), "camera": plain(camera), **choices.table()}
    return Path(render_in_child(draw_comparison, *files, str(path), **how))


def mesh_screenshot(
    path: str | Path, out: str | Path, *, size: Sequence[int] = (1024, 768), camera: Camera | None = None
) -> Path:
    """Draws a mesh file into an image file and returns its path."""
    from scenegrad.engine.geometry.reading import refuse_missing
    from scenegrad.view.meshes import draw_mesh

    refuse_missing(Path(path))
    need_suffix(Path(out), PICTURES)
    return Path(render_in_child(draw_mesh, str(path), str(out), size=plain(size), camera=plain(camera)))


def show_mesh(path: str | Path, *, size: Sequence[int] = (1024, 768), camera: Camera | None = None) -> None:
    """Opens a window on a mesh file; returns when it is closed."""
    from scenegrad.engine.geometry.reading import refuse_missing
    from scenegrad.view.meshes import open_mesh_window
    from scenegrad.view.window import need_display

    refuse_missing(Path(path))
    need_display()
    render_in_child(open_mesh_window, str(path), size=plain(size), camera=plain(camera))


def fitting_frames(run: Any, choices: Choices) -> Frames:
    """The frames of a run, if they can be drawn as chosen."""
    from scenegrad.view.files import open_frames
    from scenegrad.view.looks import placed_clip
    from scenegrad.view.offers import need_style, shown_quantity
    from scenegrad.view.styles import style_of

    frames = open_frames(run, choices.field)
    try:
        shown_quantity(frames, need_style(frames, style_of(choices.style)), choices.field)
        placed_clip(frames, choices.clip)
    except BaseException:
        frames.close()
        raise
    return frames


def named(run: Any, out: str | Path | None, usual: str) -> Path:
    """The file to write; by default beside what is drawn."""
    if out is not None:
        return Path(out)
    path = Path(run if isinstance(run, str | os.PathLike) else run.folder)
    return (path if path.is_dir() else path.parent) / usual


def need_suffix(path: Path, allowed: Sequence[str], films: str = "") -> None:
    if path.suffix.lower() not in allowed:
        raise ViewError(f"A picture is one of {' '.join(allowed)}, not {path.name!r}.{films}")


def plain(value: Any) -> Any:
    """Tuples and arrays as lists of numbers, for the way to the other process."""
    if isinstance(value, str | int | float) or value is None:
        return value
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()
    return [plain(entry) for entry in value]
