"""A surface that passes through itself, or encloses anything twice, is found; one that only touches itself is not."""

import numpy as np
import pytest
import pyvista

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import Mesh, check_cells, check_simple, check_watertight, crossing_facets

NONE = np.empty((0, 3), dtype=int)


def surface(data: pyvista.PolyData) -> Mesh:
    data = data.triangulate().clean()
    return Mesh(np.asarray(data.points, dtype=float), data.regular_faces)


def together(*parts: Mesh) -> Mesh:
    """Several surfaces in one mesh, with vertices at one place made one, as reading a file does."""
    vertices = np.concatenate([part.vertices for part in parts])
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    triangles = np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=False)])
    vertices, merged = np.unique(vertices, axis=0, return_inverse=True)
    return Mesh(vertices, merged.reshape(-1)[triangles])


def moved(mesh: Mesh, by: tuple[float, float, float]) -> Mesh:
    return Mesh(mesh.vertices + np.array(by), mesh.triangles)


def flipped(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.triangles[:, ::-1])


BALL = surface(pyvista.Icosphere(radius=1.0, nsub=3))
CUBE = surface(pyvista.Cube())
TORUS = surface(pyvista.ParametricTorus(ringradius=0.5, crosssectionradius=0.2, u_res=40, v_res=20))
SPIKE = Mesh(BALL.vertices * np.where(np.arange(len(BALL.vertices)) == 5, -3.0, 1.0)[:, None], BALL.triangles)
SIDES = ["013", "032", "475", "467", "051", "045", "237", "276", "026", "064", "157", "173"]
HALVED = Mesh(  # a cube of which the sides are halved from the lowest corner to that across, and from the highest
    np.array([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)]),
    np.array([[int(corner) for corner in side] for side in SIDES]),
)

FINE = {
    "ball": BALL,
    "torus": TORUS,
    "two apart": together(BALL, moved(BALL, (2.5, 0.0, 0.0))),
    "shell": together(BALL, flipped(Mesh(0.5 * BALL.vertices, BALL.triangles))),
    "sheet": Mesh(CUBE.vertices * [1.0, 1.0, 2e-5], CUBE.triangles),
    "needle": Mesh(CUBE.vertices * [1.0, 1e-3, 1e-3], CUBE.triangles),
    "faces that touch": together(CUBE, moved(CUBE, (1.0, 0.0, 0.0))),
    "parts of faces that touch": together(CUBE, moved(CUBE, (1.0, 0.3, 0.2))),
    "edges that touch": together(CUBE, moved(CUBE, (1.0, 1.0, 0.0))),
    "corners that touch": together(CUBE, moved(CUBE, (1.0, 1.0, 1.0))),
    "touching to rounding": together(CUBE, moved(CUBE, (1.0 - 1e-7, 0.3, 0.2))),
    "facing inward": flipped(BALL),
    "far away": moved(BALL, (1e4, 2e4, -1e4)),
}
CROSSING = {
    "two balls": together(BALL, moved(BALL, (1.5, 0.1, 0.02))),
    "barely": together(CUBE, moved(CUBE, (0.999, 0.3, 0.2))),
    "corner in a cube": together(CUBE, moved(CUBE, (0.5, 0.4, 0.3))),
    "spike through the other side": SPIKE,
}  # fmt: skip
TWICE = {
    "edges through edges": together(HALVED, moved(HALVED, (0.375, 0.375, 0.375))),
    "doubled": Mesh(np.tile(CUBE.vertices, (2, 1)), np.concatenate([CUBE.triangles, CUBE.triangles + 8])),
    "one in another": together(BALL, Mesh(0.5 * BALL.vertices, BALL.triangles)),
    "overlap with common planes": together(CUBE, moved(CUBE, (0.5, 0.0, 0.0))),
}


@pytest.mark.parametrize("name", FINE)
def test_a_surface_that_touches_itself_at_most_is_accepted(name: str) -> None:
    check_watertight(FINE[name])
    check_simple(FINE[name])
    assert not len(crossing_facets(FINE[name]))


@pytest.mark.parametrize("name", CROSSING)
def test_a_surface_that_crosses_itself_is_refused(name: str) -> None:
    mesh = CROSSING[name]
    check_watertight(mesh)
    with pytest.raises(MeshError, match=r"intersects itself: \d+ of \d+ triangles.*number.*near \(.*Boolean"):
        check_simple(mesh)


@pytest.mark.parametrize("name", TWICE)
def test_a_surface_around_matter_that_it_encloses_already_is_refused(name: str) -> None:
    with pytest.raises(MeshError, match=r"enclose matter that another part encloses too, first number \d+ near"):
        check_simple(TWICE[name])


def test_a_part_that_is_inside_out_is_refused() -> None:
    mesh = together(BALL, flipped(moved(Mesh(0.5 * BALL.vertices, BALL.triangles), (2.5, 0.0, 0.0))))
    with pytest.raises(MeshError, match=r"1280 of 2560 triangles are turned inside out"):
        check_simple(mesh)


