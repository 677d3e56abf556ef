"""Points that fill a body stand for its whole volume."""

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from scenegrad.engine.errors import MeshError
from scenegrad.engine.geometry import Mesh, fill, lattice_within, read_mesh, signed_distance, volume_mesh_points
from scenegrad.engine.geometry import filling as filling_module

MESHES = Path(__file__).resolve().parents[2] / "assets" / "meshes"


def ball(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x, axis=1) < 1


def everywhere(x: np.ndarray) -> np.ndarray:
    return np.ones(len(x), dtype=bool)


@pytest.mark.parametrize("dim", [2, 3])
def test_lattice_of_a_box_is_cell_centred(dim: int) -> None:
    points = fill(everywhere, ([0.0] * dim, [1.0] * dim), 0.25)
    expected = np.array(list(product([0.125, 0.375, 0.625, 0.875], repeat=dim)))
    assert np.allclose(points, expected)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("jitter", [0.0, 0.7])
def test_lattice_of_a_ball_converges_to_its_volume(dim: int, jitter: float) -> None:
    exact = math.pi if dim == 2 else 4 / 3 * math.pi
    for spacing in (0.2, 0.1, 0.05):
        points = fill(ball, ([-1.1] * dim, [1.1] * dim), spacing, jitter=jitter, seed=1)
        assert ball(points).all()
        assert abs(len(points) * spacing**dim / exact - 1) < spacing
        assert np.abs(points.mean(axis=0)).max() < spacing / 2


def test_lattice_of_a_mesh_converges_to_its_volume() -> None:
    duck = read_mesh(MESHES / "duck.stl")
    points = fill(lambda x: signed_distance(duck, x) < 0, duck.bounds, 0.025)
    assert len(points) * 0.025**3 == pytest.approx(duck.volume, rel=0.01)


def test_jitter_keeps_each_point_in_its_cell_and_the_seed_makes_it_again() -> None:
    bounds, spacing = ([0.0, 0.0], [1.0, 1.0]), 0.1
    lattice = fill(everywhere, bounds, spacing)
    moved = fill(everywhere, bounds, spacing, jitter=0.5, seed=4)
    shift = np.abs(moved - lattice).max()
    assert 0.9 * 0.25 * spacing < shift <= 0.25 * spacing
    assert (moved == fill(everywhere, bounds, spacing, jitter=0.5, seed=4)).all()
    assert (moved != fill(everywhere, bounds, spacing, jitter=0.5, seed=5)).all()
    with pytest.raises(ValueError, match="needs a seed"):
        fill(everywhere, bounds, spacing, jitter=0.5)


def test_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fill(ball, ([-1] * 3, [1] * 3), 0.2, jitter=1, seed=2)
    monkeypatch.setattr(filling_module, "BLOCK", 250)
    assert (fill(ball, ([-1] * 3, [1] * 3), 0.2, jitter=1, seed=2) == whole).all()


@pytest.mark.parametrize("count", [(1, 1, 1), (7, 4, 9), (40, 50, 30)])
def test_groups_of_a_lattice_are_decided_as_their_points_would_be(count: tuple[int, ...]) -> None:
    duck = read_mesh(MESHES / "duck.stl")
    low, high = duck.bounds
    width = (high - low) / np.array(count)
    asked = []

    def distance(x: np.ndarray) -> np.ndarray:
        asked.append(len(x))
        return np.maximum(signed_distance(duck, x), 0.2 - np.linalg.norm(x - 0.3, axis=1))  # with a hole: a lower bound

    points = lattice_within(distance, low, width, np.array(count), slack=0.0)
    every = low + (np.stack(np.unravel_index(np.arange(np.prod(count)), count), axis=1) + 0.5) * width
    assert (points == every[distance(every) <= 0]).all()
    if np.prod(count) > 10_000:
        assert sum(asked[:-1]) < 0.5 * len(every)


@pytest.mark.parametrize("spacing", [0.0, -1.0, math.nan])
def test_spacing_is_a_positive_length(spacing: float) -> None:
    with pytest.raises(ValueError, match="positive length"):
        fill(everywhere, ([0.0], [1.0]), spacing)


