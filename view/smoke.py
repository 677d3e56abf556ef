"""A field in space as coloured smoke."""

from __future__ import annotations

import numpy as np

from scenegrad.view.clipping import cut_away
from scenegrad.view.space import Space
from scenegrad.view.stage import smooth_edges
from scenegrad.view.styles import Volume

__all__ = ["Smoke"]

DEPTH = 0.25  # of the box: the way through the densest smoke on which it becomes nearly opaque
CLEAR = 0.12  # share of the range of the colours, next to nothing, that is not seen


class Smoke:
    """The look of it: clear where the field is near zero or its least value, dense where it is far from it."""

    def __init__(self, space: Space, style: Volume):
        self.space = space
        from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
        from vtkmodules.vtkRenderingCore import vtkColorTransferFunction, vtkVolume, vtkVolumeProperty
        from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

        low, high = space.colours.limits
        table = space.colours.table()
        colour, opacity = vtkColorTransferFunction(), vtkPiecewiseFunction()
        for part in np.linspace(0.0, 1.0, 65):
            value = low + part * (high - low)
            away = abs(2 * part - 1) if space.colours.signed else part
            colour.AddRGBPoint(value, *table.map_value(value, opacity=False)[:3])
            opacity.AddPoint(value, min(1.0, style.opacity * max(0.0, (away - CLEAR) / (1 - CLEAR)) ** 1.5))
        look = vtkVolumeProperty()
        look.SetColor(colour)
        look.SetScalarOpacity(opacity)
        look.SetInterpolationTypeToLinear()
        look.ShadeOff()
        look.SetScalarOpacityUnitDistance(DEPTH * float(np.max(space.bounds[1] - space.bounds[0])) / 4)
        self.mapper = vtkSmartVolumeMapper()
        self.mapper.SetScalarModeToUsePointFieldData()
        self.mapper.SelectScalarArray("colour")
        volume = vtkVolume()
        volume.SetMapper(self.mapper)
        volume.SetProperty(look)
        self.mapper.SetInputData(space.grid(space.colours.quantity, 0))
        space.plotter.add_actor(volume, name="smoke", pickable=False, reset_camera=False, render=False)
        cut_away(volume, space.clip)
        smooth_edges(space.plotter, smoke=True)

    def show(self, index: int) -> None:
        grid = self.space.grid(self.space.colours.quantity, index)
        self.mapper.SetInputData(grid)
        self.space.solids.show(index)
        self.space.time.show(index)
