"""A film as one page: pictures, slider and all in a file that opens without a network."""

from __future__ import annotations

import base64
import html
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenegrad.engine.files.atomic import write_text
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Frames
from scenegrad.view.movies import Image
from scenegrad.view.overlay import time_step, time_text
from scenegrad.view.web.files import text_of

__all__ = ["MOST_FRAMES", "Film", "film_of", "player_page", "thinned", "write_player"]

MOST_FRAMES = 200  # in a page; of a longer run every second, third, ... is taken
QUALITY = 90  # of WebP: letters stay crisp
ALONE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Film:
    """What a page says about its pictures. labels: the time of each. about: of the run, in a few words.
    note: below the pictures. fps: of playing. first: the picture that is shown when the page opens."""

    title: str
    labels: Sequence[str]
    about: str = ""
    note: str = ""
    fps: float = 15.0
    first: int = 0


def thinned(indices: Sequence[int], most: int = MOST_FRAMES) -> Sequence[int]:
    """At most so many of the frames, at equal distances."""
    return indices[:: math.ceil(len(indices) / most)] if len(indices) > most else indices


def film_of(frames: Frames, indices: Sequence[int], fps: float) -> Film:
    """The words for these frames."""
    step = time_step(frames.times)
    labels = [time_text(float(frames.times[index]), step, frames.setting.time_unit) for index in indices]
    count = len(frames.times)
    note = f"{len(indices)} of the {count} frames of {frames.path.name}." if len(indices) < count else ""
    return Film(frames.setting.name or frames.path.stem, labels, frames.path.name, note, fps)


def write_player(out: str | Path, images: Iterable[Image], film: Film) -> Path:
    """Writes the page; it appears when it is complete."""
    if not film.fps > 0:
        raise ViewError(f"fps={film.fps} is not a number of frames a second; it must be positive.")
    path = Path(out)
    page = player_page(images, film)
    write_text(path, page)
    return path


def player_page(images: Iterable[Image], film: Film) -> str:
    """The page as text."""
    pictures = [data_uri(image) for image in images]
    told = {
        "title": film.title, "labels": list(film.labels), "pictures": pictures, "fps": film.fps, "first": film.first,
    }  # fmt: skip
    moving = f"""<div class="controls">
<button id="play" type="button">▶ Play</button>
<input id="time" type="range" min="0" max="{len(pictures) - 1}" value="{film.first}" aria-label="time">
<span id="now" class="now"></span>
</div>"""
    still = '<span id="now" class="now"></span>'
    title, about = html.escape(film.title), html.escape(film.about)
    note = f'<p class="note">{html.escape(film.note)}</p>' if film.note else ""
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{ALONE}">
<title>{title}</title><style>{text_of("film.css")}</style>
<main class="film">
<h1>{title} <span class="about">{about}</span></h1>
<div id="stage" class="stage"></div>
{moving if len(pictures) > 1 else still}
{note}
</main>
<script id="film" type="application/json">{json.dumps(told).replace("<", chr(92) + "u003c")}</script>
<script>{text_of("player.js")}</script>
</html>
"""


def data_uri(image: Image) -> str:
    """A picture in the text of a page."""
    from PIL import Image as pillow
    from PIL import features

    kind = "webp" if features.check("webp") else "png"
    room = io.BytesIO()
    pillow.fromarray(image).save(room, kind, quality=QUALITY, method=4)
    return f"data:image/{kind};base64,{base64.b64encode(room.getvalue()).decode()}"
