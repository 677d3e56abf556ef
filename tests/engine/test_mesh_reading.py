"""Every format gives the same mesh, and a file that cannot be read says why."""

import base64
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import meshio
import numpy as np
import pytest
import pyvista

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import SUFFIXES, Mesh, check_watertight, read_mesh, signed_distance
from scenegrad.engine.geometry.readers import vtk as vtk_module


def tetrahedra() -> tuple[np.ndarray, np.ndarray]:
    """A unit cube of tetrahedra, some of them with negative volume, as some programs write them."""
    grid = pyvista.ImageData(dimensions=(3, 3, 3), spacing=(0.5, 0.5, 0.5)).cast_to_unstructured_grid().triangulate()
    cells = np.asarray(grid.cells_dict[10]).copy()
    cells[::3] = cells[::3][:, [1, 0, 2, 3]]
    return np.asarray(grid.points, dtype=float), cells


def gltf(points: np.ndarray, triangles: np.ndarray) -> dict[str, object]:
    """A scene of one surface, doubled in size by its node and halved here, with three vertices for each triangle."""
    soup = (0.5 * points[triangles].reshape(-1, 3)).astype("<f4")
    data = base64.b64encode(soup.tobytes()).decode()
    low, high = soup.min(axis=0).tolist(), soup.max(axis=0).tolist()
    return {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "scale": [2, 2, 2]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(soup), "type": "VEC3", "min": low, "max": high}
        ],
        "bufferViews": [{"buffer": 0, "byteLength": soup.nbytes}],
        "buffers": [{"byteLength": soup.nbytes, "uri": f"data:application/octet-stream;base64,{data}"}],
    }


def same_surface(a: Mesh, b: Mesh) -> bool:
    """Whether both hold the same triangles in space, whatever the numbering of vertices and the order of triangles."""

    def sorted_triangles(mesh: Mesh) -> np.ndarray:
        corners = np.round(mesh.vertices[mesh.triangles], 5) + 0.0
        turned = [np.roll(c, -np.lexsort(c.T[::-1])[0], axis=0) for c in corners]  # lowest corner first, winding kept
        flat = np.array(turned).reshape(-1, 9)
        return flat[np.lexsort(flat.T)]

    return len(a.triangles) == len(b.triangles) and np.allclose(sorted_triangles(a), sorted_triangles(b), atol=2e-5)


@pytest.mark.parametrize(
    "suffix", ["stl", "ascii.stl", "obj", "ply", "vtp", "vtk", "gltf", "off", "msh", "vtu", "xdmf", "inp"]
)
def test_a_surface_is_the_same_from_every_format(suffix: str, tmp_path: Path) -> None:
    sphere = pyvista.Icosphere(nsub=2)
    path = tmp_path / f"sphere.{suffix}"
    match suffix:
        case "ascii.stl":
            sphere.save(path, binary=False)
        case "gltf":
            path.write_text(json.dumps(gltf(np.asarray(sphere.points), np.asarray(sphere.regular_faces))))
        case "stl" | "obj" | "ply" | "vtp" | "vtk":
            sphere.save(path)
        case "msh":
            meshio.write(path, meshio.Mesh(sphere.points, {"triangle": sphere.regular_faces}), file_format="gmsh22")
        case _:
            meshio.write(path, meshio.Mesh(sphere.points, {"triangle": sphere.regular_faces}))
    mesh = read_mesh(path)
    assert same_surface(mesh, Mesh(sphere.points, sphere.regular_faces))
    assert len(mesh.vertices) == sphere.n_points, "coinciding vertices were not merged"
    assert mesh.path == path
    assert mesh.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", ["msh", "vtu", "vtk", "xdmf", "inp", "med"])
def test_a_volume_is_the_same_from_every_format(suffix: str, tmp_path: Path) -> None:
    points, cells = tetrahedra()
    path = tmp_path / f"cube.{suffix}"
    format_ = {"msh": "gmsh22"}.get(suffix)
    meshio.write(path, meshio.Mesh(points, [("tetra", cells), ("triangle", cells[:3, :3])]), file_format=format_)
    mesh = read_mesh(path)
    assert np.allclose(mesh.vertices[mesh.cells["tetra"]].mean(axis=1), points[cells].mean(axis=1))
    assert len(mesh.triangles) == 48, "the surface of the cube, which has eight triangles a face"
    check_watertight(mesh)
    assert mesh.volume == pytest.approx(1.0)


