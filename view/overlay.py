"""Words and lines over a picture: the time, the frame of a flat picture with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import Window
from scenegrad.view.colour_bar import KEY_GAP
from scenegrad.view.colours import INK
from scenegrad.view.letters import LETTERS, anchor, letter_height, number_text, scaled, text_actor, ticks
from scenegrad.view.quantities import printed

if TYPE_CHECKING:
    import pyvista

__all__ = ["TimeLabel", "add_axes", "add_caption", "flat_window", "time_step", "time_text"]


def flat_window(plotter: pyvista.Plotter, key: float = 0.0) -> Window:
    """Where a picture of the plane leaves room for the numbers along its axes and for the colour bar.

    key: the part of the width that a legend needs, where it needs more."""
    width, height = plotter.window_size
    letter = letter_height(plotter)
    left, right, bottom, top = (round(letters * letter) for letters in (6.25, 10.0, 5.5, 1.9))
    right = max(right, round((KEY_GAP + key) * width))
    return Window(left / width, 1 - right / width, bottom / height, 1 - top / height)


class TimeLabel:
    """ "t = 0.50 s" in the lower left corner."""

    def __init__(self, plotter: pyvista.Plotter, times: NDArray[np.float64], unit: str):
        self.times, self.unit, self.step = times, unit, time_step(times)
        self.actor = text_actor(plotter, "", LETTERS + 1)
        self.actor.SetPosition(scaled(plotter, 24), scaled(plotter, 18))
        plotter.add_actor(self.actor, name="time label", pickable=False, reset_camera=False)

    def show(self, index: int) -> None:
        self.actor.SetInput(time_text(float(self.times[index]), self.step, self.unit))


def time_step(times: NDArray[np.float64]) -> float:
    """The shortest time between frames, which tells how many digits a time needs."""
    return float(np.min(np.diff(times))) if len(times) > 1 and np.all(np.diff(times) > 0) else 0.01


def time_text(time: float, step: float, unit: str) -> str:
    """ "t = 0.50 s" """
    return f"t = {number_text(time, step)} {printed(unit)}".rstrip()


def add_caption(plotter: pyvista.Plotter, text: str) -> None:
    """A line in the lower left corner."""
    actor = text_actor(plotter, text)
    actor.SetPosition(scaled(plotter, 24), scaled(plotter, 18))
    plotter.add_actor(actor, pickable=False, reset_camera=False)


def add_axes(
    plotter: pyvista.Plotter,
    bounds: NDArray[np.float64],
    labels: Sequence[str],
    numbers: NDArray[np.float64] | None = None,
) -> None:
    """A thin frame around [2, 3] in the x-y plane with ticks and numbers; they stay with it when the eye moves.

    numbers: what the corners stand for [2, 2], where these are not their places."""
    import pyvista

    (x0, y0, _), (x1, y1, _) = bounds
    shown = bounds[:, :2] if numbers is None else numbers
    height = plotter.window_size[1]
    per_pixel = 2 * plotter.camera.parallel_scale / height
    tick = scaled(plotter, 6) * per_pixel
    level = 1e-3 * max(x1 - x0, y1 - y0)  # above the field
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    segments = [(corners[k], corners[(k + 1) % 4]) for k in range(4)]
    marks = [ticks(*shown[:, axis]) for axis in (0, 1)]
    x_marks, y_marks = (
        np.interp(marks[axis], shown[:, axis], bounds[:, axis]) if shown[0, axis] < shown[1, axis] else marks[axis]
        for axis in (0, 1)
    )
    segments += [((x, y0), (x, y0 - tick)) for x in x_marks] + [((x0, y), (x0 - tick, y)) for y in y_marks]
    ends = np.array([[(*a, level), (*b, level)] for a, b in segments]).reshape(-1, 3)
    lines = pyvista.PolyData(ends, lines=np.insert(np.arange(len(ends)).reshape(-1, 2), 0, 2, axis=1).ravel())
    plotter.add_mesh(lines, color=INK, line_width=1.0, lighting=False, pickable=False, reset_camera=False)

    gap = 1.6 * tick
    for axis, places in enumerate((x_marks, y_marks)):
        step = float(marks[axis][1] - marks[axis][0]) if len(places) > 1 else 1.0
        for at, mark in zip(places, marks[axis], strict=True):
            where = (at, y0 - gap) if axis == 0 else (x0 - gap, at)
            across, along = ("middle", "top") if axis == 0 else ("right", "middle")
            anchor(plotter, number_text(float(mark), step), where, across, along)
    letters = letter_height(plotter) * per_pixel
    anchor(plotter, labels[0], ((x0 + x1) / 2, y0 - gap - 1.5 * letters), "middle", "top")
    anchor(plotter, labels[1], (x0 - gap - 3.2 * letters, (y0 + y1) / 2), "middle", "bottom", turned=True)
