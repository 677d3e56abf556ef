"""The outside of matter that is given by particles.

Each particle is smeared out as wide as the particles are apart, so that the sum is 1 inside of the matter, and the
surface lies where it is a little less than 1/2. The number that is coloured is the mean of that of the particles near.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.colours import Colouring
from scenegrad.view.frames import Array
from scenegrad.view.surfaces import add_body

if TYPE_CHECKING:
    import pyvista

__all__ = ["Blob", "blob_of"]

REACH = 0.9  # standard deviation of what a particle is smeared into, in distances of particles
CELL = 0.6  # of the grid, in distances of particles
MOST = 4e6  # cells of the grid; of larger clouds they are wider
SURFACE = 0.4
PLAIN = "#5b8db8"


class Blob:
    """The look of it. distance: of a particle from its neighbours."""

    def __init__(self, plotter: pyvista.Plotter, colours: Colouring | None, distance: float, flat: bool):
        self.plotter, self.colours, self.distance, self.flat = plotter, colours, distance, flat

    def show(self, positions: NDArray[np.float64], colour: Array | None) -> None:
        """Places of the particles [particle, 3] and the number that each is coloured by [particle]."""
        labels = self.colours is not None and bool(self.colours.categories)
        kinds = np.unique(colour) if labels and colour is not None else [None]
        names = self.colours.categories if labels and self.colours is not None else {0: ""}
        for number in names:
            self.plotter.remove_actor(f"blob {number}", reset_camera=False, render=False)
        for kind in kinds:  # bodies that touch keep a surface each
            chosen = slice(None) if kind is None or colour is None else colour == kind
            values = None if colour is None else np.asarray(colour, dtype=np.float64)[chosen]
            shape = blob_of(positions[chosen], values, self.distance, 2 if self.flat else 3)
            if shape.n_cells:
                style: dict[str, Any] = {"name": f"blob {0 if kind is None else int(kind)}"}
                plain = PLAIN if self.colours is None else None
                if self.colours is not None:
                    style |= {"scalars": "colour", "cmap": self.colours.table()}
                add_body(self.plotter, shape, plain, flat=self.flat, **style)


def blob_of(positions: NDArray[np.float64], values: Array | None, distance: float, dim: int) -> pyvista.PolyData:
    """The surface around the particles in space, the region of them in the plane; with "colour" where values are."""
    import pyvista
    from scipy.ndimage import gaussian_filter

    if len(positions) < 2 or not distance > 0:
        return pyvista.PolyData()
    places = positions[:, :dim]
    low, high = places.min(axis=0) - 4 * distance, places.max(axis=0) + 4 * distance
    h = max(CELL * distance, float(np.prod(high - low) / MOST) ** (1 / dim))
    counts = np.ceil((high - low) / h).astype(int)
    width = REACH * distance / h

    def smeared(weights: Array) -> NDArray[np.float64]:
        found = shared_out((places - low) / h - 0.5, weights, tuple(counts))
        return np.asarray(gaussian_filter(found, width, mode="constant")) * (distance / h) ** dim

    share = smeared(np.ones(len(places)))
    pad = 3 - dim
    grid = pyvista.ImageData(
        dimensions=(*counts, *(1,) * pad), spacing=(h,) * 3, origin=(*(low + 0.5 * h), *(0.0,) * pad)
    )
    grid.point_data["share"] = share.ravel(order="F")
    if values is not None:
        mean = smeared(np.asarray(values, dtype=np.float64)) / np.maximum(share, 1e-9)
        grid.point_data["colour"] = mean.ravel(order="F")
    if dim == 3:
        return grid.contour([SURFACE], scalars="share", compute_normals=True)
    region = grid.clip_scalar(scalars="share", value=SURFACE, invert=False)
    return region.extract_surface(algorithm="dataset_surface").triangulate()


def shared_out(places: NDArray[np.float64], weights: Array, counts: tuple[int, ...]) -> NDArray[np.float64]:
    """Weights on the cells around places, which are given in cells: each cell gets the more the nearer it is."""
    low = np.floor(places).astype(int)
    part = places - low
    found = np.zeros(int(np.prod(counts)))
    for corner in np.ndindex(*(2,) * len(counts)):
        share = np.prod(np.where(corner, part, 1 - part), axis=1) * weights
        cell = np.ravel_multi_index(tuple((low + corner).T), counts, mode="clip")
        found += np.bincount(cell, share, minlength=len(found))
    return found.reshape(counts)
