"""Somebody looks at a run: what is shown, chosen, turned, played, and followed while the run goes on.

The window of a desktop and the page of a browser steer the same object, so that both offer the same."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scenegrad.view.choices import Choices, Clip
from scenegrad.view.files import open_frames
from scenegrad.view.frames import Frames
from scenegrad.view.growing import wait_for_frames
from scenegrad.view.looks import usual_eye
from scenegrad.view.offers import Offer, offers
from scenegrad.view.overlay import time_step, time_text
from scenegrad.view.pictures import Camera, place_camera
from scenegrad.view.player import Player
from scenegrad.view.showing import Showing
from scenegrad.view.stage import fitting_size, stage

__all__ = ["Viewing"]

SHARE = 0.25  # of the time that redrawing a run that goes on may take


class Viewing:
    """The frames of a run in a plotter. live: whether frames that the run adds are shown as they come; then the newest
    one is followed until somebody goes back. say: told what is waited for."""

    def __init__(
        self, run: Any, *, live: bool = False, size: Sequence[int] | None = None, camera: Camera | None = None,
        off_screen: bool = True, say: Callable[[str], None] = print, **chosen: Any,
    ):  # fmt: skip
        choices = Choices.of(chosen)
        self.growing = wait_for_frames(run, choices.field, say) if live else None
        frames = self.growing.frames if self.growing else open_frames(run, choices.field)
        self.plotter = stage(size or fitting_size(frames), off_screen=off_screen)
        self.showing = Showing(self.plotter, frames, choices)
        self.player = Player(self.showing, len(frames.times))
        self.player.go(self.player.count - 1 if live else 0)
        self.camera = camera
        place_camera(self.plotter, camera)
        self.rest = 0.0  # when the run is looked at again

    @property
    def frames(self) -> Frames:
        return self.showing.frames

    @property
    def offer(self) -> Offer:
        return offers(self.frames)

    @property
    def title(self) -> str:
        return self.frames.setting.name or self.frames.path.stem

    @property
    def now(self) -> str:
        """The time and the number of the frame."""
        times = self.frames.times
        words = time_text(float(times[self.player.index]), time_step(times), self.frames.setting.time_unit)
        return f"{words} · {self.player.index + 1} of {len(times)}"

    def news(self) -> bool:
        """Whether the run has gone on, and so the picture has changed."""
        if self.growing is None or time.monotonic() < self.rest or not self.growing.news():
            return False
        began = time.monotonic()
        follow = self.player.index >= self.player.count - 1
        self.player.count = len(self.growing.frames.times)
        last = self.player.count - 1
        self.player.index = last if follow else min(self.player.index, last)
        self.showing.renew(self.growing.frames, self.player.index)
        self.rest = time.monotonic() + (time.monotonic() - began) * (1 / SHARE - 1)
        return True

    def cut(self, axis: str, part: float, turned: bool = False) -> Clip | None:
        """A plane across x, y or z at a part of the way through the frames; none for any other word."""
        if axis not in ("x", "y", "z")[: self.frames.dim]:
            return None
        low, high = (corner["xyz".index(axis)] for corner in self.offer.bounds)
        clip = Clip.read(f"{axis}={low + part * (high - low)!r}", usual_eye(self.frames))
        return Clip(tuple(-n for n in clip.normal), clip.through) if turned else clip

    def picture(self, quick: bool = False) -> bytes:
        """What `screenshot` would write, as a PNG; a quick one is a JPEG, for pictures that are gone in a moment."""
        from PIL import Image as pillow

        self.plotter.render()
        pixels = np.asarray(self.plotter.screenshot(return_img=True))[..., :3]
        room = io.BytesIO()
        if quick:
            pillow.fromarray(pixels).save(room, "jpeg", quality=88, subsampling=0)
        else:
            pillow.fromarray(pixels).save(room, "png", compress_level=3)
        return room.getvalue()

    def turn(self, right: float, up: float) -> None:
        """The subject follows a hand that moves by parts of the picture's height: turned in space, shifted in the
        plane."""
        camera = self.plotter.camera
        if camera.parallel_projection:
            self.shift(right, up)
            return
        camera.Azimuth(-180.0 * right)
        camera.Elevation(float(np.clip(-180.0 * up, -89.0, 89.0)))
        camera.OrthogonalizeViewUp()
        self.plotter.reset_camera_clipping_range()

    def shift(self, right: float, up: float) -> None:
        """The subject follows a hand that moves by parts of the picture's height."""
        camera = self.plotter.camera
        place, focus, rise = (np.asarray(v) for v in (camera.position, camera.focal_point, camera.up))
        ahead = focus - place
        distance = float(np.linalg.norm(ahead))
        aside = np.cross(ahead / distance, rise)
        aside /= np.linalg.norm(aside)
        rise = np.cross(aside, ahead / distance)
        half = np.tan(np.radians(camera.view_angle / 2)) * distance
        height = 2 * (camera.parallel_scale if camera.parallel_projection else half)
        move = -height * (right * aside + up * rise)
        camera.position, camera.focal_point = tuple(place + move), tuple(focus + move)
        self.plotter.reset_camera_clipping_range()

    def zoom(self, factor: float) -> None:
        """Nearer by a factor above 1."""
        camera = self.plotter.camera
        if camera.parallel_projection:
            camera.parallel_scale /= factor
        else:
            camera.Dolly(factor)
        self.plotter.reset_camera_clipping_range()

    def reset(self) -> None:
        """The eye where it was at first."""
        self.showing.place_eye()
        place_camera(self.plotter, self.camera)

    def close(self) -> None:
        self.plotter.close()
        self.frames.close()
