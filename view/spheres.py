"""Many lit spheres of one radius, each a ray-cast impostor: as quick as points, as round as spheres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import Colouring
from scenegrad.view.frames import Array

if TYPE_CHECKING:
    import pyvista

__all__ = ["Spheres", "spacing"]

PLAIN = "#5b8db8"
LOOKED_AT = 20_000


def spacing(positions: NDArray[np.float64]) -> float:
    """The usual distance [length] of a particle from its nearest neighbours, as many as a square or cube has sides."""
    from scipy.spatial import cKDTree

    if len(positions) < 2:
        return 0.0
    near = min(4 if np.ptp(positions[:, 2]) == 0 else 6, len(positions) - 1)
    some = positions[:: max(1, len(positions) // LOOKED_AT)]
    distances, _ = cKDTree(positions).query(some, k=near + 1)
    return float(np.median(distances[:, 1:]))


class Spheres:
    """radius in units of length; colours None for one plain colour; flat for disks, as the plane has them."""

    def __init__(self, plotter: pyvista.Plotter, radius: float, colours: Colouring | None, flat: bool = False):
        import pyvista
        from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLSphereMapper

        self.cloud = pyvista.PolyData()
        self.mapper = vtkOpenGLSphereMapper()
        self.mapper.SetRadius(radius)
        self.mapper.SetInputData(self.cloud)
        self.actor = pyvista.Actor()
        self.actor.SetMapper(self.mapper)
        self.actor.prop.color = PLAIN
        if flat:
            self.actor.prop.ambient, self.actor.prop.diffuse = 1.0, 0.0
        else:
            self.actor.prop.ambient, self.actor.prop.diffuse = 0.15, 0.9
            self.actor.prop.specular, self.actor.prop.specular_power = 0.15, 20.0
        if colours is None:
            self.mapper.ScalarVisibilityOff()
        else:
            table = colours.table()
            self.mapper.SetLookupTable(table)
            self.mapper.SetScalarRange(*table.scalar_range)
            self.mapper.SetScalarModeToUsePointFieldData()
            self.mapper.SelectColorArray("colour")
            self.mapper.SetColorModeToMapScalars()
        plotter.add_actor(self.actor, pickable=False, reset_camera=False)

    def show(self, positions: NDArray[np.float64], colour: Array | None) -> None:
        """Centres [sphere, 3] and the number that each is coloured by [sphere]."""
        import pyvista

        self.cloud = pyvista.PolyData(positions.astype(np.float32))
        if colour is not None:
            self.cloud.point_data["colour"] = np.ascontiguousarray(colour, dtype=np.float32)
        self.mapper.SetInputData(self.cloud)
