"""A field of one dimension through time: x to the right, time up, one colour for each point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import look_flat
from scenegrad.view.colour_bar import add_colour_key, beside
from scenegrad.view.colours import Colouring
from scenegrad.view.flat_field import coloured_image, resampled
from scenegrad.view.overlay import TimeLabel, add_axes, flat_window
from scenegrad.view.quantities import labelled
from scenegrad.view.vtkhdf import GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["History"]

SHAPE = (4.0, 3.0)  # of the picture: breadth and height
TEXELS = 768


class History:
    """What a line of samples did until the frame that is shown; what comes after it is left blank."""

    def __init__(self, plotter: pyvista.Plotter, frames: GridFrames, colours: Colouring):
        self.frames, self.colours = frames, colours
        self.bounds = np.array([[0.0, 0.0, 0.0], [*SHAPE, 0.0]])
        self.values = np.stack(
            [np.ravel(colours.quantity.of(frames, index)).astype(np.float64) for index in range(len(frames.times))]
        )
        picture = coloured_image(colours)
        self.mapper = picture.GetMapper()
        look_flat(plotter, self.bounds, flat_window(plotter))
        plotter.renderer.AddViewProp(picture)
        setting = frames.setting
        labels = labelled("x", setting.length_unit), labelled("t", setting.time_unit)
        add_axes(plotter, self.bounds, labels, self.numbers())
        add_colour_key(plotter, colours, beside(plotter, self.bounds))
        self.time = TimeLabel(plotter, frames.times, setting.time_unit)
        self.show(0)
        plotter.reset_camera_clipping_range()

    def numbers(self) -> NDArray[np.float64]:
        """Places and times that the corners of the picture stand for [2, 2]."""
        frames, box = self.frames, self.frames.setting.box
        low = float(frames.origin[0] - 0.5 * frames.spacing[0])
        high = low + frames.cells[0] * float(frames.spacing[0])
        if box is not None:
            low, high = float(box[0, 0]), float(box[1, 0])
        begin, end = float(frames.times[0]), float(frames.times[-1])
        return np.array([[low, begin], [high, end if end > begin else begin + 1.0]])

    def show(self, index: int) -> None:
        import pyvista

        frames = self.frames
        (low, begin), (high, end) = self.numbers()
        until = max((frames.times[index] - begin) / (end - begin), 0.01)
        wide, tall = TEXELS, max(2, round(TEXELS * SHAPE[1] / SHAPE[0] * until))
        places = low + (np.arange(wide) + 0.5) / wide * (high - low)
        moments = begin + (np.arange(tall) + 0.5) / tall * until * (end - begin)
        columns = (places - frames.origin[0]) / frames.spacing[0]
        rows = np.interp(moments, frames.times[: index + 1], np.arange(index + 1))
        values = self.values
        if any(frames.setting.periodic[:1]):
            values = np.concatenate([values, values[:, :1]], axis=1)  # between the last sample and the first
        texels = resampled(values, rows, np.clip(columns, 0, values.shape[1] - 1), periodic=False)
        pixel = (SHAPE[0] / wide, SHAPE[1] * until / tall)
        image = pyvista.ImageData(
            dimensions=(wide, tall, 1), spacing=(*pixel, 1.0), origin=(0.5 * pixel[0], 0.5 * pixel[1], 0.0)
        )
        image.point_data["colour"] = texels.ravel().astype(np.float32)
        self.mapper.SetInputData(image)
        self.time.show(index)
