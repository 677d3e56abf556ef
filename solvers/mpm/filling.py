"""From the shape of a body to its particles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.geometry import check_watertight, fill, volume_mesh_points
from scenegrad.scenes.shapes import Mesh, Shape
from scenegrad.solvers.shared.regions import bounds_of, distance_to, placed_mesh

__all__ = ["fill_shape"]

Array = NDArray[np.float64]


def fill_shape(shape: Shape, domain: Array, dx: float, particles_per_cell: int) -> tuple[Array, Array]:
    """Places [n, dim] and volumes [n] of particles that fill a shape.

    The cells of a volume mesh are particles as they are, cut where they are larger than a particle should be. All
    else is filled by a lattice that fits the box around the shape: a box is filled exactly. Where a shape has no end,
    the domain [dim] ends it.
    """
    dim = len(domain)
    spacing = dx / particles_per_cell ** (1 / dim)
    if isinstance(shape, Mesh):
        mesh = placed_mesh(shape, dim)
        if any(name != "line" for name in mesh.cells):
            return volume_mesh_points(mesh, spacing)
        check_watertight(mesh)
    low, high = bounds_of(shape, dim)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, domain)
    if (high <= low).any():
        return np.empty((0, dim)), np.empty(0)
    count = np.maximum(np.rint((high - low) / spacing), 1)
    width = (high - low) / count
    lattice = fill(lambda q: distance_to(shape, low + q * width) <= 0, [np.zeros(dim), count], 1.0)
    return low + lattice * width, np.full(len(lattice), float(np.prod(width)))
