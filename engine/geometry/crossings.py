"""Whether a closed surface is that of one body: it must not pass through itself, nor enclose anything twice."""

from __future__ import annotations

import numpy as np
import warp as wp
from numpy.typing import NDArray

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry.crossing_kernels import crossing_segments, crossing_triangles, depth_below
from scenegrad.engine.geometry.mesh import Mesh

__all__ = ["check_simple", "crossing_facets"]

TOUCH = 1e-6  # of the size of the mesh; what lies deeper in something has passed through it, the rest is rounding


def crossing_facets(mesh: Mesh) -> NDArray[np.int64]:
    """Pairs of facets [n, 2] that pass through each other, at most one pair for each first facet.

    Facets that only touch, share a vertex or share an edge do not count."""
    partner = on_unit_mesh(mesh)[0]
    first = np.flatnonzero(partner >= 0)
    return np.stack([first, partner[first]], axis=1)


def on_unit_mesh(mesh: Mesh) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A facet that each one crosses or -1, and how many layers of the body lie below each (1 in the plane)."""
    low, high = mesh.bounds
    vertices = (mesh.vertices - 0.5 * (low + high)) / max(float((high - low).max()), 1e-300)
    facets = mesh.boundary
    if mesh.dim == 3 and mesh.volume < 0:
        facets = facets[:, ::-1]
    with wp.ScopedDevice("cpu"):
        partner, layers = wp.empty(len(facets), dtype=wp.int32), wp.ones(len(facets), dtype=wp.int32)
        rows = wp.array(np.ascontiguousarray(facets), dtype=wp.int32)
        if mesh.dim == 2:
            places = wp.array(vertices, dtype=wp.vec2d)
            wp.launch(crossing_segments, len(facets), inputs=[TOUCH, places, rows], outputs=[partner])
        else:
            places = wp.array(vertices, dtype=wp.vec3d)
            flat = wp.array(np.ascontiguousarray(facets.ravel()), dtype=wp.int32)
            tree = wp.Mesh(wp.array(vertices, dtype=wp.vec3), flat, support_winding_number=True)
            entangled = wp.zeros(len(facets), dtype=wp.int32)
            found = [partner, entangled]
            wp.launch(crossing_triangles, len(facets), inputs=[tree.id, TOUCH, places, rows], outputs=found)
            wp.launch(depth_below, len(facets), inputs=[tree.id, places, rows, entangled], outputs=[layers])
        return partner.numpy().astype(np.int64), layers.numpy().astype(np.int64)


def check_simple(mesh: Mesh) -> None:
    """Refuse a watertight mesh whose surface crosses itself, winds twice around matter, or is turned inside out."""
    partner, layers = on_unit_mesh(mesh)
    crossed = np.flatnonzero(partner >= 0)
    if len(crossed):
        one, other = int(crossed[0]), int(partner[crossed[0]])
        what = "triangles" if mesh.dim == 3 else "segments"
        raise MeshError(
            f"{mesh.name} intersects itself: {len(crossed)} of {len(partner)} {what} pass through another one, first "
            f"number {one} through number {other}, near {place(mesh, one)}. {cure(mesh)}"
        )
    for count, complaint in ((2, "enclose matter that another part encloses too"), (0, "are turned inside out")):
        wrong = np.flatnonzero(layers == count)
        if len(wrong):
            raise MeshError(
                f"{mesh.name} is not the surface of one body: {len(wrong)} of {len(layers)} triangles {complaint}, "
                f"first number {wrong[0]} near {place(mesh, int(wrong[0]))}. {cure(mesh)}"
            )


def place(mesh: Mesh, facet: int) -> str:
    middle = mesh.vertices[mesh.boundary[facet]].mean(axis=0)
    return "(" + ", ".join(f"{x:.4g}" for x in middle) + ")"


def cure(mesh: Mesh) -> str:
    if mesh.dim == 2:
        return "Draw the outline so that no two of its segments cross."
    return (
        "Join the parts where the shape was made (a Boolean union, or in Blender the Remesh modifier), or put each "
        "part into a file of its own and combine them in the scene: Mesh(one) | Mesh(other)."
    )
