"""Signed distance to a mesh, against bodies whose distance is known."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pyvista

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import Mesh, read_mesh, signed_distance

DUCK = Path(__file__).resolve().parents[2] / "assets" / "meshes" / "duck.stl"


def mesh_of(surface: pyvista.PolyData) -> Mesh:
    surface = surface.triangulate().clean()
    return Mesh(surface.points, surface.regular_faces)


def union(*meshes: Mesh) -> Mesh:
    """The meshes side by side in one, overlapping where they do."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    triangles = [mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(triangles))


def points(count: int, reach: float, dim: int = 3) -> np.ndarray:
    return np.random.default_rng(5).uniform(-reach, reach, (count, dim))


def box_distance(x: np.ndarray, half: tuple[float, ...]) -> np.ndarray:
    beyond = np.abs(x) - half
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)


def test_distance_to_a_sphere_converges_with_the_square_of_the_edge(device: str) -> None:
    x = points(4000, 1.5)
    exact = np.linalg.norm(x, axis=1) - 1
    spheres = [mesh_of(pyvista.Icosphere(radius=1.0, nsub=n)) for n in (2, 3, 4)]
    errors = [np.abs(signed_distance(sphere, x, device) - exact).max() for sphere in spheres]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(orders) > 1.8, f"expected order 2, measured {orders} from errors {errors}"


@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_distance_to_a_box_is_exact_and_so_is_its_sign(shift: float, device: str) -> None:
    """Near edges and corners too, for a thin plate, and far from the origin."""
    half = (0.5, 0.3, 0.002)
    plate = mesh_of(pyvista.Cube(x_length=1.0, y_length=0.6, z_length=0.004)).transformed(center=(shift,) * 3)
    x = points(10_000, 1.0) * np.where(np.arange(10_000) % 2, 1.0, 0.006)[:, None] ** np.array([0, 0, 1])
    exact = box_distance(x, half)
    phi = signed_distance(plate, x + shift, device)
    assert np.abs(np.abs(phi) - np.abs(exact)).max() < 5e-6  # triangles 250 times as long as wide
    clear = np.abs(exact) > 1e-6
    assert clear.sum() > 9_980
    assert (np.sign(phi) == np.sign(exact))[clear].all()
    assert (phi < 0).sum() > 200


def test_distance_follows_the_scale_of_the_mesh() -> None:
    duck = read_mesh(DUCK)
    x = points(500, 0.6)
    small = duck.transformed(scale=1e-3)
    assert np.allclose(signed_distance(small, 1e-3 * x), 1e-3 * signed_distance(duck, x), rtol=1e-6, atol=1e-10)


def test_distance_does_not_depend_on_the_winding() -> None:
    duck = read_mesh(DUCK)
    x = points(500, 0.6)
    inward = Mesh(duck.vertices, duck.triangles[:, ::-1])
    assert np.allclose(signed_distance(inward, x), signed_distance(duck, x))


def test_volume_inside_the_duck_is_that_of_its_triangles() -> None:
    """Monte Carlo: the share of random points with negative distance, within four standard deviations."""
    duck = read_mesh(DUCK)
    x = np.random.default_rng(3).uniform(*duck.bounds, (10_000, 3))
    share = (signed_distance(duck, x) < 0).mean()
    expected = duck.volume / np.ptp(duck.bounds, axis=0).prod()
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 10_000)


def test_a_cavity_is_outside() -> None:
    shell = mesh_of(pyvista.Icosphere(radius=1.0, nsub=3))
    hole = mesh_of(pyvista.Icosphere(radius=0.5, nsub=3))
    hollow = union(shell, Mesh(hole.vertices, hole.triangles[:, ::-1]))
    phi = signed_distance(hollow, [[0.0, 0, 0], [0.75, 0, 0], [1.5, 0, 0]])
    assert phi == pytest.approx([0.5, -0.25, 0.5], abs=0.01)


def test_where_bodies_overlap_is_inside() -> None:
    ball = mesh_of(pyvista.Icosphere(radius=1.0, nsub=3))
    phi = signed_distance(union(ball, ball.transformed(center=(1, 0, 0))), [[0.5, 0, 0], [-0.5, 0, 0], [3, 0, 0]])
    assert (np.sign(phi) == [-1, -1, 1]).all()


def test_distance_to_a_polygon_is_exact_and_so_is_its_sign(device: str) -> None:
    corners = [[-0.5, -0.3], [0.5, -0.3], [0.5, 0.3], [-0.5, 0.3]]
    region = Mesh(np.array(corners), np.array([[0, 1, 2], [0, 2, 3]]))
    x = np.concatenate(
        [points(5000, 1.0, dim=2), [[0.0, 0.3], [-0.9, 0.3], [-0.9, -0.3]]]
    )  # level with the corners too
    assert np.allclose(signed_distance(region, x, device), box_distance(x, (0.5, 0.3)), atol=1e-12)


def test_an_open_mesh_has_no_inside() -> None:
    ball = mesh_of(pyvista.Icosphere(nsub=1))
    with pytest.raises(MeshError, match="not watertight"):
        signed_distance(Mesh(ball.vertices, ball.triangles[1:]), [[0.0, 0, 0]])


def test_points_must_be_numbers_of_the_right_dimension() -> None:
    ball = mesh_of(pyvista.Icosphere(nsub=1))
    assert signed_distance(ball, np.empty((0, 3))).shape == (0,)
    with pytest.raises(ValueError, match=r"\[N, 3\]"):
        signed_distance(ball, [[0.0, 0.0]])
    with pytest.raises(ValueError, match="1 of 2 points are not finite"):
        signed_distance(ball, [[0.0, 0, 0], [np.nan, 0, 0]])