def test_cells_of_every_kind_make_one_closed_body(tmp_path: Path) -> None:
    """A voxel, a second-order hexahedron, a wedge and a pyramid in a row, each of which must fit the next."""
    points = [(x, y, z) for x in (0, 1, 2) for z in (0, 1) for y in (0, 1)]  # 0..3 at x=0, 4..7 at x=1, 8..11 at x=2
    points += [(3, 0, 0), (3, 1, 0), (1.5, 0.5, 2)]
    cells = [8, 0, 4, 1, 5, 2, 6, 3, 7]  # voxel: x runs fastest
    cells += [8, 4, 8, 9, 5, 6, 10, 11, 7]
    cells += [6, 8, 10, 12, 9, 11, 13]
    cells += [5, 6, 10, 11, 7, 14]
    grid = pyvista.UnstructuredGrid(np.array(cells), np.array([11, 12, 13, 14]), np.array(points, dtype=float))
    grid.save(tmp_path / "row.vtu")
    mesh = read_mesh(tmp_path / "row.vtu")
    check_watertight(mesh)
    assert mesh.cells["hexahedron"].shape == (4, 8)
    assert mesh.volume == pytest.approx(1 + 1 + 0.5 + 1 / 3)


def test_obj_with_negative_indices_counts_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / "corner.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf -4 -2 -3\nf -4 -3 -1\nf -4 -1 -2\nf -3 -2 -1\n")
    mesh = read_mesh(path)
    check_watertight(mesh)
    assert mesh.volume == pytest.approx(1 / 6)


def test_vertices_split_by_texture_seams_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "corner.obj"
    texture = "".join(f"vt {k / 12} 0\n" for k in range(12))
    faces = "f 1/1 3/2 2/3\nf 1/4 2/5 4/6\nf 1/7 4/8 3/9\nf 2/10 3/11 4/12\n"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n" + texture + faces)
    assert len(read_mesh(path).vertices) == 4
    check_watertight(read_mesh(path))


def test_a_surface_that_faces_inward_is_turned(tmp_path: Path) -> None:
    sphere = pyvista.Icosphere(nsub=2)
    meshio.write(tmp_path / "in.ply", meshio.Mesh(sphere.points, {"triangle": sphere.regular_faces[:, ::-1]}))
    assert read_mesh(tmp_path / "in.ply").volume > 4


def test_triangles_and_quads_in_a_plane_make_a_region(tmp_path: Path) -> None:
    points = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0], [9, 9, 9]]  # the last one is used by nothing
    meshio.write(tmp_path / "flat.vtu", meshio.Mesh(points, [("quad", [[0, 3, 2, 1]]), ("triangle", [[1, 4, 2]])]))
    mesh = read_mesh(tmp_path / "flat.vtu")
    check_watertight(mesh)
    assert (mesh.dim, len(mesh.vertices), len(mesh.triangles), len(mesh.boundary)) == (2, 5, 3, 5)
    assert mesh.volume == pytest.approx(1.5)


def test_pixels_make_a_region(tmp_path: Path) -> None:
    pyvista.ImageData(dimensions=(4, 3, 1)).cast_to_unstructured_grid().save(tmp_path / "image.vtu")
    mesh = read_mesh(tmp_path / "image.vtu")
    assert (mesh.dim, mesh.cells["quad"].shape, mesh.volume) == (2, (6, 4), 6.0)


