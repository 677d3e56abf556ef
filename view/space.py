"""What all pictures of a field in space share: the box, its obstacles, light, the eye, the time and the colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import Window, look_at
from scenegrad.view.choices import Clip
from scenegrad.view.clipping import cut_away, face_of
from scenegrad.view.colour_bar import add_colour_key, at_the_right
from scenegrad.view.colours import Colouring
from scenegrad.view.overlay import TimeLabel
from scenegrad.view.quantities import Quantity
from scenegrad.view.solids import Solids, placed_solids
from scenegrad.view.stage import add_lights, shade
from scenegrad.view.surroundings import add_box
from scenegrad.view.vtkhdf import GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["Space"]

SHADES = 0.1  # reach of shadows, in parts of the box


class Space:
    """The stage for a field of three dimensions. clip: a plane that cuts it open, on which the field is seen."""

    def __init__(self, plotter: pyvista.Plotter, frames: GridFrames, colours: Colouring, clip: Clip | None):
        self.plotter, self.frames, self.colours, self.clip = plotter, frames, colours, clip
        bounds = np.array(self.grid(colours.quantity, 0).bounds).reshape(3, 2).T
        add_box(plotter, bounds)
        add_lights(plotter)
        self.solids = Solids(plotter, placed_solids(frames, bounds), bounds, flat=False)
        for _, actors in self.solids.actors:
            for actor in actors:
                cut_away(actor, clip)
        key = at_the_right(plotter, colours)
        add_colour_key(plotter, colours, key)
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)
        look_at(plotter, bounds, frames.setting.up, Window(right=key.left - 0.035), elevation=22.0)
        self.bounds = bounds

    def shade(self) -> None:
        """Let surfaces shade each other."""
        shade(self.plotter, SHADES * float(np.max(self.bounds[1] - self.bounds[0])))

    def grid(self, quantity: Quantity, index: int) -> pyvista.ImageData:
        """A quantity of one frame, named "colour"; full()."""
        return self.full(np.asarray(quantity.of(self.frames, index)), "colour")

    def full(self, values: NDArray[Any], name: str) -> pyvista.ImageData:
        """values [z, y, x, ...] in their places; along periodic axes the first layer stands behind the last one again,
        so that the box is full."""
        import pyvista

        wraps = (self.frames.setting.periodic or (False,) * 3)[::-1]
        pads = [(0, int(wrap)) for wrap in wraps] + [(0, 0)] * (values.ndim - 3)
        values = np.pad(values, pads, mode="wrap")
        grid = pyvista.ImageData(
            dimensions=values.shape[2::-1], spacing=tuple(self.frames.spacing), origin=tuple(self.frames.origin)
        )
        rows = values.reshape(-1) if values.ndim == 3 else values.reshape(-1, values.shape[-1])
        grid.point_data[name] = rows.astype(np.float32)
        return grid

    def add(self, shape: pyvista.DataSet, name: str, clipped: bool = True, **more: Any) -> None:
        """A shape with "colour" at its points, in place of the one of this name that was there."""
        if not shape.n_points:
            self.plotter.remove_actor(name, reset_camera=False, render=False)
            return
        style: dict[str, Any] = {"scalars": "colour", "cmap": self.colours.table(), "show_scalar_bar": False}
        actor = self.plotter.add_mesh(shape, name=name, reset_camera=False, render=False, **(style | more))
        if clipped:
            cut_away(actor, self.clip)

    def show(self, index: int, grid: pyvista.ImageData) -> None:
        """What stands around the field, and the field where it is cut open. grid: the coloured quantity."""
        if self.clip is not None:
            self.add(face_of(grid, self.clip), "cut", clipped=False, lighting=False)
        self.solids.show(index)
        self.time.show(index)
