"""Pictures and movies of a run, drawn in this very process; `scenegrad.view` calls them in one of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.view.choices import Choices
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.frames import Frames
from scenegrad.view.looks import look
from scenegrad.view.movies import PAGES, Image, write_movie
from scenegrad.view.rendering import tell
from scenegrad.view.stage import fitting_size, stage
from scenegrad.view.web.player import film_of, thinned, write_player

if TYPE_CHECKING:
    import pyvista

__all__ = ["Camera", "draw_movie", "draw_picture", "frame_number", "place_camera"]

SILENCE = 10.0  # s after which a movie says how far it is
Camera = Sequence[Sequence[float]]  # where the eye is, what it looks at, which way is up


def draw_picture(
    run: Any,
    out: str | Path,
    *,
    frame: int = -1,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    **chosen: Any,
) -> str:
    """One frame as an image file, in the colours that suit this frame. chosen: field, style, ...; see Choices."""
    choices = Choices.of(chosen)
    frames = open_frames(run, choices.field)
    try:
        index = frame_number(frames, frame)
        plotter = stage(size or fitting_size(frames))
        look(plotter, frames, choices, [index]).show(index)
        place_camera(plotter, camera)
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        plotter.screenshot(str(out))
        plotter.close()
    finally:
        frames.close()
    return str(out)


def draw_movie(
    run: Any,
    out: str | Path,
    *,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    fps: float = 15.0,
    every: int = 1,
    **chosen: Any,
) -> str:
    """All frames, or one out of `every`, under one camera and in one set of colours. chosen: see Choices."""
    choices = Choices.of(chosen)
    frames = open_frames(run, choices.field)
    try:
        indices: Sequence[int] = range(0, len(frames.times), max(1, int(every)))
        page = Path(out).suffix.lower() in PAGES
        if page:
            indices = thinned(indices)
        plotter = stage(size or fitting_size(frames))
        shown = look(plotter, frames, choices, indices)

        def images() -> Iterator[Image]:
            said = time.monotonic()
            for index in indices:
                if time.monotonic() - said > SILENCE:
                    said = time.monotonic()
                    tell(f"{Path(out).name}: frame {index + 1} of {len(frames.times)}")
                shown.show(index)
                if index == 0:
                    place_camera(plotter, camera)
                plotter.render()
                yield np.asarray(plotter.screenshot(return_img=True))[..., :3]

        if page:
            write_player(out, images(), film_of(frames, indices, fps))
        else:
            write_movie(out, images(), fps)
        plotter.close()
    finally:
        frames.close()
    return str(out)


def frame_number(frames: Frames, frame: int) -> int:
    """The frame meant by an index that may count from the end."""
    count = len(frames.times)
    if not -count <= frame < count:
        raise ViewError(f"{frames.path.name} has {count} frames, 0 to {count - 1}; there is no frame {frame}.")
    return frame % count


def place_camera(plotter: pyvista.Plotter, camera: Camera | None) -> None:
    """The eye where it is wanted; None leaves it where the look has put it."""
    if camera is None:
        return
    if len(camera) != 3 or any(len(entry) != 3 for entry in camera):
        raise ViewError(
            f"camera={camera!r} is not understood; it is three points: where the eye is, what it looks at, and the "
            "upward direction, such as [(2, -2, 1), (0.5, 0.5, 0.5), (0, 0, 1)]."
        )
    plotter.camera.SetWindowCenter(0.0, 0.0)
    plotter.camera_position = [tuple(map(float, entry)) for entry in camera]
    plotter.reset_camera_clipping_range()
