"""Shapes given as meshes, points or pictures: reading them, asking how far a point is from them, filling them."""

from scenegrad.engine.geometry.cells import check_cells
from scenegrad.engine.geometry.crossings import check_simple, crossing_facets
from scenegrad.engine.geometry.distance import signed_distance
from scenegrad.engine.geometry.filling import fill, lattice_within, volume_mesh_points
from scenegrad.engine.geometry.mesh import Mesh, check_watertight
from scenegrad.engine.geometry.points import PointCloud, read_points
from scenegrad.engine.geometry.reading import SUFFIXES, read_mesh

__all__ = [
    "SUFFIXES", "Mesh", "PointCloud", "check_cells", "check_simple", "check_watertight", "crossing_facets", "fill",
    "lattice_within",
    "read_mesh", "read_points", "signed_distance", "volume_mesh_points",
]  # fmt: skip
