"""A mesh measures what it encloses, and says so when it encloses nothing."""

import hashlib
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pyvista

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import Mesh, check_watertight, read_mesh

MESHES = Path(__file__).resolve().parents[2] / "assets" / "meshes"


def sphere(subdivisions: int, radius: float = 1.0) -> Mesh:
    surface = pyvista.Icosphere(radius=radius, nsub=subdivisions)
    return Mesh(surface.points, surface.regular_faces)


def box(size: tuple[float, float, float]) -> Mesh:
    surface = pyvista.Cube(x_length=size[0], y_length=size[1], z_length=size[2]).triangulate().clean()
    return Mesh(surface.points, surface.regular_faces)


def rotation(angle: float) -> np.ndarray:
    return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])


def test_volume_of_a_sphere_converges_with_the_square_of_the_edge() -> None:
    errors = [4 / 3 * math.pi - sphere(n).volume for n in (2, 3, 4)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(orders) > 1.9, f"expected order 2, measured {orders} from errors {errors}"


def test_volume_of_a_box_is_exact_wherever_it_lies() -> None:
    body = box((1.0, 2.0, 0.5))
    assert body.volume == pytest.approx(1.0, rel=1e-12)
    assert body.transformed(center=(1e3, -1e3, 500)).volume == pytest.approx(1.0, rel=1e-9)


def test_volume_changes_sign_with_the_winding() -> None:
    body = sphere(2)
    assert Mesh(body.vertices, body.triangles[:, ::-1]).volume == pytest.approx(-body.volume)


def test_transformation_scales_the_volume_and_places_the_middle() -> None:
    body = box((1.0, 2.0, 0.5)).transformed(scale=(2, 3, 1), rotation=rotation(0.7), center=(4, 5, 6))
    assert body.volume == pytest.approx(6.0)
    assert np.allclose(body.bounds.mean(axis=0), (4, 5, 6))
    corner = rotation(0.7) @ (1.0, 3.0, 0.25) + (4, 5, 6)
    assert np.linalg.norm(body.vertices - corner, axis=1).min() < 1e-12


def test_reflection_keeps_a_body_outside_in() -> None:
    """A mirrored mesh still faces outward and its cells keep a positive volume."""
    ring = read_mesh(MESHES / "ring.msh")
    mirrored = ring.transformed(scale=(1, 1, -1))
    assert mirrored.volume == pytest.approx(ring.volume)
    corners = mirrored.vertices[mirrored.cells["tetra"]]
    assert np.linalg.det(corners[:, 1:] - corners[:, :1]).min() > 0


def test_a_shear_is_no_rotation() -> None:
    with pytest.raises(MeshError, match="orthogonal"):
        sphere(1).transformed(rotation=np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]))


def test_a_hole_is_counted_and_placed() -> None:
    body = sphere(2)
    top = body.vertices[body.triangles].mean(axis=1)[:, 2].argmax()
    torn = Mesh(body.vertices, np.delete(body.triangles, top, axis=0))
    assert body.is_watertight
    assert not torn.is_watertight
    with pytest.raises(MeshError, match=r"not watertight.*3 open edges.*near \(.*0\.9\d*\).*Close") as caught:
        check_watertight(torn)
    assert "opposite winding" not in str(caught.value)


def test_a_turned_triangle_is_told_from_a_hole() -> None:
    body = sphere(2)
    triangles = body.triangles.copy()
    triangles[7] = triangles[7, ::-1]
    with pytest.raises(MeshError, match="3 edges between triangles of opposite winding") as caught:
        check_watertight(Mesh(body.vertices, triangles))
    assert "open edges" not in str(caught.value)


def test_a_fin_is_a_non_manifold_edge() -> None:
    body = sphere(1)
    vertices = np.concatenate([body.vertices, [[2.0, 0.0, 0.0]]])
    finned = np.concatenate([body.triangles, [[*body.triangles[0, :2], len(body.vertices)]]])
    with pytest.raises(MeshError, match=r"2 open edges.*1 non-manifold edges"):
        check_watertight(Mesh(vertices, finned))


def test_boxes_that_share_an_edge_are_watertight() -> None:
    """Four triangles meet there, and inside and outside are still clear."""
    first = box((1.0, 1.0, 1.0))
    second = first.transformed(center=(1, 1, 0))
    points, index = np.unique(
        np.round(np.concatenate([first.vertices, second.vertices]), 9), axis=0, return_inverse=True
    )
    both = Mesh(points, index[np.concatenate([first.triangles, second.triangles + len(first.vertices)])])
    assert len(points) == 14
    check_watertight(both)
    assert both.volume == pytest.approx(2.0)


def test_an_element_with_a_wrong_number_is_refused() -> None:
    with pytest.raises(MeshError, match=r"has 3 vertices.*numbers 0 to 3"):
        Mesh(np.eye(3), np.array([[0, 1, 3]]))


def test_a_mesh_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        sphere(1).vertices[0] = 0.0


@pytest.mark.parametrize("name", ["duck.stl", "ring.msh"])
def test_meshes_that_come_along_are_sound(name: str) -> None:
    mesh = read_mesh(MESHES / name)
    check_watertight(mesh)
    assert mesh.volume > 0
    assert np.ptp(mesh.bounds, axis=0).max() == pytest.approx(1.0, abs=1e-6)
    assert mesh.sha256 == hashlib.sha256((MESHES / name).read_bytes()).hexdigest()
    assert mesh.sha256 in (MESHES / "README.md").read_text()
    if name == "ring.msh":
        assert mesh.volume == pytest.approx(20 * math.sin(math.pi / 20) * (0.5**2 - 0.3**2) * 0.2, rel=1e-12)
