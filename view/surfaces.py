"""Surfaces as lit bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyvista

    from scenegrad.engine.geometry.mesh import Mesh

__all__ = ["add_body", "surface"]

FEATURE_ANGLE = 35.0  # degrees; sharper edges stay edges in the smooth shading


def surface(mesh: Mesh) -> pyvista.PolyData:
    """The triangles of a mesh as VTK wants them; of a region in the plane, the region."""
    import pyvista

    points = np.pad(mesh.vertices, ((0, 0), (0, 3 - mesh.dim)))
    if not len(mesh.triangles) and "line" in mesh.cells:
        return pyvista.PolyData(points, lines=np.insert(mesh.cells["line"], 0, 2, axis=1).ravel())
    return pyvista.PolyData(points, faces=np.insert(mesh.triangles, 0, 3, axis=1).ravel())


def add_body(plotter: pyvista.Plotter, shape: pyvista.PolyData, colour: Any, flat: bool = False, **more: Any) -> Any:
    """A body with soft highlights; edges sharper than FEATURE_ANGLE stay sharp where it has no normals of its own."""
    smooth: dict[str, Any] = {"lighting": False}
    if not flat:
        split = shape.point_data.active_normals is None
        smooth = {"smooth_shading": True, "split_sharp_edges": split, "feature_angle": FEATURE_ANGLE}
    return plotter.add_mesh(
        shape, color=colour, ambient=0.15, diffuse=0.9, specular=0.2, specular_power=25.0, show_scalar_bar=False,
        reset_camera=False, render=False, **smooth, **more,
    )  # fmt: skip
