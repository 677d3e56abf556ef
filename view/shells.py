"""A field in space: surfaces of equal value, the field itself on the three far sides of the box, and obstacles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.camera import Window, look_at
from scenegrad.view.colours import Colouring
from scenegrad.view.overlay import TimeLabel, add_colour_key
from scenegrad.view.solids import Solids, placed_solids
from scenegrad.view.stage import add_lights, shade
from scenegrad.view.surroundings import add_box
from scenegrad.view.vtkhdf import GridFrames

if TYPE_CHECKING:
    import pyvista

__all__ = ["Shells", "levels"]


class Shells:
    """The look of a field of three dimensions."""

    def __init__(self, plotter: pyvista.Plotter, frames: GridFrames, colours: Colouring):
        self.plotter, self.frames, self.colours = plotter, frames, colours
        first = self.grid(0)
        bounds = np.array(first.bounds).reshape(3, 2).T
        add_box(plotter, bounds)
        add_lights(plotter)
        self.solids = Solids(plotter, placed_solids(frames, bounds), bounds, flat=False)
        add_colour_key(plotter, colours)
        self.time = TimeLabel(plotter, frames.times, frames.setting.time_unit)
        look_at(plotter, bounds, frames.setting.up, Window(), elevation=22.0)
        size = float(np.max(bounds[1] - bounds[0]))
        shade(plotter, 0.1 * size)

    def grid(self, index: int) -> pyvista.ImageData:
        """One frame; along periodic axes the first layer stands behind the last one again, so that the box is full."""
        import pyvista

        values = closed(self.colours.quantity.of(self.frames, index), self.frames.setting.periodic)
        grid = pyvista.ImageData(
            dimensions=values.shape[::-1], spacing=tuple(self.frames.spacing), origin=tuple(self.frames.origin)
        )
        grid.point_data["colour"] = values.ravel().astype(np.float32)
        return grid

    def show(self, index: int) -> None:
        grid = self.grid(index)
        table = self.colours.table()
        style = {"scalars": "colour", "cmap": table, "show_scalar_bar": False, "reset_camera": False, "render": False}
        for number, level in enumerate(levels(self.colours)):
            shell = grid.contour([level], scalars="colour", compute_normals=True)
            if shell.n_points:
                self.plotter.add_mesh(
                    shell, name=f"shell {number}", smooth_shading=True, specular=0.15, ambient=0.15, **style
                )
            else:
                self.plotter.remove_actor(f"shell {number}", reset_camera=False, render=False)
        nx, ny, nz = grid.dimensions
        away = -np.sign(np.asarray(self.plotter.camera.position) - np.asarray(grid.center))
        far = [0 if side < 0 else last for side, last in zip(away, (nx - 1, ny - 1, nz - 1), strict=True)]
        for axis in range(3):
            reach = [(0, nx - 1), (0, ny - 1), (0, nz - 1)]
            reach[axis] = (far[axis], far[axis])
            side = grid.extract_subset([end for pair in reach for end in pair])
            self.plotter.add_mesh(side, name=f"side {axis}", lighting=False, **style)
        self.solids.show(index)
        self.time.show(index)


def closed(values: NDArray[Any], periodic: tuple[bool, ...]) -> NDArray[Any]:
    """values [z, y, x] with the first layer repeated at the end of each periodic axis (named x, y, z)."""
    wraps = (periodic or (False,) * 3)[::-1]
    return np.pad(values, [(0, int(wrap)) for wrap in wraps], mode="wrap")


def levels(colours: Colouring) -> NDArray[np.float64]:
    """Values whose surfaces are drawn: one on either side of a signed field, else one in the upper half."""
    low, high = colours.limits
    parts = [0.22, 0.78] if colours.signed else [0.55]
    return np.array([low + part * (high - low) for part in parts], dtype=np.float64)