def test_triangles_cross_beyond_the_vertex_that_they_share() -> None:
    flat = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    pierced = np.array([[0.3, 0.3, 0.2], [0.4, 0.3, -0.2]])
    beside = np.array([[-0.3, 0.2, 0.2], [-0.2, 0.3, -0.2]])
    fan = np.array([[0, 1, 2], [0, 3, 4]])
    assert crossing_facets(Mesh(np.concatenate([flat, pierced]), fan)).tolist() == [[0, 1]]
    assert crossing_facets(Mesh(np.concatenate([flat, pierced]), fan[::-1])).tolist() == [[0, 1]]
    assert not len(crossing_facets(Mesh(np.concatenate([flat, beside]), fan)))


def test_neighbours_do_not_cross_however_sharp_the_edge_between_them() -> None:
    for height in (1.0, 1e-2, 1e-4, 1e-8, 0.0):
        fold = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.3, 1.0, 0.0], [0.4, 0.9, height]])
        assert not len(crossing_facets(Mesh(fold, np.array([[0, 1, 2], [1, 0, 3]]))))


def test_crossings_lie_on_the_circle_where_two_spheres_meet() -> None:
    """Spheres of radius 1 whose middles are 1.2 apart meet in a circle of radius 0.8, half-way between."""
    fine = surface(pyvista.Icosphere(radius=1.0, nsub=4))
    axis = np.array([0.48, 0.6, 0.64])
    mesh = together(fine, moved(fine, tuple(1.2 * axis)))
    pairs = crossing_facets(mesh)
    assert len(pairs) > 50
    for facet in pairs.T:
        middle = mesh.vertices[mesh.triangles[facet]].mean(axis=1)
        along = middle @ axis
        assert np.abs(along - 0.6).max() < 0.08
        assert np.abs(np.linalg.norm(middle - along[:, None] * axis, axis=1) - 0.8).max() < 0.08


def test_spheres_whose_edges_meet_exactly_are_refused_too() -> None:
    """Where all crossings lie in a plane of symmetry no edge pierces a triangle; what is enclosed twice tells."""
    mesh = together(BALL, moved(BALL, (1.2, 0.0, 0.0)))
    assert not len(crossing_facets(mesh))
    with pytest.raises(MeshError, match=r"enclose matter that another part encloses too"):
        check_simple(mesh)


def test_a_crossed_outline_is_refused() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    loop = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
    check_simple(Mesh(square, NONE, {"line": loop}))
    with pytest.raises(MeshError, match=r"2 segments|1 of 4 segments pass through.*no two of its segments cross"):
        check_simple(Mesh(square[[0, 2, 1, 3]], NONE, {"line": loop}))
    hole = np.concatenate([square, 0.25 + 0.5 * square])
    check_simple(Mesh(hole, NONE, {"line": np.concatenate([loop, loop[:, ::-1] + 4])}))


def bar(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """A unit square of triangles, or a unit cube of tetrahedra."""
    grid = pyvista.ImageData(dimensions=(5, 5, 1 if dim == 2 else 5), spacing=(0.25,) * 3)
    cells = grid.cast_to_unstructured_grid().triangulate()
    return np.array(cells.points)[:, :dim], np.array(cells.cells_dict[5 if dim == 2 else 10])


@pytest.mark.parametrize("dim", [2, 3])
def test_a_volume_mesh_that_is_folded_is_refused_however_its_corners_are_numbered(dim: int) -> None:
    name = ("triangle", "tetra")[dim - 2]
    points, cells = bar(dim)
    check_cells(Mesh(points, NONE, {name: cells}))
    pulled = points.copy()
    inner = int(np.linalg.norm(points - 0.5, axis=1).argmin())
    pulled[inner, 0] += 0.1
    check_cells(Mesh(pulled, NONE, {name: cells}))
    pulled[inner, 0] += 0.3  # beyond its neighbours: cells turn inside out
    corners = pulled[cells]
    flip = np.linalg.det(corners[:, 1:] - corners[:, :1]) < 0
    assert 0 < flip.sum() < len(cells)
    renumbered = np.where(flip[:, None], cells[:, [1, 0, *range(2, dim + 1)]], cells)
    with pytest.raises(MeshError, match=r"folded: at \d+ facets.*turned inside out, first near \(0\.[5-9]"):
        check_cells(Mesh(pulled, NONE, {name: renumbered}))


def test_a_cell_of_no_volume_is_refused_by_number_and_place() -> None:
    points, cells = bar(3)
    points[cells[17, 0]] = points[cells[17, 1:]].mean(axis=0)
    with pytest.raises(MeshError, match=r"have no positive volume, the first one, number \d+, near \("):
        check_cells(Mesh(points, NONE, {"tetra": cells}))


def test_hexahedra_and_the_wedges_among_them_are_no_folds() -> None:
    grid = pyvista.ImageData(dimensions=(3, 3, 3)).cast_to_unstructured_grid()
    order = [0, 1, 3, 2, 4, 5, 7, 6]
    voxels = np.array(grid.cells_dict[11])[:, order]
    check_cells(Mesh(grid.points, NONE, {"hexahedron": voxels}))
    one, rest = voxels[0], voxels[1:]
    wedges = np.array([one[[0, 1, 2, 2, 4, 5, 6, 6]], one[[0, 2, 3, 3, 4, 6, 7, 7]]])
    check_cells(Mesh(grid.points, NONE, {"hexahedron": np.concatenate([wedges, rest])}))
