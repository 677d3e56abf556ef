"""Surfaces as lit bodies: meshes from files, and the skins of bodies that move."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.view.camera import Window, look_at, look_flat
from scenegrad.view.pictures import Camera, place_camera
from scenegrad.view.stage import add_lights, stage

if TYPE_CHECKING:
    import pyvista

    from scenegrad.engine.geometry.mesh import Mesh

__all__ = ["draw_mesh", "open_mesh_window", "surface"]

CLAY = "#9db4c8"
FEATURE_ANGLE = 35.0  # degrees; sharper edges stay edges in the smooth shading
WHOLE = Window(left=0.06, right=0.94, bottom=0.06, top=0.94)
MANY = 5000  # triangles above which their edges would only darken the picture


def surface(mesh: Mesh) -> pyvista.PolyData:
    """The triangles of a mesh as VTK wants them; of a region in the plane, the region."""
    import pyvista

    points = np.pad(mesh.vertices, ((0, 0), (0, 3 - mesh.dim)))
    if not len(mesh.triangles) and "line" in mesh.cells:
        return pyvista.PolyData(points, lines=np.insert(mesh.cells["line"], 0, 2, axis=1).ravel())
    return pyvista.PolyData(points, faces=np.insert(mesh.triangles, 0, 3, axis=1).ravel())


def draw_mesh(path: str, out: str, *, size: Sequence[int] = (1024, 768), camera: Camera | None = None) -> str:
    """A picture of a mesh file."""
    plotter = stage(size)
    add_mesh_file(plotter, path)
    place_camera(plotter, camera)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    plotter.screenshot(out)
    plotter.close()
    return out


def open_mesh_window(path: str, *, size: Sequence[int] = (1024, 768), camera: Camera | None = None) -> None:
    """A window on a mesh file."""
    plotter = stage(size, off_screen=False)
    add_mesh_file(plotter, path)
    place_camera(plotter, camera)
    plotter.show(title=Path(path).name)
    plotter.close()


def add_mesh_file(plotter: pyvista.Plotter, path: str) -> None:
    """The mesh, its size and its number of triangles in words, and the eye on it."""
    from scenegrad.engine.geometry import read_mesh
    from scenegrad.view.overlay import add_caption

    mesh = read_mesh(path)
    add_lights(plotter)
    bounds = np.zeros((2, 3))
    bounds[:, : mesh.dim] = mesh.bounds
    shape = surface(mesh)
    edges: dict[str, Any] = {"show_edges": True, "edge_color": "#5f7182", "edge_opacity": 0.35, "line_width": 1.0}
    add_body(plotter, shape, CLAY, flat=mesh.dim == 2, **(edges if len(mesh.triangles) <= MANY else {}))
    if mesh.dim == 2:
        look_flat(plotter, bounds, WHOLE)
    else:
        look_at(plotter, bounds, (0.0, 0.0, 1.0), WHOLE)
        reach = 0.08 * float(np.max(bounds[1] - bounds[0]))
        plotter.enable_ssao(radius=reach, bias=0.05 * reach, kernel_size=48, blur=True)
    extent = " x ".join(f"{edge:.4g}" for edge in (bounds[1] - bounds[0])[: mesh.dim])
    solid = next((f", {len(rows)} {name}" for name, rows in mesh.cells.items() if name in ("tetra", "hexahedron")), "")
    closed = "" if mesh.dim == 2 else f", {'watertight' if mesh.is_watertight else 'NOT watertight'}"
    add_caption(plotter, f"{Path(path).name}: {len(mesh.triangles)} triangles{solid}, {extent}{closed}")


def add_body(plotter: pyvista.Plotter, shape: pyvista.PolyData, colour: Any, flat: bool = False, **more: Any) -> Any:
    """A body with soft highlights; edges sharper than FEATURE_ANGLE stay sharp."""
    smooth: dict[str, Any] = (
        {"lighting": False}
        if flat
        else {"smooth_shading": True, "split_sharp_edges": True, "feature_angle": FEATURE_ANGLE}
    )
    return plotter.add_mesh(
        shape, color=colour, ambient=0.15, diffuse=0.9, specular=0.2, specular_power=25.0, reset_camera=False,
        **smooth, **more,
    )  # fmt: skip
