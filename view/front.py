"""What users call. What can be refused is refused here and at once; the drawing is done by a child process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenegrad.view.errors import ViewError
from scenegrad.view.rendering import render_in_child

if TYPE_CHECKING:
    from scenegrad.view.pictures import Camera

__all__ = ["mesh_screenshot", "movie", "screenshot", "show", "show_mesh"]

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def screenshot(
    run: Any,
    out: str | Path | None = None,
    *,
    field: str | None = None,
    frame: int = -1,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    cmap: str | None = None,
) -> Path:
    """Draws one frame of a run into an image file and returns its path.

    run: the folder of a run, one of its files, or a Run. out: the file; screenshot.png in the folder if left out.
    field: what is coloured, such as "vorticity", "speed", "velocity_x", "body"; what tells most if left out.
    frame: counts from 0, or from the end if negative. size: width and height in pixels; 1024 x 768, or lower for a long
    low picture, if left out. camera: where the eye is, what it looks at, which way is up. cmap: a map of matplotlib."""
    from scenegrad.view.files import open_frames
    from scenegrad.view.pictures import draw_picture, frame_number

    frames = open_frames(run, field)
    frame_number(frames, frame)
    frames.close()
    path = named(run, out, "screenshot.png")
    need_suffix(path, PICTURES)
    how = {"field": field, "frame": frame, "size": plain(size), "camera": plain(camera), "cmap": cmap}
    return Path(render_in_child(draw_picture, str(frames.path), str(path), **how))


def movie(
    run: Any,
    out: str | Path | None = None,
    *,
    field: str | None = None,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    cmap: str | None = None,
    fps: float = 15.0,
    every: int = 1,
) -> Path:
    """Draws all frames of a run, or one out of `every`, into a .gif or .mp4 and returns its path.

    Colours and camera stay the same throughout. out: movie.mp4 in the folder of the run if left out, or movie.gif
    where there is no ffmpeg; the rest as for `screenshot`."""
    from scenegrad.view.files import open_frames
    from scenegrad.view.movies import can_write_mp4, check_movie_name
    from scenegrad.view.pictures import draw_movie

    path = check_movie_name(named(run, out, "movie.mp4" if can_write_mp4() else "movie.gif"))
    if not fps > 0:
        raise ViewError(f"fps={fps} is not a number of frames a second; it must be positive.")
    frames = open_frames(run, field)
    frames.close()
    how = {"field": field, "size": plain(size), "camera": plain(camera), "cmap": cmap, "fps": fps, "every": every}
    return Path(render_in_child(draw_movie, str(frames.path), str(path), **how))


def show(
    run: Any,
    field: str | None = None,
    *,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    cmap: str | None = None,
) -> None:
    """Opens a window on a run and returns when it is closed; a button, or the space bar, lets time run.

    Arguments as for `screenshot`."""
    from scenegrad.view.files import open_frames
    from scenegrad.view.window import need_display, open_window

    frames = open_frames(run, field)
    frames.close()
    need_display()
    render_in_child(open_window, str(frames.path), field=field, size=plain(size), camera=plain(camera), cmap=cmap)


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


def named(run: Any, out: str | Path | None, usual: str) -> Path:
    """The file to write; by default beside what is drawn."""
    if out is not None:
        return Path(out)
    path = Path(run if isinstance(run, str | os.PathLike) else run.folder)
    return (path if path.is_dir() else path.parent) / usual


def need_suffix(path: Path, allowed: Sequence[str]) -> None:
    if path.suffix.lower() not in allowed:
        raise ViewError(f"A picture is one of {' '.join(allowed)}, not {path.name!r}.")


def plain(value: Any) -> Any:
    """Tuples and arrays as lists of numbers, for the way to the other process."""
    if isinstance(value, str | int | float) or value is None:
        return value
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()
    return [plain(entry) for entry in value]
