"""Surfaces of equal value of a field in space; where they have its own colours, also the far sides of the box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import Colouring
from scenegrad.view.quantities import quantity
from scenegrad.view.space import Space
from scenegrad.view.styles import Isosurfaces
from scenegrad.view.vtkhdf import GridFrames

__all__ = ["Shells", "levels", "values_of"]

VORTICES = 0.06  # share of the box, at most, that lies in the surfaces of a field that only has them to show
FAINT = 0.04  # of its highest values, below which there is no surface
LOOKED_AT = 12  # frames that decide where those lie


class Shells:
    """The look of it. What is cut open shows the field on the cut in place of its sides."""

    def __init__(self, space: Space, style: Isosurfaces):
        self.space = space
        frames, colours = space.frames, space.colours
        self.shape = quantity(frames, style.of) if style.of is not None else colours.quantity
        self.own = self.shape.name == colours.quantity.name
        self.values = values_of(frames, style, colours)
        space.shade()

    def show(self, index: int) -> None:
        space = self.space
        grid = space.grid(space.colours.quantity, index)
        if not self.own:
            grid.point_data["shape"] = space.grid(self.shape, index).point_data["colour"]
        for number, level in enumerate(self.values):
            shell = grid.contour([level], scalars="colour" if self.own else "shape", compute_normals=True)
            space.add(shell, f"shell {number}", smooth_shading=True, specular=0.15, ambient=0.15)
        if self.own and space.clip is None:
            self.show_sides(grid)
        space.show(index, grid)

    def show_sides(self, grid: object) -> None:
        """The field on the three sides of the box that face the eye from within."""
        import pyvista

        assert isinstance(grid, pyvista.ImageData)
        nx, ny, nz = grid.dimensions
        away = -np.sign(np.asarray(self.space.plotter.camera.position) - np.asarray(grid.center))
        far = [0 if side < 0 else last for side, last in zip(away, (nx - 1, ny - 1, nz - 1), strict=True)]
        for axis in range(3):
            reach = [(0, nx - 1), (0, ny - 1), (0, nz - 1)]
            reach[axis] = (far[axis], far[axis])
            side = grid.extract_subset([end for pair in reach for end in pair])
            self.space.add(side, f"side {axis}", lighting=False)


def values_of(frames: GridFrames, style: Isosurfaces, colours: Colouring) -> NDArray[np.float64]:
    """Where the surfaces lie: as said, in the range of the colours, or, of a field that has its surfaces alone to show,
    the value above which a small part of the box lies, but no faint one."""
    if style.values:
        return np.asarray(style.values)
    if style.of is None or quantity(frames, style.of).name == colours.quantity.name:
        return levels(colours)
    shape, many = quantity(frames, style.of), len(frames.times)
    some = np.unique(np.linspace(0, many - 1, LOOKED_AT).round().astype(int))
    found = [np.quantile(shape.of(frames, index), (1 - VORTICES, 0.999)) for index in some]
    usual, highest = np.median(found, axis=0)
    return np.array([max(float(usual), FAINT * float(highest))])


def levels(colours: Colouring) -> NDArray[np.float64]:
    """Values whose surfaces are drawn: one on either side of a signed field, else one in the upper half."""
    low, high = colours.limits
    parts = [0.22, 0.78] if colours.signed else [0.55]
    return np.array([low + part * (high - low) for part in parts], dtype=np.float64)
