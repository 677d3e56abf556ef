"""Gaussian splats as bodies: what they weigh, how they move and deform, and what is written of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import FileError
from scenegrad.engine.files.ply import Vertices, write_vertices
from scenegrad.engine.files.splats import Splats, read_splats
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.mpm.filling import fill_shape

SOFT = sg.NeoHookean(youngs_modulus=1e-3, poisson_ratio=0.3, density=1000)
AXES = np.array([0.2, 0.16, 0.24])  # of the egg [m]


def body_scene(shape: Any, **fields: Any) -> sg.Scene:
    known: dict[str, Any] = {
        "name": "trial",
        "domain": sg.Domain(size=(1.0,) * 3, cells=(16,) * 3),
        "entities": {"thing": sg.Body(shape=shape, material=SOFT)},
        "time": sg.Time(end=0.1),
    }
    return sg.Scene(**known | fields)


def refusal(scene: sg.Scene) -> str:
    with pytest.raises(SceneError) as caught:
        sg.compile(scene, device="cpu")
    return str(caught.value)


def egg(gaussians: int = 3000) -> Splats:
    """A closed shell of flat Gaussians on an ellipsoid."""
    turn = np.arange(gaussians) + 0.5
    height, around = 1 - 2 * turn / gaussians, np.pi * (1 + 5**0.5) * turn
    sphere = np.stack([np.cos(around), np.sin(around), height], axis=1)
    sphere[:, :2] *= np.sqrt(1 - height**2)[:, None]
    normal = sphere / AXES
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    outward = normal[:, :, None] * normal[:, None, :]
    width = 1.2 * AXES.mean() * np.sqrt(4 * np.pi / gaussians)
    return Splats.of(sphere * AXES, width**2 * (np.eye(3) - outward) + (0.02 * width) ** 2 * outward, degree=1)


@pytest.fixture
def shell(tmp_path: Path) -> str:
    egg().save(tmp_path / "egg.ply")
    return str(tmp_path / "egg.ply")


def test_a_shell_of_gaussians_is_filled_to_the_volume_that_it_encloses(shell: str) -> None:
    volume = 4 / 3 * np.pi * AXES.prod()
    errors = []
    for dx in (1 / 16, 1 / 32):
        places, volumes = fill_shape(sg.Splats(shell, center=(0.5, 0.5, 0.5), fill=0.5), np.ones(3), dx, 8)
        errors.append(abs(volumes.sum() / volume - 1))
        assert volumes @ places / volumes.sum() == pytest.approx([0.5] * 3, abs=1e-3)
        assert volumes.min() > 0
    assert volumes @ (places - 0.5) ** 2 / volumes.sum() == pytest.approx(AXES**2 / 5, rel=0.15)
    assert errors[1] < min(errors[0], 0.08)
    mean = egg().mean
    mean += 0.5 - 0.5 * (mean.min(axis=0) + mean.max(axis=0))
    assert places[:3000] == pytest.approx(mean, abs=1e-6)  # the Gaussians come first, in their order


def test_one_large_gaussian_is_a_ball(tmp_path: Path) -> None:
    """alpha exp(-r^2 / 2 s^2) > 1/2 within r = s sqrt(2 ln 2 alpha), however few the means."""
    s = 0.25
    Splats.of([[0.5, 0.5, 0.5]], s**2 * np.eye(3), opacity=0.99).save(tmp_path / "one.ply")
    places, volumes = fill_shape(sg.Splats(str(tmp_path / "one.ply"), fill=0.5), np.ones(3), 1 / 16, 8)
    radius = s * (2 * np.log(1.98)) ** 0.5
    assert volumes.sum() == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    assert np.linalg.norm(places - 0.5, axis=1).max() == pytest.approx(radius, abs=1 / 32)


def test_without_filling_gaussians_share_the_cells_that_they_are_in(shell: str) -> None:
    places, volumes = fill_shape(sg.Splats(shell, center=(0.5, 0.5, 0.5)), np.ones(3), 1 / 16, 8)
    assert len(places) == 3000
    cells = volumes.sum() * 32**3
    assert cells == pytest.approx(round(cells))
    area = (
        4
        * np.pi
        * (((AXES[0] * AXES[1]) ** 1.6 + (AXES[0] * AXES[2]) ** 1.6 + (AXES[1] * AXES[2]) ** 1.6) / 3) ** (1 / 1.6)
    )
    assert cells == pytest.approx(1.5 * area * 32**2, rel=0.2)  # a surface meets 3/2 cells per face of one, on average


def test_faint_gaussians_are_left_out(tmp_path: Path) -> None:
    splats = egg(100)
    splats.vertices.rows["opacity"][::4] = -5.0  # alpha = 0.0067
    splats.save(tmp_path / "a.ply")
    assert len(fill_shape(sg.Splats(str(tmp_path / "a.ply"), center=(0.5,) * 3), np.ones(3), 1 / 16, 8)[0]) == 75
    every = sg.Splats(str(tmp_path / "a.ply"), center=(0.5,) * 3, opacity_min=0)
    assert len(fill_shape(every, np.ones(3), 1 / 16, 8)[0]) == 100


def splat_scene(shell: str, **shape: Any) -> sg.Scene:
    return body_scene(
        sg.Splats(shell, **{"center": (0.5, 0.5, 0.5), "opacity_min": 0.0, **shape}),
        outputs={"splats": sg.Gaussians("thing", every=0.05)},
    )


def flowing(scene: sg.Scene, gradient: np.ndarray) -> tuple[Any, Any, Any]:
    """The scene with the velocities A (x - middle), A being their gradient [1/s]."""
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    A = torch.from_numpy(gradient)
    fields = {"velocity": (state.position - 0.5) @ A.T, "affine": A.expand_as(state.affine).clone()}
    return solver, with_tensors(state, {**vars(state), **fields}), params


def test_gaussians_stretch_with_the_matter(shell: str) -> None:
    """A step without stress is on straight lines: F = 1 + dt A, x' = c + F (x - c), Sigma' = F Sigma F'."""
    A = np.array([[0.5, -3.0, 0.4], [3.0, -0.6, 0.0], [0.2, 1.0, 0.8]])
    solver, state, params = flowing(splat_scene(shell, rotation=(0, 30, 0), scale=0.8), A)
    seen = rollout(solver, state, params, until=0.05, controller=sg.Fixed(0.05)).outputs["splats"]
    rest = read_splats(shell)
    turn = 0.8 * np.array([[np.cos(np.pi / 6), 0, 0.5], [0, 1, 0], [-0.5, 0, np.cos(np.pi / 6)]])
    for frame, time in enumerate((0.0, 0.05)):
        F = np.eye(3) + time * A
        mean = 0.5 + (rest.mean - 0.5 * (rest.mean.min(0) + rest.mean.max(0))) @ turn.T @ F.T
        sigma = F @ turn @ rest.covariance @ turn.T @ F.T
        assert np.abs(seen["position"][0, frame].numpy() - mean).max() < 1e-6
        size = np.linalg.norm(sigma, axis=(1, 2))[:, None, None]
        assert (np.abs(seen["covariance"][0, frame].numpy() - sigma) / size).max() < 1e-5
        assert np.abs(seen["deformation"][0, frame].numpy() - F).max() < 1e-6


