"""A field on a mesh: the elements in the plane, or the surface of those in space, in colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.view.camera import Window, look_at, look_flat
from scenegrad.view.choices import Clip
from scenegrad.view.clipping import cut_away
from scenegrad.view.colour_bar import add_colour_key, at_the_right, beside, key_breadth
from scenegrad.view.colours import INK, Colouring
from scenegrad.view.overlay import TimeLabel, add_axes, flat_window
from scenegrad.view.quantities import labelled
from scenegrad.view.shells import levels
from scenegrad.view.stage import add_lights
from scenegrad.view.styles import Isosurfaces, Style, Surface
from scenegrad.view.vtkhdf import ElementFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["ElementField"]

SPLIT = 2  # times that an element is cut in four, so that quadratic functions look like themselves


class ElementField:
    """The look of a field on a mesh."""

    def __init__(
        self, plotter: pyvista.Plotter, frames: ElementFrames, colours: Colouring, style: Style, clip: Clip | None
    ):
        self.plotter, self.frames, self.colours, self.style, self.clip = plotter, frames, colours, style, clip
        reach = np.array([frames.positions(0).min(axis=0), frames.positions(0).max(axis=0)])
        if frames.dim == 2:
            look_flat(plotter, reach, flat_window(plotter, key_breadth(plotter, colours)))
            add_axes(plotter, reach, [labelled(axis, frames.setting.length_unit) for axis in "xy"])
            add_colour_key(plotter, colours, beside(plotter, reach))
        else:
            key = at_the_right(plotter, colours)
            look_at(plotter, reach, frames.setting.up, Window(right=key.left - 0.035))
            add_lights(plotter)
            add_colour_key(plotter, colours, key)
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)
        self.show(0)

    def show(self, index: int) -> None:
        grid = self.frames.frame(index)
        grid.clear_point_data()
        grid.point_data["colour"] = self.colours.quantity.of(self.frames, index).astype(np.float64)
        if self.frames.dim == 3 and isinstance(self.style, Isosurfaces):
            values = self.style.values or tuple(levels(self.colours))
            self.add(grid.contour(list(values), scalars="colour"), "shells")
        elif self.frames.dim == 3 and self.clip is not None:
            solid = grid.clip(normal=self.clip.normal, origin=self.clip.through)  # the cut is part of its surface
            self.add(solid.extract_surface(algorithm="dataset_surface"), "elements")
        else:
            surface = grid.extract_surface(nonlinear_subdivision=SPLIT, algorithm="dataset_surface")
            cut_away(self.add(surface, "elements"), self.clip)
        if isinstance(self.style, Surface) and self.style.edges:
            self.add_edges(grid)
        self.plotter.renderer.ResetCameraClippingRange()
        self.time.show(index)

    def add(self, shape: pyvista.PolyData, name: str) -> Any:
        return self.plotter.add_mesh(
            shape, name=name, scalars="colour", cmap=self.colours.table(), lighting=self.frames.dim == 3,
            show_scalar_bar=False, reset_camera=False, render=False,
        )  # fmt: skip

    def add_edges(self, grid: pyvista.UnstructuredGrid) -> None:
        edges = grid.extract_all_edges()
        if self.frames.dim == 2:
            edges.points[:, 2] += 1e-4 * float(np.ptp(np.asarray(edges.points), axis=0).max())
        actor = self.plotter.add_mesh(
            edges, name="edges", color=INK, opacity=0.35, line_width=0.8, lighting=False, reset_camera=False,
            render=False,
        )  # fmt: skip
        cut_away(actor, self.clip)
