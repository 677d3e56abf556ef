"""The surface of an elastic body, carried along by the particles inside it.

A vertex X of the surface at rest follows the particles X_j that are nearest to it at rest, by moving least squares
[Levin 1998, Math. Comp. 67, 1517]: of all affine maps the one that best takes X_j to x_j, with weights w_j, takes X to

    x = sum_j c_j x_j,   c_j = w_j [1 / W + (X_j - P) . M^-1 (X - P)],
    W = sum_j w_j,   P = sum_j w_j X_j / W,   M = sum_j w_j (X_j - P) (X_j - P)^T.

The c_j depend on the state of rest alone, so that a surface in motion is one sparse product a frame. Motions that are
affine, turns among them, are followed exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.scenes.lengths import axes
from scenegrad.view.frames import PlacedFrames
from scenegrad.view.setting import MeshBody
from scenegrad.view.spheres import spacing

if TYPE_CHECKING:
    from scenegrad.engine.geometry.mesh import Mesh

__all__ = ["Skin", "binding", "skins_of"]

NEIGHBOURS = 24
REACH = 1.6  # spacings at which a particle's weight has fallen to 1/e
FARTHEST = 4.0  # spacings; a surface farther than this from its particles is not theirs
SOFTENING = 1e-3  # of M, against particles that lie in one plane

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Skin:
    """members: which particles are inside. follow: their positions to vertices; blend: their fields to vertices."""

    name: str
    number: int  # among the bodies
    mesh: Mesh
    members: NDArray[np.intp]
    follow: Any  # sparse [vertex, member]
    blend: Any  # sparse [vertex, member]

    def moved(self, positions: Array) -> Mesh:
        """The surface where the particles [particle, 3] are."""
        from scenegrad.engine.geometry.mesh import Mesh

        return Mesh(self.follow @ positions[self.members], self.mesh.triangles)


def skins_of(frames: PlacedFrames) -> list[Skin]:
    """Skins of the bodies whose surface is known; none where the first frame is not the state of rest."""
    bodies = frames.setting.elastic_meshes
    if not bodies or frames.dim != 3 or frames.times[0] != 0.0 or "body" not in frames.fields():
        return []
    body, rest = np.asarray(frames.values("body", 0)), frames.positions(0)
    found = (skin(part, np.flatnonzero(body == part.index), rest) for part in bodies)
    return [one for one in found if one is not None]


def skin(part: MeshBody, members: NDArray[np.intp], rest: Array) -> Skin | None:
    """None where the mesh is gone or does not enclose the particles: they are drawn as spheres then."""
    if len(members) < NEIGHBOURS or not Path(part.path).is_file():
        return None
    from scenegrad.engine.geometry.reading import read_mesh

    try:
        mesh = read_mesh(part.path, part.group)
        mesh = mesh.placed(part.scale, part.rotation, axes(part.up, part.path), part.center)
    except MeshError:
        return None
    if mesh.dim != 3 or not len(mesh.triangles):
        return None
    inside = rest[members]
    bound = binding(inside, mesh.vertices)
    if bound is None:
        return None
    return Skin(part.name, part.index, mesh, members, *bound)


def binding(rest: Array, vertices: Array) -> tuple[Any, Any] | None:
    """The matrices c_j and w_j / W [vertex, particle]; None where the vertices are far from the particles."""
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    near = min(NEIGHBOURS, len(rest))
    distance, index = cKDTree(rest).query(vertices, k=near)
    unit = spacing(rest)
    if unit == 0.0 or np.median(distance[:, 0]) > FARTHEST * unit:
        return None
    closest = distance[:, :1]
    weight = np.exp((closest**2 - distance**2) / (REACH * unit) ** 2)  # the nearest has weight one, however far it is
    total = weight.sum(axis=1, keepdims=True)
    points = rest[index]
    middle = (weight[..., None] * points).sum(axis=1) / total
    offset = points - middle[:, None]
    moment = np.einsum("vn,vna,vnb->vab", weight, offset, offset)
    size = np.trace(moment, axis1=1, axis2=2)[:, None, None]
    pull = np.linalg.solve(moment + SOFTENING**2 * size * np.eye(3), (vertices - middle)[..., None])[..., 0]
    follow = weight * (1 / total + np.einsum("vna,va->vn", offset, pull))
    rows = np.arange(0, near * len(vertices) + 1, near)
    shape = (len(vertices), len(rest))
    return (
        csr_array((follow.ravel(), index.ravel(), rows), shape=shape),
        csr_array(((weight / total).ravel(), index.ravel(), rows), shape=shape),
    )
