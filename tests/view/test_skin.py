"""A surface goes where the particles inside it go."""

import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from scenegrad.engine.geometry import Mesh
from scenegrad.view.files import open_frames
from scenegrad.view.setting import setting_of
from scenegrad.view.skin import binding, skins_of

DUCK = Path(__file__).parents[2] / "assets" / "meshes" / "duck.stl"


def cube_of_particles(side: int = 7) -> np.ndarray:
    return np.stack(np.meshgrid(*[(np.arange(side) + 0.5) / side] * 3, indexing="ij"), -1).reshape(-1, 3)


def points_on_the_cube() -> np.ndarray:
    points = np.random.default_rng(3).random((200, 3))
    points[np.arange(200), np.arange(200) % 3] = np.arange(200) // 3 % 2
    return points


def test_affine_motions_of_the_particles_move_the_surface_exactly() -> None:
    rest, surface = cube_of_particles(), points_on_the_cube()
    bound = binding(rest, surface)
    assert bound is not None
    rng = np.random.default_rng(0)
    matrix, shift = rng.normal(size=(3, 3)), rng.normal(size=3)
    np.testing.assert_allclose(bound[0] @ (rest @ matrix.T + shift), surface @ matrix.T + shift, atol=1e-4)
    np.testing.assert_allclose(bound[0] @ rest, surface, atol=1e-4)


def test_bending_is_followed_to_second_order_in_the_spacing() -> None:
    """x' = x + curvature y^2 / 2: the error of the affine fit falls with the square of the distance of particles."""

    def bent(points: np.ndarray) -> np.ndarray:
        return points + 0.5 * np.stack([points[:, 1] ** 2, 0 * points[:, 0], points[:, 0] ** 2], axis=1)

    errors = []
    for side in (6, 12, 24):
        rest, surface = cube_of_particles(side), points_on_the_cube()
        bound = binding(rest, surface)
        assert bound is not None
        errors.append(float(np.abs(bound[0] @ bent(rest) - bent(surface)).max()))
    orders = [np.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(orders) > 1.7, f"expected order 2, measured {orders} from errors {errors}"


def test_fields_on_the_surface_stay_between_those_of_the_particles() -> None:
    rest = cube_of_particles()
    bound = binding(rest, points_on_the_cube())
    assert bound is not None
    speed = np.random.default_rng(1).random(len(rest))
    shown = bound[1] @ speed
    assert shown.min() >= speed.min()
    assert shown.max() <= speed.max()
    np.testing.assert_allclose(bound[1] @ np.ones(len(rest)), 1.0)


def test_a_surface_far_from_the_particles_is_not_theirs() -> None:
    assert binding(cube_of_particles(), points_on_the_cube() + 3.0) is None


def test_a_mesh_is_turned_about_x_then_y_then_z() -> None:
    mesh = Mesh(
        np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]]), np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    )
    turned = mesh.placed(1.0, (90.0, 0.0, 90.0), np.eye(3))
    np.testing.assert_allclose(turned.vertices[2], [0, 0, 2], atol=1e-12)  # y goes to z about x, and stays there
    np.testing.assert_allclose(turned.vertices[1], [0, 1, 0], atol=1e-12)


def duck_scene(**shape: object) -> dict:
    body = {"kind": "body", "shape": {"kind": "mesh", "path": str(DUCK), **shape}, "material": {"kind": "neo_hookean"}}
    return {"name": "duck", "domain": {"size": [1.0, 1.0, 1.0]}, "gravity": [0, 0, -9.81], "entities": {"duck": body}}


@pytest.mark.parametrize("mesh_is_there", [True, False])
def test_a_body_of_a_mesh_gets_its_skin_where_the_mesh_is_found(
    run_folder: Path, samples: ModuleType, mesh_is_there: bool
) -> None:
    from scenegrad.engine.geometry import read_mesh

    vertices = read_mesh(DUCK).placed(0.4, (0.0, 0.0, 0.0), np.eye(3), (0.5, 0.5, 0.5)).vertices
    grid = np.stack(np.meshgrid(*[np.linspace(0.3, 0.7, 12)] * 3, indexing="ij"), -1).reshape(-1, 3)
    shift = np.array([0.1, 0.0, -0.2])
    scene = duck_scene(scale=0.4, center=[0.5, 0.5, 0.5])
    if not mesh_is_there:
        scene["entities"]["duck"]["shape"]["path"] = "/nowhere/duck.stl"
    layout = samples.Points({"body": samples.torch.zeros(len(grid), dtype=samples.torch.int32)})
    samples.write(run_folder, "state", layout, [{"position": grid}, {"position": grid + shift}], scene)
    frames = open_frames(run_folder)
    skins = skins_of(frames)  # type: ignore[arg-type]
    assert len(skins) == int(mesh_is_there)
    if mesh_is_there:
        np.testing.assert_allclose(skins[0].moved(frames.positions(1)).vertices, vertices + shift, atol=1e-4)  # type: ignore[attr-defined]
    frames.close()


@pytest.mark.parametrize(
    ("material", "elastic"),
    [
        ("neo_hookean", True), ("fixed_corotated", True), ("st_venant_kirchhoff_hencky", True), ("muscle", True),
        ("viscoelastic", True), ("learned", True), ("snow", False), ("von_mises", False), ("newtonian", False),
    ],
)  # fmt: skip
def test_elastic_bodies_alone_keep_their_surface(material: str, elastic: bool) -> None:
    scene = duck_scene()
    scene["entities"]["duck"]["material"]["kind"] = material
    assert len(setting_of(json.dumps(scene)).elastic_meshes) == int(elastic)


def test_a_flat_mesh_is_turned_about_z() -> None:
    mesh = Mesh(np.array([[0.0, 0], [1, 0], [0, 2]]), np.array([[0, 1, 2]]))
    turned = mesh.placed(1.0, (0.0, 0.0, 90.0), np.eye(3))
    np.testing.assert_allclose(turned.vertices, [[0, 0], [0, 1], [-2, 0]], atol=1e-12)
