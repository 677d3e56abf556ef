"""A window on a run: turn it with the mouse, move through time with the slider or the space bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from scenegrad.view.colours import CATEGORY_COLOURS
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.looks import look
from scenegrad.view.overlay import place
from scenegrad.view.pictures import Camera, place_camera
from scenegrad.view.stage import fitting_size, stage

__all__ = ["Player", "need_display", "need_window", "open_window"]

PAUSE = 66  # ms between frames that play
SOFT_INK = "#707070"


INSTEAD = (
    "Draw into a file instead, with screenshot() or movie(), or `scenegrad view RUN --out picture.png`; or log in with "
    "`ssh -X`; or open the .vtkhdf files of the run in ParaView on your own machine."
)


def need_display() -> None:
    """Refuse a window where there is no screen to open it on."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ViewError(f"There is no display to open a window on (DISPLAY is not set). {INSTEAD}")


def need_window(plotter: Any) -> None:
    """Refuse a window that nobody would see: without a display that answers, VTK draws into memory and says nothing."""
    kind = plotter.render_window.GetClassName()
    if "EGL" in kind or "OSOpenGL" in kind:
        display = os.environ.get("DISPLAY", "")
        raise ViewError(f"The display {display!r} does not answer, so no window can be opened. {INSTEAD}")


class Player:
    """Which frame is shown, and whether time is running."""

    def __init__(self, shown: Any, count: int):
        self.shown, self.count = shown, count
        self.index = 0
        self.playing = False

    def go(self, index: float) -> None:
        self.index = min(max(round(index), 0), self.count - 1)
        self.shown.show(self.index)

    def tick(self) -> bool:
        """One frame on, around to the first after the last; whether anything has changed."""
        if not self.playing:
            return False
        self.go((self.index + 1) % self.count)
        return True

    def toggle(self) -> None:
        self.playing = not self.playing


def open_window(
    run: Any,
    *,
    field: str | None = None,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    cmap: str | None = None,
    off_screen: bool = False,
) -> None:
    """Shows the run and comes back when the window is closed. off_screen: builds the window without a screen."""
    frames = open_frames(run, field)
    try:
        count = len(frames.times)
        plotter = stage(size or fitting_size(frames), off_screen=off_screen)
        if not off_screen:
            need_window(plotter)
        player = Player(look(plotter, frames, field, range(count), cmap), count)
        player.go(0)
        place_camera(plotter, camera)
        if count > 1:
            add_controls(plotter, player)
        plotter.show(title=f"{frames.setting.name or frames.path.stem} - {frames.path}", auto_close=True)
        plotter.close()
    finally:
        frames.close()


BUTTON = 22  # pixels, as are the places of the controls along the lower edge


def add_controls(plotter: Any, player: Player) -> Any:
    """A slider for time; a button, and the space bar, to let it run. Returns the slider."""
    width, height = plotter.window_size
    line = 28 / height
    slider = plotter.add_slider_widget(
        player.go, (0, player.count - 1), value=0, pointa=(0.33, line), pointb=(0.83, line), fmt="%.0f",
        color=SOFT_INK, slider_width=0.022, tube_width=0.004,
    )  # fmt: skip
    knob = slider.GetRepresentation()
    knob.ShowSliderLabelOff()
    knob.SetEndCapLength(0.0)
    knob.SetSliderLength(0.012)
    place(plotter, "play", 0.24 + (BUTTON + 8) / width, line, "left", "middle")

    def tick(_: int) -> None:
        if player.tick():
            knob.SetValue(player.index)
            plotter.render()

    plotter.add_checkbox_button_widget(
        lambda on: setattr(player, "playing", on), value=False, position=(0.24 * width, 28 - BUTTON / 2), size=BUTTON,
        color_on=CATEGORY_COLOURS[0], color_off="#d0d0d0", background_color="#d0d0d0", border_size=2,
    )  # fmt: skip
    plotter.add_key_event("space", player.toggle)
    plotter.add_timer_event(max_steps=10**9, duration=PAUSE, callback=tick)
    return slider
