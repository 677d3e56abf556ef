"""A field in the plane as an image: one colour for each point, x to the right, y up; obstacles lie on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import look_flat
from scenegrad.view.choices import Clip
from scenegrad.view.clipping import cut_away
from scenegrad.view.colour_bar import add_colour_key, beside
from scenegrad.view.colours import Colouring
from scenegrad.view.frames import Array
from scenegrad.view.overlay import TimeLabel, add_axes, flat_window
from scenegrad.view.quantities import labelled
from scenegrad.view.solids import BEFORE, Solids, placed_solids
from scenegrad.view.vtkhdf import GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["FlatField", "coloured_image", "resampled"]

TEXELS = 768  # along the longer side: about as many as there are pixels
SMOOTH_BELOW = 256  # samples; coarser grids are drawn through a cubic spline, finer ones linearly


class FlatField:
    """The look of a field of two dimensions."""

    def __init__(self, plotter: pyvista.Plotter, frames: GridFrames, colours: Colouring, clip: Clip | None = None):
        self.frames, self.colours = frames, colours
        self.bounds = self.extent()
        picture = coloured_image(colours)
        self.mapper = picture.GetMapper()
        self.mapper.SetInputData(self.image(0))
        look_flat(plotter, self.bounds, flat_window(plotter))
        plotter.renderer.AddViewProp(picture)
        cut_away(picture, clip)
        self.solids = Solids(plotter, placed_solids(frames, self.bounds), self.bounds, flat=True, level=BEFORE)
        add_axes(plotter, self.bounds, [labelled(axis, frames.setting.length_unit) for axis in "xy"])
        add_colour_key(plotter, colours, beside(plotter, self.bounds))
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)
        plotter.reset_camera_clipping_range()

    def extent(self) -> NDArray[np.float64]:
        """The box of the scene if the samples lie in it; else half a spacing around the samples. [2, 3], z = 0."""
        frames = self.frames
        first, last = frames.origin, frames.origin + (np.array(frames.cells) - 1) * frames.spacing
        box = frames.setting.box
        slack = 1e-6 * frames.spacing
        if box is None or np.any(first < box[0, :2] - slack) or np.any(last > box[1, :2] + slack):
            box = np.zeros((2, 3))
            box[:, :2] = [first - 0.5 * frames.spacing, last + 0.5 * frames.spacing]
        return box

    def image(self, index: int) -> Any:
        """The picture of one frame."""
        import pyvista

        values = self.colours.quantity.of(self.frames, index).astype(np.float64)
        lo, hi = self.bounds[:, :2]
        factor = max(1, round(TEXELS / max(values.shape)))
        counts = np.array(self.frames.cells) * factor
        pixel = (hi - lo) / counts
        places = [
            (lo[a] + (np.arange(counts[a]) + 0.5) * pixel[a] - self.frames.origin[a]) / self.frames.spacing[a]
            for a in (0, 1)
        ]
        texels = resampled(values, places[1], places[0], all(self.frames.setting.periodic[:2] or (False,)))
        image = pyvista.ImageData(dimensions=(*counts, 1), spacing=(*pixel, 1.0), origin=(*(lo + 0.5 * pixel), 0.0))
        image.point_data["colour"] = texels.ravel().astype(np.float32)
        return image

    def show(self, index: int) -> None:
        self.mapper.SetInputData(self.image(index))
        self.solids.show(index)
        self.time.show(index)


def coloured_image(colours: Colouring) -> Any:
    """What draws an image, once its mapper is given one: a colour for each number, between samples that of between."""
    from vtkmodules.vtkRenderingCore import vtkImageSlice, vtkImageSliceMapper

    picture, mapper = vtkImageSlice(), vtkImageSliceMapper()
    mapper.BorderOn()  # to the edge of the outer samples, not to their middle
    picture.SetMapper(mapper)
    style = picture.GetProperty()
    style.SetLookupTable(colours.table())
    style.UseLookupTableScalarRangeOn()
    style.SetInterpolationTypeToLinear()
    return picture


def resampled(values: Array, rows: NDArray[np.float64], columns: NDArray[np.float64], periodic: bool) -> Array:
    """values [ny, nx] at fractional places along both axes [len(rows), len(columns)]."""
    from scipy.ndimage import map_coordinates

    order = 3 if max(values.shape) < SMOOTH_BELOW and np.isfinite(values).all() else 1
    grid = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(values, grid, order=order, mode="grid-wrap" if periodic else "nearest")
