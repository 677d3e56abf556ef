"""A field on a mesh: the elements in the plane, or the surface of those in space, in colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenegrad.view.camera import look_at, look_flat
from scenegrad.view.colours import Colouring
from scenegrad.view.overlay import TimeLabel, add_axes, add_colour_key, at_the_right, beside, flat_window, key_breadth
from scenegrad.view.particles import WIDE
from scenegrad.view.quantities import labelled
from scenegrad.view.stage import add_lights
from scenegrad.view.vtkhdf import ElementFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["ElementField"]

SPLIT = 2  # times that an element is cut in four, so that quadratic functions look like themselves


class ElementField:
    """The look of a field on a mesh."""

    def __init__(self, plotter: pyvista.Plotter, frames: ElementFrames, colours: Colouring):
        self.plotter, self.frames, self.colours = plotter, frames, colours
        reach = np.array([frames.positions(0).min(axis=0), frames.positions(0).max(axis=0)])
        if frames.dim == 2:
            look_flat(plotter, reach, flat_window(plotter, key_breadth(plotter, colours)))
            add_axes(plotter, reach, [labelled(axis, frames.setting.length_unit) for axis in "xy"])
            add_colour_key(plotter, colours, beside(plotter, reach))
        else:
            look_at(plotter, reach, frames.setting.up, WIDE)
            add_lights(plotter)
            add_colour_key(plotter, colours, at_the_right(plotter, colours))
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)
        self.show(0)

    def show(self, index: int) -> None:
        grid = self.frames.frame(index)
        grid.clear_point_data()
        grid.point_data["colour"] = self.colours.quantity.of(self.frames, index).astype(np.float64)
        surface = grid.extract_surface(nonlinear_subdivision=SPLIT, algorithm="dataset_surface")
        self.plotter.add_mesh(
            surface, name="elements", scalars="colour", cmap=self.colours.table(), lighting=self.frames.dim == 3,
            show_scalar_bar=False, reset_camera=False,
        )  # fmt: skip
        self.plotter.renderer.ResetCameraClippingRange()
        self.time.show(index)
