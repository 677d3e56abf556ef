"""Frames in a plotter under choices that may change while they are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from scenegrad.view.choices import Choices
from scenegrad.view.frames import Frames
from scenegrad.view.looks import Look, look
from scenegrad.view.stage import smooth_edges

if TYPE_CHECKING:
    import pyvista

__all__ = ["Showing"]


DEPTH = 13  # numbers that tell what the eye sees; those after them, only how its depths are kept apart
UNTOUCHED = (0.01, 1000.01)  # depths that a new camera sees


class Showing:
    """A look that can be changed. indices: the frames that its colours must suit; all of them if left out.

    `show` turns to a frame; `choose` changes what is chosen, `renew` the frames themselves. Both keep the eye where
    somebody has moved it. What stands in the plotter besides is `extras`: called after every change, for it was cleared
    away with the rest."""

    def __init__(
        self, plotter: pyvista.Plotter, frames: Frames, choices: Choices | None = None,
        indices: Iterable[int] | None = None,
    ):  # fmt: skip
        self.plotter, self.frames = plotter, frames
        self.choices = choices or Choices()
        self.indices = list(range(len(frames.times)) if indices is None else indices)
        self.index = self.indices[0]
        self.look: Look = look(plotter, frames, self.choices, self.indices)
        self.placed = self.eye
        self.extras: list[Any] = []

    @property
    def eye(self) -> tuple[float, ...]:
        """Where the eye is, what it looks at, which way is up, how much it takes in, and from how near to how far."""
        camera = self.plotter.camera
        seen = (camera.parallel_scale, camera.view_angle, *camera.GetWindowCenter(), *camera.clipping_range)
        return (*camera.position, *camera.focal_point, *camera.up, *seen)

    def show(self, index: int) -> None:
        self.index = index
        self.look.show(index)

    def choose(self, **changed: Any) -> None:
        """Field, style, clip, cmap or limits, by name; see Choices. What cannot be drawn changes nothing."""
        before = self.choices
        try:
            self.build(before.but(**changed))
        except Exception:
            self.build(before)
            raise

    def renew(self, frames: Frames, index: int) -> None:
        """Shows other frames of the same kind, such as those of a run that has gone on since; the old may be closed."""
        self.frames, self.index, self.indices = frames, index, list(range(len(frames.times)))
        self.build(self.choices)

    def build(self, choices: Choices) -> None:
        """All anew."""
        eye = None if self.eye[:DEPTH] == self.placed[:DEPTH] else self.eye
        self.plotter.suppress_rendering = True  # or every line and letter would be drawn as it comes
        try:
            self.clear()
            self.look = look(self.plotter, self.frames, choices, self.indices)
            self.look.show(self.index)
        finally:
            self.plotter.suppress_rendering = False
        self.placed, self.choices = self.eye, choices
        if eye is not None:
            self.look_from(eye)
        for add in self.extras:
            add()

    def clear(self) -> None:
        """An empty stage: nothing on it, no light, and smooth edges without the shading of what was there."""
        self.plotter.clear()
        smooth_edges(self.plotter)
        self.plotter.camera.clipping_range = UNTOUCHED

    def place_eye(self) -> None:
        """Where the look had put it, before anybody moved it."""
        self.look_from(self.placed)

    def look_from(self, eye: tuple[float, ...]) -> None:
        camera = self.plotter.camera
        camera.position, camera.focal_point, camera.up = eye[0:3], eye[3:6], eye[6:9]
        camera.parallel_scale, camera.view_angle = eye[9:11]
        camera.SetWindowCenter(*eye[11:DEPTH])
        camera.clipping_range = eye[DEPTH:]