def test_loops_of_lines_in_a_plane_make_a_region_with_holes(tmp_path: Path) -> None:
    turn = 2 * np.pi * np.arange(64) / 64
    circle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    loop = np.stack([np.arange(64), (np.arange(64) + 1) % 64], axis=1)
    lines = np.concatenate([loop, loop + 64])
    lines[::5] = lines[::5, ::-1]  # the direction of a segment says nothing
    meshio.write(tmp_path / "washer.vtu", meshio.Mesh(np.concatenate([circle, 0.5 * circle]), [("line", lines)]))
    mesh = read_mesh(tmp_path / "washer.vtu")
    check_watertight(mesh)
    assert mesh.volume == pytest.approx(0.75 * 32 * math.sin(math.pi / 32), rel=1e-12)
    phi = signed_distance(mesh, [[0.0, 0.0], [0.75, 0.0], [1.5, 0.0]])
    assert phi == pytest.approx([0.5 * math.cos(math.pi / 64), -0.25, 0.5], abs=1e-3)


def test_an_outline_with_a_gap_is_refused(tmp_path: Path) -> None:
    points = [[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    meshio.write(tmp_path / "open.vtu", meshio.Mesh(points, [("line", [[0, 1], [1, 2], [2, 3]])]))
    with pytest.raises(MeshError, match=r"loose ends.*Close each loop"):
        check_watertight(read_mesh(tmp_path / "open.vtu"))


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    pyvista.Sphere().save(tmp_path / "bunny.stl")
    (tmp_path / "bunny.txt").touch()
    with pytest.raises(MeshError, match=r"no mesh buny\.stl in .*Did you mean bunny\.stl\?$"):
        read_mesh(tmp_path / "buny.stl")
    with pytest.raises(MeshError, match=r"the folder .*nowhere does not exist"):
        read_mesh(tmp_path / "nowhere" / "bunny.stl")
    with pytest.raises(MeshError, match="is a folder"):
        read_mesh(tmp_path)
    with pytest.raises(MeshError, match=r"ends in \.txt.*Allowed are \.stl \.obj \.ply"):
        read_mesh(tmp_path / "bunny.txt")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_refused_and_nothing_is_printed(
    suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"damaged{suffix}"
    path.write_text("hello")
    with pytest.raises(MeshError, match="damaged"):
        read_mesh(path)
    assert capfd.readouterr() == ("", "")


def test_elements_without_a_body_are_refused(tmp_path: Path) -> None:
    pyvista.Line((0, 0, 0), (1, 1, 1)).save(tmp_path / "line.vtp")
    with pytest.raises(MeshError, match="holds no body"):
        read_mesh(tmp_path / "line.vtp")
    points = np.random.default_rng(0).random((5, 3))
    pyvista.UnstructuredGrid(np.array([5, 0, 1, 2, 3, 4]), np.array([7]), points).save(tmp_path / "polygon.vtu")
    with pytest.raises(MeshError, match="VTK cell type 7"):
        read_mesh(tmp_path / "polygon.vtu")


class TestWithoutVtk:
    """A compute node may lack PyVista: the simple formats are read all the same, the others are refused by name."""

    @pytest.fixture(autouse=True)
    def no_vtk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def absent() -> bool:
            return False

        monkeypatch.setattr(vtk_module, "vtk_is_there", absent)

    @pytest.mark.parametrize("suffix", ["stl", "obj", "ply", "vtu"])
    def test_simple_formats_are_read_all_the_same(self, suffix: str, tmp_path: Path) -> None:
        sphere = pyvista.Icosphere(nsub=2)
        meshio.write(tmp_path / f"s.{suffix}", meshio.Mesh(sphere.points, {"triangle": sphere.regular_faces}))
        mesh = read_mesh(tmp_path / f"s.{suffix}")
        assert same_surface(mesh, Mesh(sphere.points, sphere.regular_faces))
        assert mesh.is_watertight

    @pytest.mark.parametrize(
        ("name", "write", "message"),
        [
            ("s.glb", lambda path: path.touch(), "needs PyVista"),
            (
                "s.vtu",
                lambda path: pyvista.ImageData(dimensions=(3, 3, 3)).cast_to_unstructured_grid().save(path),
                "handle",
            ),
        ],
        ids=["glb", "voxels"],
    )
    def test_what_would_be_read_wrongly_is_refused(
        self, name: str, write: Callable[[Path], object], message: str, tmp_path: Path
    ) -> None:
        write(tmp_path / name)
        with pytest.raises(MeshError, match=message):
            read_mesh(tmp_path / name)
