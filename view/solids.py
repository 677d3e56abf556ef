"""Colliders, rigid bodies and obstacles in the picture: filled outlines in the plane, lit surfaces in space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.view.frames import Frames
from scenegrad.view.poses import Poses, poses_of
from scenegrad.view.regions import middle_of, region
from scenegrad.view.setting import Solid, plain
from scenegrad.view.solid_shapes import centroid, filling, skin_of
from scenegrad.view.surfaces import add_body

if TYPE_CHECKING:
    import pyvista

__all__ = ["BEFORE", "PlacedSolid", "Solids", "placed_solids"]

Array = NDArray[np.float64]

COLLIDER, RIGID = "#b4bac0", "#c39d6b"  # steel and wood
COLLIDER_EDGE, RIGID_EDGE = "#7d858c", "#8a6a3d"
FAINT = 0.25  # opacity of what is not where it is drawn
GLASS = 0.16  # opacity of what would hide matter
HIDING = 0.08  # share of the particles behind a surface from which on it hides them
ASKED = 400  # particles, of all frames that are looked at, whether they are hidden
BEHIND, BEFORE = -1e-3, 0.5e-3  # levels in the plane, in breadths of the picture: under particles, on a field
ON_TOP = 2e-4  # height of an outline above its filling


@dataclass(frozen=True)
class PlacedSolid:
    """drawn: where the scene describes it, unturned; its surface in space, its region in the plane. outline: in the
    plane."""

    solid: Solid
    poses: Poses
    drawn: pyvista.PolyData
    outline: pyvista.PolyData | None

    def points(self, index: int) -> Array:
        """Places on it in a frame [n, 3], enough to tell how far it reaches."""
        some = np.asarray(self.drawn.points[:: max(1, self.drawn.n_points // 5000)], dtype=np.float64)
        turn = self.poses.matrix(index)
        return some @ turn[:3, :3].T + turn[:3, 3]


def placed_solids(frames: Frames, room: Array) -> list[PlacedSolid]:
    """Those whose shape can be drawn. room [2, 3]: where shapes without an end are cut off."""
    found = (placed_solid(frames, solid, room) for solid in frames.setting.solids)
    return [one for one in found if one is not None]


def placed_solid(frames: Frames, solid: Solid, room: Array) -> PlacedSolid | None:
    shape = region(solid.shape)
    if shape is None or shape.dim() not in (None, frames.dim):
        return None
    flat = frames.dim == 2
    drawn, outline = filling(shape, room) if flat else (skin_of(shape, room), None)
    if not drawn.n_cells:
        return None
    about = plain((solid.motion or {}).get("center"))
    if solid.floats:
        pivot = centroid(drawn, flat)
    else:
        pivot = np.asarray(about, dtype=np.float64) if isinstance(about, list) else middle_of(shape)
    return PlacedSolid(solid, poses_of(frames, solid, np.pad(pivot, (0, 3 - len(pivot)))), drawn, outline)


class Solids:
    """The look of them; `show` moves them to where they are in a frame. level: their height over a plane."""

    def __init__(
        self, plotter: pyvista.Plotter, solids: Iterable[PlacedSolid], stage: Array, flat: bool, level: float = BEHIND
    ):
        self.plotter, self.stage, self.flat, self.level = plotter, stage, flat, level
        self.actors = [(one, self.add(one)) for one in solids]

    def add(self, one: PlacedSolid) -> list[Any]:
        colour, edge = (RIGID, RIGID_EDGE) if one.solid.floats else (COLLIDER, COLLIDER_EDGE)
        opacity = 1.0 if one.poses.known else FAINT
        if not self.flat:
            return [add_body(self.plotter, one.drawn, colour, opacity=opacity, pickable=False)]
        found = [add_body(self.plotter, one.drawn, colour, flat=True, opacity=opacity, pickable=False)]
        if one.outline is not None:
            line: dict[str, Any] = {"lighting": False, "pickable": False, "reset_camera": False, "render": False}
            line |= {"color": edge, "line_width": 1.5, "opacity": opacity}
            found.append(self.plotter.add_mesh(one.outline, **line))
        for actor in found:
            keep_inside(actor, self.stage)
        return found

    def show(self, index: int) -> None:
        size = float(np.ptp(self.stage, axis=0).max())
        for one, actors in self.actors:
            for layer, actor in enumerate(actors):
                matrix = one.poses.matrix(index)
                if self.flat:
                    matrix[2, 3] += size * (self.level + ON_TOP * layer)
                actor.user_matrix = matrix

    def reveal(self, seen: dict[int, Array]) -> None:
        """Makes glass of those that hide matter from the eye. seen: places of particles [n, 3] by frame."""
        eye = np.asarray(self.plotter.camera.position)
        for one, actors in self.actors:
            if one.poses.known and hidden_share(one, seen, eye) > HIDING:
                actors[0].prop.opacity = GLASS


def hidden_share(one: PlacedSolid, seen: dict[int, Array], eye: Array) -> float:
    """Which share of the particles lies behind the surface, as the eye sees it."""
    from vtkmodules.vtkCommonCore import reference
    from vtkmodules.vtkFiltersGeneral import vtkOBBTree

    tree: Any = vtkOBBTree()
    tree.SetDataSet(one.drawn.triangulate())
    tree.BuildLocator()
    hidden, asked = 0, 0
    for index, positions in seen.items():
        back = np.linalg.inv(one.poses.matrix(index))
        start = back[:3, :3] @ eye + back[:3, 3]
        some = positions[:: max(1, len(positions) * len(seen) // ASKED)] @ back[:3, :3].T + back[:3, 3]
        asked += len(some)
        for place in some:
            hidden += tree.IntersectWithLine(start, place, 1e-6, reference(0.0), [0.0] * 3, [0.0] * 3, reference(0))
    return hidden / max(asked, 1)


def keep_inside(actor: Any, box: Array) -> None:
    """Cut off what reaches beyond the rectangle [2, 3]."""
    from vtkmodules.vtkCommonDataModel import vtkPlane

    for axis in (0, 1):
        for side, inward in ((0, 1.0), (1, -1.0)):
            plane, normal = vtkPlane(), [0.0, 0.0, 0.0]
            normal[axis] = inward
            plane.SetNormal(normal)
            plane.SetOrigin(box[side])
            actor.mapper.AddClippingPlane(plane)
