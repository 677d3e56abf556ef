"""What stands in a plotter as shapes with colours, to be taken to other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenegrad.view.choices import Choices
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.gltf import Piece, write_gltf
from scenegrad.view.looks import look
from scenegrad.view.pictures import frame_number
from scenegrad.view.stage import stage

if TYPE_CHECKING:
    import pyvista

__all__ = ["draw_shapes", "pieces_of"]

BALLS = ((2_000, 2), (20_000, 1), (10**9, 0))  # how often the faces of an icosahedron are cut for so many spheres
TEXELS = 256  # points along the longer side of a picture in the plane


def draw_shapes(run: Any, out: str, *, frame: int = -1, size: Sequence[int] | None = None, **chosen: Any) -> str:
    """One frame as glTF, without letters and colour bar. chosen: see Choices."""
    choices = Choices.of(chosen)
    frames = open_frames(run, choices.field)
    try:
        index = frame_number(frames, frame)
        plotter = stage(size or (256, 256))
        look(plotter, frames, choices, [index]).show(index)
        up = frames.setting.up if frames.dim == 3 else (0.0, 1.0, 0.0)
        write_gltf(Path(out), list(pieces_of(plotter)), up)
        plotter.close()
    finally:
        frames.close()
    return out


def pieces_of(plotter: pyvista.Plotter) -> Iterator[Piece]:
    """Everything with a shape, where it stands and in the colours that it has."""
    for name, actor in plotter.renderer.actors.items():
        kind = actor.GetClassName()
        if kind == "vtkVolume":
            raise ViewError("Smoke has no shape that glTF could hold; choose the style isosurfaces or slices.")
        mapper = actor.GetMapper() if hasattr(actor, "GetMapper") else None
        if mapper is not None and mapper.IsA("vtkMapper") and actor.GetVisibility():
            yield from pieces_of_actor("things" if "Addr" in str(name) else str(name), actor, mapper)
    for prop in plotter.renderer.GetViewProps():
        if prop.IsA("vtkImageSlice"):
            yield from pieces_of_picture(prop)


def pieces_of_actor(name: str, actor: Any, mapper: Any) -> Iterator[Piece]:
    import pyvista

    data = pyvista.wrap(mapper.GetInputDataObject(0, 0))
    if data is None or not data.n_points:
        return
    matrix = actor.GetMatrix()
    place = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    shape = data if isinstance(data, pyvista.PolyData) else data.extract_surface(algorithm="dataset_surface")
    balls = mapper.IsA("vtkOpenGLSphereMapper")
    if balls:
        shape = spheres(shape, mapper.GetRadius())
    if not np.array_equal(place, np.eye(4)):
        shape = shape.transform(place, inplace=False)
    planes = mapper.GetClippingPlanes()
    for number in range(planes.GetNumberOfItems() if planes is not None else 0):
        plane = planes.GetItem(number)
        shape = shape.clip(normal=plane.GetNormal(), origin=plane.GetOrigin(), invert=False)
    ends = segments(shape)
    shape = shape.triangulate() if shape.GetNumberOfPolys() else shape
    look = actor.GetProperty()
    colours = np.ones((shape.n_points, 4))
    colours[:, :3], colours[:, 3] = look.GetColor(), look.GetOpacity()
    if mapper.GetScalarVisibility() and "colour" in shape.point_data:
        table = mapper.GetLookupTable()
        values = shape.GetPointData().GetArray("colour")
        colours[:, :3] = np.asarray(pyvista.convert_array(table.MapScalars(values, 0, -1)))[:, :3] / 255
    if shape.GetNumberOfPolys():
        normals = shape.point_normals if look.GetLighting() else None
        yield Piece(name, np.asarray(shape.points), shape.regular_faces, colours, normals, bool(look.GetLighting()))
    if len(ends):
        yield Piece(name, np.asarray(shape.points), ends, colours, lit=False)


def segments(shape: pyvista.PolyData) -> np.ndarray:
    """The ends of the pieces of lines [n, 2]."""
    row, found = np.asarray(shape.lines), []
    at = 0
    while at < len(row):
        line = row[at + 1 : at + 1 + row[at]]
        found.append(np.stack([line[:-1], line[1:]], axis=1))
        at += 1 + int(row[at])
    return np.concatenate(found) if found else np.empty((0, 2), dtype=int)


def spheres(cloud: pyvista.PolyData, radius: float) -> pyvista.PolyData:
    """A ball around each point, with its colour."""
    import pyvista

    cuts = next(cuts for most, cuts in BALLS if cloud.n_points <= most)
    ball = pyvista.Icosphere(radius=radius, nsub=cuts)
    corners = (np.asarray(cloud.points)[:, None] + np.asarray(ball.points)[None]).reshape(-1, 3)
    starts = ball.n_points * np.arange(cloud.n_points)[:, None, None]
    faces = (ball.regular_faces[None] + starts).reshape(-1, 3)
    found = pyvista.PolyData(corners, faces=np.insert(faces, 0, 3, axis=1).ravel())
    found.point_data["Normals"] = np.tile(np.asarray(ball.points) / radius, (cloud.n_points, 1))
    if "colour" in cloud.point_data:
        found.point_data["colour"] = np.repeat(np.asarray(cloud.point_data["colour"]), ball.n_points)
    return found


def pieces_of_picture(prop: Any) -> Iterator[Piece]:
    """A picture in the plane as a sheet whose corners have its colours."""
    import pyvista

    image = pyvista.wrap(prop.GetMapper().GetInput())
    step = max(1, -(-max(image.dimensions) // TEXELS))
    nx, ny, _ = image.dimensions
    rows, columns = (np.unique([*range(0, n, step), n - 1]) for n in (ny, nx))
    values = np.asarray(image.point_data["colour"]).reshape(ny, nx)[np.ix_(rows, columns)]
    x = image.origin[0] + columns * image.spacing[0]
    y = image.origin[1] + rows * image.spacing[1]
    points = np.stack([*np.meshgrid(x, y, indexing="xy"), np.zeros(values.shape)], axis=-1).reshape(-1, 3)
    first = (np.arange(len(rows) - 1)[:, None] * len(columns) + np.arange(len(columns) - 1)).reshape(-1, 1)
    over = len(columns)
    corners = np.concatenate([first + np.array(steps) for steps in ((0, 1, over + 1), (0, over + 1, over))])
    array = pyvista.convert_array(np.ascontiguousarray(values.ravel(), dtype=np.float32))
    table = prop.GetProperty().GetLookupTable()
    colours = np.ones((len(points), 4))
    colours[:, :3] = np.asarray(pyvista.convert_array(table.MapScalars(array, 0, -1)))[:, :3] / 255
    yield Piece("field", points, corners, colours, lit=False)
