"""Two runs side by side in one picture: the first, the second, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from scenegrad.view.choices import Choices
from scenegrad.view.colours import Colouring, colouring
from scenegrad.view.differences import differences, need_alike, pairs_of, share_apart
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.frames import Frames
from scenegrad.view.letters import place
from scenegrad.view.looks import colours_of, look
from scenegrad.view.movies import PAGES, Image, write_movie
from scenegrad.view.offers import need_style, shown_quantity
from scenegrad.view.pictures import Camera, place_camera
from scenegrad.view.quantities import Quantity, quantities
from scenegrad.view.stage import fitting_size, stage
from scenegrad.view.styles import Isosurfaces, Style, style_of
from scenegrad.view.vtkhdf import ElementFrames, GridFrames

__all__ = ["Pair", "draw_comparison", "open_pair"]

APART = "PuOr_r"  # the colours of a difference, which are no colours of a field
FAR = "magma_r"  # of how far particles are apart
WIDTH = 720  # pixels of a panel
LOW = 0.62  # height over width, below which panels stand on one another
FILMS = (".gif", ".mp4", *PAGES)


class Pair:
    """The frames of two runs that belong together."""

    def __init__(self, first: Frames, second: Frames, choices: Choices, tolerance: float | None):
        need_alike(first, second)
        self.first, self.second, self.choices = first, second, choices
        self.pairs = pairs_of(first, second, tolerance)
        self.style: Style = need_style(first, style_of(choices.style))
        self.of = self.compared()
        self.apart = differences(first, second, self.of, self.pairs)

    def compared(self) -> Quantity:
        """What is coloured in both."""
        shown = shown_quantity(self.first, self.style, self.choices.field)
        known = quantities(self.second)
        if shown is None:
            shown = next(iter(quantities(self.first).values()), None)
        if shown is None or shown.name not in known:
            raise ViewError(
                f"{self.second.path} has no {shown.name if shown else 'field'} to compare; it has "
                f"{', '.join(known) or 'positions only'}."
            )
        return shown

    def close(self) -> None:
        self.first.close()
        self.second.close()


def open_pair(first: Any, second: Any, choices: Choices, tolerance: float | None) -> Pair:
    """The frames of two runs, if they can be compared."""
    frames = open_frames(first, choices.field)
    try:
        others = open_frames(second, choices.field)
        try:
            return Pair(frames, others, choices, tolerance)
        except BaseException:
            others.close()
            raise
    except BaseException:
        frames.close()
        raise


def draw_comparison(
    first: Any,
    second: Any,
    out: str | Path,
    *,
    labels: Sequence[str] = ("first", "second"),
    frame: int = -1,
    tolerance: float | None = None,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    fps: float = 15.0,
    every: int = 1,
    **chosen: Any,
) -> str:
    """A picture of one pair of frames, or a film of all of them or one out of `every`."""
    pair = open_pair(first, second, Choices.of(chosen), tolerance)
    try:
        film = Path(out).suffix.lower() in FILMS
        pairs = pair.pairs[:: max(1, int(every))] if film else [chosen_pair(pair.pairs, frame)]
        panels = Panels(pair, pairs, labels, size, camera)
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        if film and Path(out).suffix.lower() in PAGES:
            from scenegrad.view.web.player import film_of, thinned, write_player

            some = thinned(range(len(pairs)))
            told = film_of(pair.first, [pairs[k][0] for k in some], fps)
            told = replace(told, about=f"{labels[0]}, {labels[1]} and their difference", note="")
            write_player(out, (panels.image(*pairs[k]) for k in some), told)
        elif film:
            write_movie(out, panels.images(pairs), fps)
        else:
            from PIL import Image as pillow

            pillow.fromarray(panels.image(*pairs[0])).save(out)
        panels.close()
    finally:
        pair.close()
    return str(out)


def chosen_pair(pairs: list[tuple[int, int]], frame: int) -> tuple[int, int]:
    if not -len(pairs) <= frame < len(pairs):
        raise ViewError(f"The two have {len(pairs)} frames at equal times, 0 to {len(pairs) - 1}; not {frame}.")
    return pairs[frame]


class Panels:
    """Three pictures with one eye; the first two share their colours, which the first decides."""

    def __init__(
        self, pair: Pair, pairs: list[tuple[int, int]], labels: Sequence[str], size: Sequence[int] | None,
        camera: Camera | None,
    ):  # fmt: skip
        self.pair, self.labels = pair, labels
        first, second = [i for i, _ in pairs], [j for _, j in pairs]
        width, height = size or panel_size(pair.first)
        self.stacked = height < LOW * width
        colours = colours_of(pair.first, pair.style, pair.choices, first)
        gap = apart_colours(pair, first)
        shown = pair.choices.but(style=same_surfaces(pair, colours))
        plain = pair.choices.but(field=None, cmap=None, limits=None, style=apart_style(pair.style))
        self.plotters = [stage((width, height)) for _ in range(3)]
        self.looks = [
            look(self.plotters[0], pair.first, shown, first, colours),
            look(self.plotters[1], pair.second, shown, second, colours),
            look(self.plotters[2], pair.apart, plain, first, gap),
        ]
        place_camera(self.plotters[0], camera)
        for plotter, label in zip(self.plotters[:2], labels, strict=True):
            place(plotter, label, 0.5, 0.985, "middle", "top")
        self.placed = False

    def image(self, index: int, partner: int) -> Image:
        for shown, number in zip(self.looks, (index, partner, index), strict=True):
            shown.show(number)
        if not self.placed:
            for plotter in self.plotters[1:]:
                same_eye(self.plotters[0], plotter)
            self.placed = True
        self.title(share_apart(self.pair.first, self.pair.apart, self.pair.of, index))
        seen = [np.asarray(plotter.screenshot(return_img=True))[..., :3] for plotter in self.plotters]
        return np.concatenate(seen, axis=0 if self.stacked else 1)

    def title(self, share: str) -> None:
        """Of the third panel, anew for each frame."""
        word = "displacement" if "displacement" in self.pair.apart.fields() else "difference"
        plotter = self.plotters[2]
        plotter.remove_actor("title", reset_camera=False, render=False)
        place(plotter, f"{word}: {share}", 0.5, 0.985, "middle", "top", name="title")

    def images(self, pairs: list[tuple[int, int]]) -> Iterator[Image]:
        return (self.image(*pair) for pair in pairs)

    def close(self) -> None:
        for plotter in self.plotters:
            plotter.close()


def panel_size(frames: Frames) -> tuple[int, int]:
    width, height = fitting_size(frames)
    return WIDTH, 2 * round(WIDTH * height / width / 2)


def same_surfaces(pair: Pair, colours: Colouring | None) -> Style:
    """The style of both; surfaces lie at the same values, which the first decides."""
    if isinstance(pair.style, Isosurfaces) and isinstance(pair.first, GridFrames) and pair.first.dim == 3 and colours:
        from scenegrad.view.shells import values_of

        return replace(pair.style, values=tuple(values_of(pair.first, pair.style, colours)))
    return pair.style


def apart_style(style: Style) -> Style:
    """Surfaces of a criterion of the field tell nothing of the difference: those of itself do."""
    return Isosurfaces() if isinstance(style, Isosurfaces) else style


def apart_colours(pair: Pair, indices: list[int]) -> Colouring:
    """Of a difference, symmetric about nothing; of a distance, from nothing."""
    shown = next(iter(quantities(pair.apart).values()))
    found = colouring(pair.apart, shown, indices, None)
    reach = max(abs(edge) for edge in found.limits) or 1.0
    if isinstance(pair.first, GridFrames | ElementFrames):
        return Colouring(shown, APART, (-reach, reach), signed=True)
    return Colouring(shown, FAR, (0.0, reach))


def same_eye(of: Any, other: Any) -> None:
    camera, own = other.camera, of.camera
    camera.position, camera.focal_point, camera.up = own.position, own.focal_point, own.up
    camera.parallel_projection, camera.parallel_scale = own.parallel_projection, own.parallel_scale
    camera.view_angle = own.view_angle
    camera.SetWindowCenter(*own.GetWindowCenter())
    other.reset_camera_clipping_range()