def test_gaussians_turn_with_a_spinning_body(shell: str) -> None:
    """A stiff body turns by the angle w t, and its Gaussians with it: Sigma' = R Sigma R'."""
    spin = 6.0  # [rad/s]
    thing = sg.Body(
        shape=sg.Splats(shell, center=(0.5, 0.5, 0.5), opacity_min=0, fill=0.5),
        material=sg.NeoHookean(youngs_modulus=4e5, poisson_ratio=0.3, density=1000),
    )
    scene = splat_scene(shell).replace({"thing": thing.model_dump(mode="json")})
    solver, state, params = flowing(scene, np.array([[0.0, -spin, 0.0], [spin, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    with torch.no_grad():
        seen = rollout(solver, state, params, until=0.1).outputs["splats"]
    rest = read_splats(shell).covariance
    c, s = np.cos(0.1 * spin), np.sin(0.1 * spin)
    R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    sigma, size = R @ rest @ R.T, np.linalg.norm(rest, axis=(1, 2))
    error = np.linalg.norm(seen["covariance"][0, -1].numpy() - sigma, axis=(1, 2)) / size
    assert np.median(error) < 0.03
    assert np.median(np.linalg.norm(rest - sigma, axis=(1, 2)) / size) > 0.5  # what it would be if nothing turned


def test_members_of_a_batch_have_gaussians_of_their_own(shell: str) -> None:
    scenes = [splat_scene(shell, rotation=(0, angle, 0)) for angle in (0, 90)]
    solver, state, params = sg.compile(scenes, device="cpu", dtype="float64")
    probe = solver.program.probes[0]
    both = probe.measure(state, params)["covariance"].detach().numpy()
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    assert np.allclose(both[1], turn @ both[0] @ turn.T, atol=1e-9)
    assert not np.allclose(both[1], both[0], atol=1e-6)


def test_gaussians_are_differentiable(shell: str) -> None:
    """d tr Sigma' / d F = 2 F Sigma, at the start."""
    solver, state, params = sg.compile(splat_scene(shell), device="cpu", dtype="float64")
    F = state.deformation.clone().requires_grad_()
    seen = rollout(solver, with_tensors(state, {**vars(state), "deformation": F}), params, until=0.0).outputs["splats"]
    seen["covariance"].diagonal(dim1=-2, dim2=-1).sum().backward()
    assert torch.allclose(F.grad[0, :3000], 2 * torch.from_numpy(read_splats(shell).covariance), rtol=1e-5, atol=1e-9)
    assert not F.grad[0, 3000:].any()


def test_a_run_writes_its_gaussians_frame_by_frame(shell: str, tmp_path: Path) -> None:
    """The first frame is the source itself; later ones are where the recorded particles are, without the filling."""
    falling = {"thing.shape.fill": 0.5, "gravity": [0.0, 0.0, -10.0], "time.dt": 0.01}
    scene = splat_scene(shell).replace(falling)
    run = sg.run(scene, out=tmp_path / "run", device="cpu", progress=False)
    paths = sg.write_splats(run)
    assert [path.name for path in paths] == ["00000.ply", "00001.ply", "00002.ply"]
    assert paths[0].parent == tmp_path / "run" / "splats"
    source, first, last = read_splats(shell), read_splats(paths[0]), read_splats(paths[-1])
    assert first.vertices.names == source.vertices.names
    for name in source.vertices.names:
        shift = (
            0.5 - 0.5 * np.ptp(source.vertices.rows[name]) - source.vertices.rows[name].min() if name in "xyz" else 0
        )
        np.testing.assert_allclose(first.vertices.rows[name], source.vertices.rows[name] + shift, rtol=3e-6, atol=2e-6)
    assert len(last) == 3000
    assert last.mean == pytest.approx(np.asarray(run["splats"].position[-1]), abs=1e-6)
    assert (last.mean - first.mean).mean(axis=0) == pytest.approx([0, 0, -0.055], abs=1e-5)  # -g t (t + dt) / 2
    assert np.allclose(last.covariance, np.asarray(run["splats"].covariance[-1]), atol=1e-8)
    with pytest.raises(FileError, match=r"has the Gaussians splats; say which one, not 'egg'"):
        sg.write_splats(run, "egg")


def test_gaussians_that_make_no_body_are_refused(tmp_path: Path, shell: str) -> None:
    faint = refusal(body_scene(sg.Splats(shell, opacity_min=0.99)))
    assert "none with an opacity of 0.99 or more; the most opaque has 0.9" in faint
    assert "nowhere beyond fill=50" in refusal(body_scene(sg.Splats(shell, center=(0.5,) * 3, fill=50)))
    assert "beyond z_lo" in refusal(body_scene(sg.Splats(shell)))
    stray = egg(100)
    stray.vertices.rows["y"][42] = 3000.0
    stray.vertices.rows["z"][43] = 3000.0
    stray.save(tmp_path / "stray.ply")
    message = refusal(body_scene(sg.Splats(str(tmp_path / "stray.ply"), fill=0.5)))
    assert "at most 1e+08 can be filled; the farthest is number 4" in message
    assert ", 3000" in message


def test_outputs_of_gaussians_need_a_body_of_splats(shell: str) -> None:
    outputs = {"splats": sg.Gaussians("thing", every=0.1)}
    box = sg.Box(center=(0.5,) * 3, size=(0.3,) * 3)
    assert "shape of thing is a box; fill it with Splats" in refusal(body_scene(box, outputs=outputs))
    splats = sg.Splats(shell, center=(0.5,) * 3)
    wrong = {"splats": sg.Gaussians("thin", every=0.1)}
    assert "'thin' is no body. Did you mean 'thing'?" in refusal(body_scene(splats, outputs=wrong))


def test_a_file_that_has_changed_is_refused(tmp_path: Path, shell: str) -> None:
    scene = splat_scene(shell)
    scene.save(tmp_path / "scene.toml")
    assert sg.load_scene(tmp_path / "scene.toml") == scene
    egg(100).save(shell)
    with pytest.raises(SceneError, match=r"splat file .* has changed since this scene was written"):
        sg.load_scene(tmp_path / "scene.toml")


def test_splats_that_are_no_splats_are_refused(tmp_path: Path) -> None:
    rows = np.zeros(3, [(name, "f4") for name in "xyz"])
    write_vertices(tmp_path / "a.ply", Vertices(rows))
    assert "take Points(path)" in refusal(body_scene(sg.Splats(str(tmp_path / "a.ply"))))


def test_a_run_without_gaussians_has_none_to_write(tmp_path: Path) -> None:
    scene = body_scene(sg.Box(center=(0.5,) * 3, size=(0.25,) * 3), time=sg.Time(end=0.01, dt=0.01))
    run = sg.run(scene, out=tmp_path / "run", device="cpu", progress=False)
    with pytest.raises(FileError, match=r"has no Gaussians to write. Add an output to its scene"):
        sg.write_splats(run)
