"""Bodies from clouds of points, pictures, Gaussian splats and meshes have the mass and place of what they show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import scenegrad as sg
from scenegrad.engine.errors import Diverged
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.mpm.filling import fill_shape

SOFT = sg.NeoHookean(youngs_modulus=1e-3, poisson_ratio=0.3, density=1000)
AXES = np.array([0.2, 0.16, 0.24])  # of the egg [m]


def body_scene(shape: Any, dim: int, **fields: Any) -> sg.Scene:
    cells = {2: 32, 3: 16}[dim]
    known: dict[str, Any] = {
        "name": "trial",
        "domain": sg.Domain(size=(1.0,) * dim, cells=(cells,) * dim),
        "entities": {"thing": sg.Body(shape=shape, material=SOFT)},
        "time": sg.Time(end=0.1),
    }
    return sg.Scene(**known | fields)


def mass_and_center(scene: sg.Scene) -> tuple[float, np.ndarray]:
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    seen = solver.observe(state, params)
    return float(seen["mass"][0]), seen["center_of_mass"][0].detach().numpy()


# Clouds of points


@pytest.fixture
def cloud(tmp_path: Path) -> Callable[..., str]:
    """Writes points, and volumes if any, and returns the path."""

    def write(position: np.ndarray, volume: np.ndarray | None = None) -> str:
        path = tmp_path / "cloud.npz"
        np.savez(path, position=position, **({} if volume is None else {"volume": volume}))
        return str(path)

    return write


def lattice(spacing: float, *counts: int) -> np.ndarray:
    axes = [(np.arange(n) + 0.5) * spacing for n in counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(counts))


def test_points_are_particles_scaled_turned_and_moved(cloud: Callable[..., str]) -> None:
    x = lattice(0.1, 20, 10, 6)  # a box of 2 x 1 x 0.6 in units of the file, with one corner cut off
    x = x[x.sum(axis=1) < 3.0]
    shape = sg.Points(cloud(x), scale=0.2, rotation=(90, 0, 0), center=(0.5, 0.6, 0.5), spacing=0.02)
    mass, center = mass_and_center(body_scene(shape, 3))
    assert mass == pytest.approx(1000 * len(x) * 0.02**3, rel=1e-12)
    offset = 0.2 * (x.mean(axis=0) - 0.5 * (x.min(axis=0) + x.max(axis=0)))
    assert center == pytest.approx([0.5 + offset[0], 0.6 - offset[2], 0.5 + offset[1]], abs=1e-12)


def test_points_with_volumes_of_their_own_bring_them_along(cloud: Callable[..., str]) -> None:
    rng = np.random.default_rng(0)
    x, volume = rng.uniform(0.2, 0.8, (300, 2)), rng.uniform(1.0, 3.0, 300) * 3e-4
    mass, center = mass_and_center(body_scene(sg.Points(cloud(x, volume)), 2))
    assert mass == pytest.approx(1000 * volume.sum(), rel=1e-12)
    assert center == pytest.approx(volume @ x / volume.sum(), rel=1e-12)
    half = sg.Points(cloud(x, volume), scale=0.5, center=(0.5, 0.5))
    assert mass_and_center(body_scene(half, 2))[0] == pytest.approx(1000 * volume.sum() / 4, rel=1e-12)


def test_a_volume_is_shared_equally(cloud: Callable[..., str]) -> None:
    shape = sg.Points(cloud(lattice(0.05, 8, 6)), volume=0.12, center=(0.5, 0.5))
    volumes = fill_shape(shape, np.ones(2), 1 / 32, 4)[1]
    assert volumes == pytest.approx(np.full(48, 0.12 / 48))


def test_points_can_be_cut_and_joined(cloud: Callable[..., str]) -> None:
    shape = sg.Points(cloud(lattice(0.02, 20, 20)), spacing=0.02, center=(0.5, 0.5))  # 0.3 .. 0.7
    cut = sg.Box(center=(0.4, 0.5), size=(0.2, 0.4))
    right, left = fill_shape(shape - cut, np.ones(2), 1 / 32, 4), fill_shape(cut & shape, np.ones(2), 1 / 32, 4)
    assert right[1].sum() == pytest.approx(0.2 * 0.4)
    assert left[1].sum() == pytest.approx(0.2 * 0.4)
    assert right[0][:, 0].min() > 0.5 > left[0][:, 0].max()
    beside = sg.Box(center=(0.75, 0.5), size=(0.3, 0.4))  # 0.6 .. 0.9, a third of it in the cloud
    places, volumes = fill_shape(shape | beside, np.ones(2), 1 / 32, 4)
    assert volumes.sum() == pytest.approx(0.6 * 0.4, rel=0.03)
    assert places[:, 0].max() > 0.85


# Pictures


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[np.ndarray], str]:
    """Writes matter (True, first row below) as black on white."""

    def write(matter: np.ndarray) -> str:
        path = tmp_path / "picture.png"
        Image.fromarray(np.where(matter[::-1], 0, 255).astype(np.uint8)).save(path)
        return str(path)

    return write


def test_a_picture_of_a_disk_is_a_disk(picture: Callable[[np.ndarray], str]) -> None:
    x = (np.arange(200) + 0.5) / 200
    inside = (x[None, :] - 0.4) ** 2 + (x[:, None] - 0.6) ** 2 < 0.3**2
    shape = sg.Image(picture(inside), size=0.8, center=(0.5, 0.5))
    mass, center = mass_and_center(body_scene(shape, 2))
    assert mass == pytest.approx(1000 * np.pi * 0.24**2, rel=0.01)
    assert center == pytest.approx([0.42, 0.58], abs=1e-3)
    same = sg.Sphere(center=(0.42, 0.58), radius=0.24)
    probe = np.random.default_rng(0).uniform(0.1, 0.9, (500, 2))
    from scenegrad.solvers.shared.regions import distance_to

    near = np.abs(same.signed_distance(probe)) < 0.1
    assert np.abs(distance_to(shape, probe) - same.signed_distance(probe))[near].max() < 0.004


def test_a_picture_is_turned_stretched_and_cut(picture: Callable[[np.ndarray], str]) -> None:
    flag = np.zeros((40, 80), dtype=bool)
    flag[10:30, 20:80] = True  # the right three quarters of the middle half
    shape = sg.Image(picture(flag), size=(0.8, 0.2), rotation=90, center=(0.5, 0.5))
    mass, center = mass_and_center(body_scene(shape, 2))
    assert mass == pytest.approx(1000 * 0.6 * 0.1, rel=1e-9)  # an upright box is filled exactly
    assert center == pytest.approx([0.5, 0.6], abs=1e-9)
    corner = fill_shape(sg.Image(picture(flag), size=0.8), np.ones(2), 1 / 32, 4)[0]
    assert corner.mean(axis=0) == pytest.approx([0.5, 0.2], abs=1e-9)
    holed = shape - sg.Sphere(center=(0.5, 0.6), radius=0.04)
    assert mass_and_center(body_scene(holed, 2))[0] == pytest.approx(1000 * (0.06 - np.pi * 0.04**2), rel=0.02)


def test_sources_come_back_from_a_file_of_the_scene(
    cloud: Callable[..., str], picture: Callable[[np.ndarray], str], tmp_path: Path
) -> None:
    for n, shape in enumerate(
        (
            sg.Points(
                cloud(lattice(0.02, 9, 9)), spacing=0.02, rotation=(0, 0, 30), center=(0.5, sg.Uniform(0.4, 0.6))
            ),
            sg.Image(picture(np.ones((4, 8), dtype=bool)), size=0.5, matter="dark", rotation=10),
            sg.Image(picture(np.ones((4, 8), dtype=bool)), size=(0.5, 0.1))
            - sg.Sphere(center=(0.2, 0.05), radius=0.02),
        )
    ):
        scene = body_scene(shape, 2)
        for suffix in ("toml", "json"):
            scene.save(tmp_path / f"scene{n}.{suffix}")
            assert sg.load_scene(tmp_path / f"scene{n}.{suffix}") == scene


# What is refused


def refusal(scene: sg.Scene) -> str:
    with pytest.raises(SceneError) as caught:
        sg.compile(scene, device="cpu")
    return str(caught.value)


def test_points_without_a_volume_are_refused_with_a_suggestion(cloud: Callable[..., str]) -> None:
    message = refusal(body_scene(sg.Points(cloud(lattice(0.1, 8, 6)), scale=0.5, center=(0.5, 0.5)), 2))
    assert "does not say which volume its 48 points stand for. Give spacing=0.05" in message
    with pytest.raises(ValueError, match=r"spacing=0\.1 and volume=1\.0; give one of them"):
        sg.Points(cloud(lattice(0.1, 8, 6)), spacing=0.1, volume=1)


def test_points_too_sparse_for_the_grid_are_refused(cloud: Callable[..., str]) -> None:
    shape = sg.Points(cloud(lattice(0.05, 8, 6)), spacing=0.05, center=(0.5, 0.5))
    assert "stand for cubes 0.05 wide, more than a cell, 0.03125" in refusal(body_scene(shape, 2))


def test_points_that_are_no_numbers_or_of_another_dimension_are_refused(cloud: Callable[..., str]) -> None:
    x = lattice(0.1, 4, 4)
    assert "holds points of 2 dimensions, the scene has 3" in refusal(body_scene(sg.Points(cloud(x), spacing=0.1), 3))
    x[5, 1] = np.nan
    message = refusal(body_scene(sg.Points(cloud(x), spacing=0.1), 2))
    assert "1 of 16 points are not finite; the first is point 5" in message
    assert "thing.shape" in message


def test_a_body_without_particles_is_refused(cloud: Callable[..., str], picture: Callable[[np.ndarray], str]) -> None:
    points = sg.Points(cloud(lattice(0.02, 10, 10)), spacing=0.02, center=(0.5, 0.5))
    nothing = points - sg.Box(center=(0.5, 0.5), size=(0.5, 0.5))
    assert "has 0 particles" in refusal(body_scene(nothing, 2))
    blank = picture(np.zeros((8, 8), dtype=bool))
    message = refusal(body_scene(sg.Image(blank, size=1.0), 2))
    assert "no pixel that is dark beyond 0.5; its pixels lie between 0 and 0" in message


def test_particles_beyond_the_domain_are_refused(cloud: Callable[..., str]) -> None:
    points = sg.Points(cloud(lattice(0.02, 10, 10)), spacing=0.02, center=(0.5, 0.95))
    message = refusal(body_scene(points, 2))
    assert "reaches 0.04 beyond y_hi, with particle 9 at (0.41, 1.04)" in message
    assert "enlarge the domain" in message


def test_a_cloud_in_another_body_is_refused_whichever_comes_first(cloud: Callable[..., str]) -> None:
    points = sg.Body(shape=sg.Points(cloud(lattice(0.02, 10, 10)), spacing=0.02, center=(0.5, 0.5)), material=SOFT)
    box = sg.Body(shape=sg.Box(center=(0.6, 0.6), size=(0.3, 0.3)), material=SOFT)
    for order in ({"a": points, "b": box}, {"a": box, "b": points}):
        assert "overlaps b" in refusal(body_scene(points.shape, 2, entities=order))


@pytest.mark.parametrize("overlap", [False, True])
def test_a_mesh_that_crosses_itself_is_refused(overlap: bool, tmp_path: Path) -> None:
    corners = lattice(1.0, 2, 2, 2) - 1.0
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    shift = np.array([0.5, 0.4, 0.3]) if overlap else np.array([2.0, 0.0, 0.0])
    lines = [f"v {x} {y} {z}" for x, y, z in np.concatenate([corners, corners + shift])]
    lines += [f"f {' '.join(str(c + 1) for c in quad)}" for quad in np.concatenate([quads, quads + 8])]
    (tmp_path / "cubes.obj").write_text("\n".join(lines) + "\n")
    scene = body_scene(sg.Mesh(str(tmp_path / "cubes.obj"), scale=0.2, center=(0.5, 0.5, 0.5)), 3)
    if overlap:
        assert "intersects itself: " in refusal(scene)
    else:
        assert mass_and_center(scene)[0] == pytest.approx(1000 * 2 * 0.2**3, rel=0.2)


def test_a_mesh_with_a_hole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\n")
    message = refusal(body_scene(sg.Mesh(str(tmp_path / "open.obj"), scale=0.3, center=(0.5,) * 3), 3))
    assert "is not watertight" in message
    assert "3 open edges" in message


def test_a_folded_volume_mesh_is_refused(tmp_path: Path) -> None:
    import meshio

    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.3, 0.3, 0.5]])  # two tetrahedra on one side
    meshio.write_points_cells(tmp_path / "folded.vtu", points, [("tetra", np.array([[0, 1, 2, 3], [0, 1, 2, 4]]))])
    message = refusal(body_scene(sg.Mesh(str(tmp_path / "folded.vtu"), scale=0.3, center=(0.5,) * 3), 3))
    assert "is folded: at 1 facets two cells lie on one side" in message


@pytest.mark.parametrize("dim", [2, 3])
def test_an_inverted_particle_in_a_first_state_is_refused(dim: int) -> None:
    box = sg.Box(center=(0.5,) * dim, size=(0.25,) * dim)
    solver, state, params = sg.compile(body_scene(box, dim), device="cpu", dtype="float64")
    F = state.deformation.clone()
    F[0, 7] = torch.diag(torch.tensor([-1.0, *[1.0] * (dim - 1)], dtype=torch.float64))
    F[0, 9] = 0.0
    place = ", ".join(f"{x:.6g}" for x in state.position[0, 7])
    with pytest.raises(Diverged) as caught:
        rollout(solver, with_tensors(state, {**vars(state), "deformation": F}), params, until=0.01)
    message = str(caught.value)
    assert f"det F = -1 for particle 7 of member 0 (thing) at ({place}), and for 1 more" in message
    assert "begin with F = 1" in message
