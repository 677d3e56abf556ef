"""Shapes given as meshes: reading them, asking how far a point is from them, filling them with points."""

from scenegrad.engine.geometry.distance import signed_distance
from scenegrad.engine.geometry.filling import fill, volume_mesh_points
from scenegrad.engine.geometry.mesh import Mesh, check_watertight
from scenegrad.engine.geometry.reading import SUFFIXES, read_mesh

__all__ = ["SUFFIXES", "Mesh", "check_watertight", "fill", "read_mesh", "signed_distance", "volume_mesh_points"]
