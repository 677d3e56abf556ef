"""Runs in the page of a notebook, where there is no window to open."""

from __future__ import annotations

import html
import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scenegrad.view.errors import ViewError
from scenegrad.view.front import movie, screenshot
from scenegrad.view.stage import fitting_size

__all__ = ["in_notebook", "refuse_live", "show_inline"]

MOST_FRAMES = 60  # that a notebook keeps
WIDEST = 960  # pixels
BELOW = 132  # pixels that the slider and the words around the picture take


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None and hasattr(shell, "get_ipython") else None
    return running is not None and getattr(running, "kernel", None) is not None


def show_inline(run: Any, **how: Any) -> None:
    """Shows the run below the cell: frames with a slider, or a picture where there is one. how: as for `movie`."""
    from IPython.display import Image, display

    from scenegrad.view.files import open_frames

    frames = open_frames(run, how.get("field"))
    count, size, words = len(frames.times), how.get("size") or fitting_size(frames), str(frames.path)
    frames.close()
    with TemporaryDirectory(prefix="scenegrad-notebook-") as folder:
        if count == 1:
            display(Image(data=screenshot(run, Path(folder, "frame.png"), **how).read_bytes()))
            return
        page = movie(run, Path(folder, "frames.html"), every=math.ceil(count / MOST_FRAMES), **how).read_text("utf-8")
    shape = f"width:100%;max-width:{WIDEST}px;aspect-ratio:{size[0]}/{size[1] + BELOW};border:0"
    frame = f'<iframe title="{html.escape(words)}" style="{shape}" srcdoc="{html.escape(page)}"></iframe>'
    display({"text/html": frame, "text/plain": f"{words}: {count} frames"}, raw=True)


def refuse_live() -> None:
    """A cell that waits for a run would keep every other one from running."""
    raise ViewError(
        "A notebook shows the frames that are there; to follow a run that is still going on, call `scenegrad view RUN "
        "--web --live` in a shell, or leave live out."
    )
