"""The ways of a few bodies in open space, which say more than the bodies themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.h5md import AtomFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["BEAD", "Trails", "leave_trails"]

FEW = 3  # bodies; the ways of more hide each other
BEAD = 0.012  # radius of a body, of the diagonal of what is seen
SHADE = "#8a8f98"


def leave_trails(frames: AtomFrames) -> bool:
    return len(frames.positions(0)) <= FEW and not frames.periodic.any()


class Trails:
    """Lines through the places where each body has been, up to the frame that is shown."""

    def __init__(self, plotter: pyvista.Plotter, frames: AtomFrames):
        self.plotter, self.frames = plotter, frames
        self.seen: list[NDArray[np.float64]] = []

    def show(self, index: int) -> None:
        import pyvista

        while len(self.seen) <= index:
            self.seen.append(self.frames.positions(len(self.seen)))
        if index < 1:
            return
        for body, way in enumerate(np.stack(self.seen[: index + 1], axis=1)):
            line = pyvista.lines_from_points(way)
            self.plotter.add_mesh(line, color=SHADE, line_width=2.0, lighting=False, name=f"trail {body}")
