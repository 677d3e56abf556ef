"""Mesh files in pictures and windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.view.camera import Window, look_at, look_flat
from scenegrad.view.overlay import add_caption
from scenegrad.view.pictures import Camera, place_camera
from scenegrad.view.stage import add_lights, shade, stage
from scenegrad.view.surfaces import add_body, surface
from scenegrad.view.window import need_window

if TYPE_CHECKING:
    import pyvista

__all__ = ["draw_mesh", "open_mesh_window"]

CLAY = "#9db4c8"
WHOLE = Window(left=0.06, right=0.94, bottom=0.08, top=0.94)
MANY = 5000  # triangles above which their edges would only darken the picture


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
    need_window(plotter)
    add_mesh_file(plotter, path)
    place_camera(plotter, camera)
    plotter.show(title=Path(path).name)
    plotter.close()


def add_mesh_file(plotter: pyvista.Plotter, path: str) -> None:
    """The mesh, its size and its number of triangles in words, and the eye on it."""
    from scenegrad.engine.geometry import read_mesh

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
        shade(plotter, 0.08 * float(np.max(bounds[1] - bounds[0])))
    extent = " x ".join(f"{edge:.4g}" for edge in (bounds[1] - bounds[0])[: mesh.dim])
    solid = next((f", {len(rows)} {name}" for name, rows in mesh.cells.items() if name in ("tetra", "hexahedron")), "")
    closed = "" if mesh.dim == 2 else f", {'watertight' if mesh.is_watertight else 'NOT watertight'}"
    add_caption(plotter, f"{Path(path).name}: {len(mesh.triangles)} triangles{solid}, {extent}{closed}")
