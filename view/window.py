"""A window on a run: turn it with the mouse, move through time with the slider or the space bar, and choose by keys
what is shown and how."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scenegrad.view.choosing import KEYS, Choosing
from scenegrad.view.colours import CATEGORY_COLOURS
from scenegrad.view.errors import ViewError
from scenegrad.view.growing import TROUBLE
from scenegrad.view.letters import place
from scenegrad.view.pictures import Camera
from scenegrad.view.rendering import tell
from scenegrad.view.viewing import Viewing

__all__ = ["Choosers", "Controls", "need_display", "need_window", "open_window"]

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


def open_window(
    run: Any,
    *,
    live: bool = False,
    size: Sequence[int] | None = None,
    camera: Camera | None = None,
    off_screen: bool = False,
    **chosen: Any,
) -> None:
    """Shows the run and comes back when the window is closed. live: follows a run that goes on. off_screen: builds the
    window without a screen. chosen: field, style, ...; see Choices."""
    viewing = Viewing(run, live=live, size=size, camera=camera, off_screen=off_screen, say=tell, **chosen)
    try:
        if not off_screen:
            need_window(viewing.plotter)
        Choosers(viewing)
        if viewing.player.count > 1 or live:
            Controls(viewing)
        viewing.plotter.show(title=f"{viewing.title} - {viewing.frames.path}", auto_close=True)
    finally:
        viewing.close()


class Choosers:
    """Keys for field, style and colour map, and a plane to be moved by hand that cuts the frames."""

    def __init__(self, viewing: Viewing):
        self.viewing, self.choosing = viewing, Choosing(viewing.showing)
        self.plane: Any = None
        plotter = viewing.plotter
        self.hint()
        viewing.showing.extras.append(self.hint)
        steps = (("n", self.choosing.next_field), ("t", self.choosing.next_style), ("c", self.choosing.next_map))
        for key, step in steps:
            plotter.add_key_event(key, self.drawn(step))
        plotter.add_key_event("x", self.drawn(self.turn_plane))

    def hint(self) -> None:
        """What the keys do, in the upper left corner."""
        place(self.viewing.plotter, KEYS, 0.012, 0.988, "left", "top", colour=SOFT_INK)

    def drawn(self, step: Callable[[], Any]) -> Callable[[], None]:
        def act() -> None:
            step()
            self.viewing.plotter.render()

        return act

    def turn_plane(self) -> None:
        """The plane on or off."""
        plotter = self.viewing.plotter
        if self.plane is not None:
            plotter.clear_plane_widgets()
            self.plane = None
            self.choosing.whole()
            return
        low, high = (np.asarray(corner) for corner in self.choosing.offer.bounds)
        first = self.viewing.cut("x", 0.5)
        assert first is not None
        self.choosing.cut(first.normal, 0.5 * (low + high))
        self.plane = plotter.add_plane_widget(
            self.choosing.cut, normal=first.normal, origin=0.5 * (low + high), bounds=np.stack([low, high]).T.ravel(),
            color=SOFT_INK, outline_opacity=0.0, test_callback=False,
        )  # fmt: skip


BUTTON = 22  # pixels, as are the places of the controls along the lower edge


class Controls:
    """A slider for time; a button, and the space bar, to let it run; and a look for news of a run that goes on."""

    def __init__(self, viewing: Viewing):
        self.viewing = viewing
        self.slider: Any = None
        self.add()
        viewing.showing.extras.append(self.add)
        viewing.plotter.add_key_event("space", viewing.player.toggle)
        viewing.plotter.add_timer_event(max_steps=10**9, duration=PAUSE, callback=lambda _: self.tick())

    def add(self) -> None:
        """The slider and the button, for as many frames as there are now."""
        plotter, player = self.viewing.plotter, self.viewing.player
        width, height = plotter.window_size
        line = 28 / height
        plotter.clear_slider_widgets()
        plotter.clear_button_widgets()
        self.slider = plotter.add_slider_widget(
            player.go, (0, max(player.count - 1, 1)), value=player.index, pointa=(0.33, line), pointb=(0.83, line),
            fmt="%.0f", color=SOFT_INK, slider_width=0.022, tube_width=0.004,
        )  # fmt: skip
        knob = self.slider.GetRepresentation()
        knob.ShowSliderLabelOff()
        knob.SetEndCapLength(0.0)
        knob.SetSliderLength(0.012)
        place(plotter, "play", 0.24 + (BUTTON + 8) / width, line, "left", "middle")
        plotter.add_checkbox_button_widget(
            lambda on: setattr(player, "playing", on), value=player.playing, position=(0.24 * width, 28 - BUTTON / 2),
            size=BUTTON, color_on=CATEGORY_COLOURS[0], color_off="#d0d0d0", background_color="#d0d0d0", border_size=2,
        )  # fmt: skip

    def tick(self) -> None:
        """What a moment brings: frames that a run has added, or the next one of those that play."""
        viewing = self.viewing
        try:
            news = viewing.news()
        except TROUBLE as error:
            tell(str(error))
            return
        if viewing.player.tick():
            self.slider.GetRepresentation().SetValue(viewing.player.index)
        elif not news:
            return
        viewing.plotter.render()