def test_a_spacing_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(MeshError, match=r"1e\+18 points.*Make it larger"):
        fill(everywhere, ([0.0] * 3, [1.0] * 3), 1e-6)
    with pytest.raises(MeshError, match=r"1e\+17 points"):
        volume_mesh_points(read_mesh(MESHES / "ring.msh"), 1e-6)


@pytest.mark.parametrize("spacing", [None, 0.05, 0.02])
def test_points_of_a_volume_mesh_keep_volume_centre_and_inertia(spacing: float | None) -> None:
    """Moments of order 0 and 1 are exact for simplices; the second one converges, and is a few percent off here."""
    ring = read_mesh(MESHES / "ring.msh")
    points, volumes = volume_mesh_points(ring, spacing)
    assert len(points) == (17280 if spacing == 0.02 else 2160)
    assert volumes.min() > 0
    assert volumes.sum() == pytest.approx(ring.volume, rel=1e-12)
    assert np.abs(volumes @ points).max() < 1e-15
    polar = volumes @ (points[:, :2] ** 2).sum(axis=1) / ring.volume
    assert polar == pytest.approx((0.5**2 + 0.3**2) / 2, rel=0.02)
    if spacing:
        assert volumes.max() <= spacing**3 * (1 + 1e-9)


@pytest.mark.parametrize("dim", [2, 3])
def test_multilinear_cells_are_divided_along_their_own_axes(dim: int) -> None:
    """A bar of one long quad or hexahedron becomes a row of cubes; a sheared one keeps its volume and centre."""
    order = [[0, 0], [1, 0], [1, 1], [0, 1]]
    corners = np.array(order if dim == 2 else [[*c, z] for z in (0, 1) for c in order], dtype=float)
    name, none = ("quad", "hexahedron")[dim - 2], np.empty((0, 3), dtype=int)
    bar = Mesh(corners * [3.0, 1.0, 1.0][:dim], none, {name: np.arange(2**dim)[None]})
    points, volumes = volume_mesh_points(bar, 0.5)
    assert len(points) == 6 * 2 ** (dim - 1)
    assert np.allclose(volumes, 0.5**dim)
    expected = fill(everywhere, ([0.0] * dim, [3.0, 1.0, 1.0][:dim]), 0.5)
    assert np.allclose(sorted(map(tuple, points)), sorted(map(tuple, expected)))

    skew = corners.copy()
    skew[2] += 0.5  # one corner pulled out: area 1.5; the hexahedron is trilinear
    pulled = Mesh(skew, none, {name: np.arange(2**dim)[None]})
    fine, coarse = volume_mesh_points(pulled, 0.02 if dim == 2 else 0.05), volume_mesh_points(pulled)
    assert fine[1].sum() == pytest.approx(coarse[1].sum(), rel=1e-12)
    if dim == 2:
        assert coarse[1].sum() == pytest.approx(1.5, rel=1e-12)
        centroid = [2 / 3, 2 / 3]  # of two triangles of area 3/4, with the centroids (5/6, 1/2) and (1/2, 5/6)
        assert fine[1] @ fine[0] / 1.5 == pytest.approx(centroid, abs=1e-4)


def test_needles_leave_no_gap() -> None:
    needle = Mesh(np.array([[0, 0], [1, 0], [1, 1e-3]]), np.array([[0, 1, 2]]), {"triangle": np.array([[0, 1, 2]])})
    points, volumes = volume_mesh_points(needle, 0.1)
    assert np.diff(np.sort(points[:, 0])).max() < 0.4
    assert volumes.sum() == pytest.approx(5e-4)


def test_a_surface_has_no_cells_and_a_flat_cell_no_volume() -> None:
    with pytest.raises(MeshError, match=r"no volume cells.*Fill its inside"):
        volume_mesh_points(read_mesh(MESHES / "duck.stl"))
    flat = Mesh(np.array([[0, 0], [1, 0], [2, 0]]), np.empty((0, 3)), {"triangle": np.array([[0, 1, 2]])})
    with pytest.raises(MeshError, match=r"1 of 1 triangle cells have no positive volume.*near \[1.0, 0.0\]"):
        volume_mesh_points(flat)
