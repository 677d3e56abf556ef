"""Colliders and rigid bodies are drawn where they are, in the shape that they have."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scenegrad.scenes.shapes import Box, Capsule, Cylinder, Mesh, Sphere
from scenegrad.view.extent import flat_extent, room_of, subject
from scenegrad.view.files import open_frames
from scenegrad.view.pictures import draw_picture
from scenegrad.view.poses import poses_of, signal_value
from scenegrad.view.regions import region
from scenegrad.view.setting import Solid, setting_of
from scenegrad.view.solid_shapes import centroid, filling, skin_of
from scenegrad.view.solids import hidden_share, placed_solids

DUCK = Path(__file__).parents[2] / "assets" / "meshes" / "duck.stl"
ROOM = np.array([[0.0, 0, 0], [1, 1, 1]])
SIZE = (480, 360)


def write_flat(folder: Path, samples: ModuleType, entities: dict[str, Any], frames: int = 3, **scene: Any) -> Path:
    """One particle at rest in the corner of a unit square, beside these entities."""
    table = {"name": "flat", "units": "SI", "domain": {"size": [1.0, 1.0]}, "gravity": [0, -9.81], **scene}
    table["entities"] = {"water": {"kind": "body", "shape": {}, "material": {}}, **entities}
    places = np.array([[0.02, 0.02], [0.04, 0.02]])
    layout = samples.Points({"body": samples.torch.zeros(2, dtype=samples.torch.int32)})
    speed = np.linspace(0, 1, 2)
    path: Path = samples.write(folder, "state", layout, [{"position": places, "speed": speed}] * frames, table)
    return path


def disk(x: float, y: float, radius: float = 0.1) -> dict[str, Any]:
    return {"kind": "sphere", "center": [x, y], "radius": radius}


@pytest.mark.parametrize(
    ("shape", "volume"),
    [
        (Sphere(center=(0.5, 0.5, 0.5), radius=0.3), 4 / 3 * np.pi * 0.3**3),
        (Box(center=(0.5, 0.4, 0.5), size=(0.2, 0.3, 0.4)), 0.024),
        (Cylinder(center=(0.5, 0.5, 0.5), radius=0.2, height=0.4, axis=(1, 1, 0)), np.pi * 0.04 * 0.4),
        (Capsule(center=(0.5, 0.5, 0.5), radius=0.1, height=0.4, axis=(0, 1, 1)), np.pi * (0.004 + 4 / 3 * 0.001)),
        (
            Box(center=(0.5, 0.5, 0.5), size=(0.6, 0.6, 0.6)) - Sphere(center=(0.5, 0.5, 0.8), radius=0.2),
            0.216 - 2 / 3 * np.pi * 0.008,
        ),
    ],
)
def test_surfaces_enclose_the_volume_of_their_shape_and_its_middle(shape: Any, volume: float) -> None:
    drawn = skin_of(shape, ROOM)
    assert drawn.triangulate().volume == pytest.approx(volume, rel=0.01)
    points = np.asarray(drawn.points, dtype=np.float64)
    assert np.abs(shape.signed_distance(points)).max() < 2e-3
    if getattr(shape, "center", None):
        np.testing.assert_allclose(centroid(drawn, flat=False), shape.center, atol=1e-5)


def test_edges_and_corners_of_combinations_are_sharp() -> None:
    """A slab with a round hole, askew on the grid: its corners are vertices, its rims are round, and each triangle is
    lit as the face that it belongs to."""
    slab = Box(center=(0.511, 0.5, 0.5), size=(0.6, 0.47, 0.23))
    drawn = skin_of(slab - Cylinder(center=(0.51, 0.49, 0.5), radius=0.151, height=1.0), ROOM)
    points = np.asarray(drawn.points, dtype=np.float64)
    low, high = slab.bounds()
    for corner in (low, high, [low[0], high[1], low[2]]):
        assert np.linalg.norm(points - corner, axis=1).min() < 1e-4
    rim = points[np.abs(points[:, 2] - high[2]) < 1e-6, :2] - [0.51, 0.49]
    assert np.linalg.norm(rim, axis=1).min() == pytest.approx(0.151, abs=1e-3)
    corners = points[drawn.regular_faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    lit = np.asarray(drawn.point_data.active_normals)[drawn.regular_faces]
    assert np.einsum("na,nka->nk", facing, lit).min() > 0.7


def test_regions_of_the_plane_have_the_area_of_their_shape_and_its_middle() -> None:
    cup = Box(center=(0.5, 0.5), size=(0.4, 0.4)) - Box(center=(0.5, 0.6), size=(0.3, 0.4))
    drawn, outline = filling(cup, ROOM)
    assert drawn.area == pytest.approx(0.16 - 0.3 * 0.3, rel=2e-3)
    low = (0.16 * 0.5 - 0.09 * 0.55) / 0.07
    np.testing.assert_allclose(centroid(drawn, flat=True), [0.5, low, 0.0], atol=1e-3)
    lengths = outline.compute_cell_sizes(length=True, area=False, volume=False)["Length"]
    assert lengths.sum() == pytest.approx(4 * 0.4 + 2 * 0.3, rel=0.01)


def test_a_shape_without_an_end_is_cut_off_with_the_room() -> None:
    drawn, _ = filling(Sphere(center=(0.0, 0.0), radius=0.5) | region_of_ground(), ROOM)
    assert drawn.bounds[1] == pytest.approx(1.0, abs=0.02)


def region_of_ground() -> Any:
    return region({"kind": "half_space", "normal": [0, 1], "offset": 0.2})


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "mesh", "path": "/nowhere/duck.stl"},
        {"kind": "my_own"},
        {"kind": "union", "parts": [{"kind": "mesh", "path": "/nowhere/duck.stl"}]},
        {},
    ],
)
def test_a_shape_that_cannot_be_known_is_left_out(table: dict[str, Any]) -> None:
    assert region(table) is None


def test_a_mesh_stands_where_the_scene_puts_it() -> None:
    shape = Mesh(str(DUCK), scale=0.4, center=(0.5, 0.4, 0.3))
    bounds = np.array(skin_of(shape, ROOM).bounds).reshape(3, 2)
    np.testing.assert_allclose(bounds.mean(axis=1), (0.5, 0.4, 0.3), atol=1e-6)


def test_recorded_poses_move_the_shape(run_folder: Path, samples: ModuleType) -> None:
    """A wheel of the scene, turned by a quarter and shifted, as its output tells; between its frames, halfway."""
    wheel = {"kind": "rigid_body", "shape": {"kind": "box", "center": [0.5, 0.5], "size": [0.4, 0.02]}}
    outputs = {"wheel_pose": {"kind": "rigid_pose", "entity": "wheel", "every": 0.2}}
    path = write_flat(run_folder, samples, {"wheel": wheel}, outputs=outputs)
    half = np.sqrt(0.5)
    poses = {
        "position": np.array([[0.5, 0.5], [0.7, 0.5]]),
        "quaternion": np.array([[0, 0, 0, 1.0], [0, 0, half, half]]),
    }
    samples.write_series(run_folder, "wheel_pose", poses, {}, every=0.2)
    frames = open_frames(path)
    (one,) = placed_solids(frames, ROOM)  # type: ignore[arg-type]
    assert one.poses.known
    end = np.array([0.7, 0.5, 0.0, 1.0])  # of the bar along x, at first
    np.testing.assert_allclose(one.poses.matrix(0) @ end, end, atol=1e-4)
    np.testing.assert_allclose((one.poses.matrix(2) @ end)[:2], [0.7, 0.7], atol=1e-4)
    lean = 0.2 * np.sqrt(0.5)
    np.testing.assert_allclose((one.poses.matrix(1) @ end)[:2], [0.6 + lean, 0.5 + lean], atol=1e-4)
    frames.close()


def test_the_file_of_a_member_of_an_ensemble_has_all_of_it(tmp_path: Path) -> None:
    """Its particles have no box, and its poses lie in the same file; each output has times of its own."""
    from scenegrad.view.h5md import MemberFrames

    wheel = {"kind": "rigid_body", "shape": disk(0.5, 0.5)}
    scene = {
        "domain": {"size": [1.0, 1.0]},
        "entities": {"water": {"kind": "body", "shape": {}, "material": {}}, "wheel": wheel},
        "outputs": {"a_pose": {"kind": "rigid_pose", "entity": "wheel"}, "state": {"kind": "particles"}},
    }
    with h5py.File(tmp_path / "m00000.h5", "w") as file:
        file["particles/state/position/value"] = np.array([[[0.1, 0.2]], [[0.1, 0.1]]])
        file["particles/state/body"] = np.zeros(1, dtype=np.int32)
        file["scenegrad/series/a_pose/position"] = np.array([[0.5, 0.5], [0.6, 0.5], [0.7, 0.5]])
        file["scenegrad/series/a_pose/quaternion"] = np.array([[0.0, 0, 0, 1]] * 3)
        file["scenegrad"].attrs["scene"] = json.dumps(scene)
        for name, times in (("a_pose", [0.0, 0.1, 0.2]), ("state", [0.0, 0.2])):
            file[f"scenegrad/probes/{name}/time"] = times
            file[f"scenegrad/probes/{name}"].attrs["frames"] = len(times)
    frames = open_frames(tmp_path / "m00000.h5")
    assert isinstance(frames, MemberFrames)
    np.testing.assert_allclose(frames.times, [0.0, 0.2])
    np.testing.assert_allclose(frames.positions(1), [[0.1, 0.1, 0.0]])
    assert frames.fields()["body"].labels
    (one,) = placed_solids(frames, ROOM)
    np.testing.assert_allclose((one.poses.matrix(1) @ [0.5, 0.5, 0, 1])[:2], [0.7, 0.5], atol=1e-6)
    frames.close()


def test_what_the_scene_prescribes_is_summed(run_folder: Path, samples: ModuleType) -> None:
    """Half a turn about a centre beside the shape, by a sine of mean 5 pi, while the centre moves to the right."""
    turning = {"kind": "sine", "amplitude": 3.0, "frequency": 5.0, "offset": 5 * np.pi}
    motion = {
        "angular_velocity": turning,
        "velocity": [{"kind": "table", "every": 0.2, "values": [0.0, 2.0]}, 0.0],
        "center": {"kind": "parameter", "value": [0.4, 0.5]},
    }
    path = write_flat(run_folder, samples, {"arm": {"kind": "collider", "shape": disk(0.3, 0.5), "motion": motion}})
    frames = open_frames(path)
    (one,) = placed_solids(frames, ROOM)  # type: ignore[arg-type]
    assert one.poses.known
    middle = one.poses.matrix(2) @ np.array([0.3, 0.5, 0.0, 1.0])
    np.testing.assert_allclose(middle[:2], [0.4 + 0.2 + 0.1, 0.5], atol=1e-5)
    frames.close()


def test_turns_about_several_axes_follow_the_angular_velocity(run_folder: Path, samples: ModuleType) -> None:
    """dR/dt = [omega] R from the rotation of the scene: a constant omega gives exp(t omega) R_0."""
    omega = np.array([1.0, -2.0, 3.0])
    path = write_flat(run_folder, samples, {})
    frames = open_frames(path)
    poses = poses_of(frames, Solid("s", {}, (20.0, 30.0, 40.0), {"angular_velocity": list(omega)}), np.zeros(3))
    start = Rotation.from_euler("xyz", (20, 30, 40), degrees=True)
    expected = Rotation.from_rotvec(0.2 * omega) * start
    np.testing.assert_allclose(poses.matrix(2)[:3, :3], expected.as_matrix(), atol=1e-9)
    frames.close()


def test_what_nobody_recorded_stands_faintly_where_it_starts(run_folder: Path, samples: ModuleType) -> None:
    unknown = {"angular_velocity": {"kind": "uniform", "low": 0.0, "high": 1.0}}
    entities = {
        "body": {"kind": "rigid_body", "shape": disk(0.3, 0.5), "rotation": 90.0},
        "blind": {"kind": "collider", "shape": disk(0.7, 0.5), "motion": unknown},
        "still": {"kind": "collider", "shape": disk(0.5, 0.8)},
    }
    frames = open_frames(write_flat(run_folder, samples, entities))
    body, blind, still = placed_solids(frames, ROOM)  # type: ignore[arg-type]
    assert (body.poses.known, blind.poses.known, still.poses.known) == (False, False, True)
    np.testing.assert_allclose(body.poses.matrix(2) @ [0.3, 0.5, 0, 1], [0.3, 0.5, 0, 1], atol=1e-3)
    frames.close()


def test_signals_are_those_of_the_scene() -> None:
    times = np.array([0.0, 0.1, 5.0])
    table = {"kind": "table", "every": 0.2, "values": {"kind": "parameter", "value": [0.0, 4.0]}}
    np.testing.assert_allclose(signal_value(table, times), [0.0, 2.0, 4.0])  # type: ignore[arg-type]
    sine = {"kind": "sine", "amplitude": 2.0, "frequency": 2.5, "phase": 0.0, "offset": 1.0}
    np.testing.assert_allclose(signal_value(sine, times), [1.0, 3.0, 1.0], atol=1e-12)  # type: ignore[arg-type]
    assert signal_value({"kind": "normal", "mean": 0.0, "std": 1.0}, times) is None


def test_a_collider_that_is_half_of_space_is_a_wall() -> None:
    text = """{"domain": {"dimensions": 2, "dx": 0.1}, "entities": {
      "ground": {"kind": "collider", "shape": {"kind": "half_space", "normal": [0, 2], "offset": 0.5}, "motion": null},
      "piston": {"kind": "collider", "shape": {"kind": "half_space", "normal": [1, 0]},
                 "motion": {"velocity": [1.0, 0.0]}}}}"""
    setting = setting_of(text)
    assert [(wall.normal, wall.offset) for wall in setting.walls] == [((0.0, 1.0), 0.5)]
    assert [solid.name for solid in setting.solids] == ["piston"]
    assert setting.endless
    assert setting.dim == 2


def test_a_wall_between_the_eye_and_the_matter_hides_it(run_folder: Path, samples: ModuleType) -> None:
    screen = {"kind": "collider", "shape": {"kind": "box", "center": [0.5, 0.2, 0.5], "size": [1.0, 0.1, 1.0]}}
    scene = {**samples.block_scene(), "entities": {**samples.block_scene()["entities"], "screen": screen}}
    path = samples.write(run_folder, "state", samples.Points(), [{"position": np.full((2, 3), 0.5)}], scene)
    frames = open_frames(path)
    (one,) = placed_solids(frames, ROOM)  # type: ignore[arg-type]
    seen = {0: np.array([[0.5, 0.6, 0.5], [0.4, 0.1, 0.5]])}  # the second stands before it
    assert hidden_share(one, seen, np.array([0.5, -3.0, 0.5])) == 0.5
    assert hidden_share(one, seen, np.array([0.5, -3.0, 20.0])) == 0.0
    frames.close()


@pytest.mark.parametrize("dim", [2, 3])
def test_a_world_without_sides_is_seen_as_far_as_there_is_matter(
    run_folder: Path, samples: ModuleType, dim: int
) -> None:
    """The ground is in the picture, and so is a collider nearby, but not the far end of a long one."""
    up = np.eye(dim)[-1]
    near, far = [2.0, *[0.0] * (dim - 2), 1.0], [-500.0, *[0.0] * (dim - 2), -0.5]
    entities = {
        "floor": {"kind": "wall", "normal": list(up), "offset": -1.0},
        "near": {"kind": "collider", "shape": {"kind": "sphere", "center": near, "radius": 0.1}},
        "far": {"kind": "collider", "shape": {"kind": "box", "center": far, "size": [1000.0, 1.0, 1.0][:dim]}},
    }
    scene = {
        "name": "open",
        "domain": {"dimensions": dim, "dx": 0.1},
        "gravity": list(-9.81 * up),
        "entities": entities,
    }
    ends = np.stack([np.zeros(dim), np.full(dim, 1.5)])
    frames = open_frames(samples.write(run_folder, "state", samples.Points(), [{"position": ends}] * 2, scene))
    assert frames.dim == dim
    solids = placed_solids(frames, room_of(frames))  # type: ignore[arg-type]
    found = (flat_extent if dim == 2 else subject)(frames, solids, 0.01)  # type: ignore[arg-type]
    assert 2.1 < found[1, 0] < 5.0
    assert -5.0 < found[0, 0] < 0.0
    assert found[0, dim - 1] == pytest.approx(-1.0, abs=0.3)
    frames.close()


@pytest.mark.usefixtures("rendering")
def test_bodies_in_the_way_are_in_the_picture_where_they_are(
    run_folder: Path, samples: ModuleType, pixels: Any
) -> None:
    """A wooden disk that travels from the left to the right above a grey box that stands."""
    entities = {
        "wheel": {"kind": "rigid_body", "shape": disk(0.3, 0.7)},
        "base": {"kind": "collider", "shape": {"kind": "box", "center": [0.5, 0.2], "size": [0.5, 0.2]}},
    }
    outputs = {"pose": {"kind": "rigid_pose", "entity": "wheel", "every": 0.1}}
    path = write_flat(run_folder, samples, entities, outputs=outputs)
    along = {"position": np.array([[0.3, 0.7], [0.5, 0.7], [0.7, 0.7]]), "quaternion": np.array([[0, 0, 0, 1.0]] * 3)}
    samples.write_series(run_folder, "pose", along, {})
    middles = []
    for frame in (0, 2):
        draw_picture(path, run_folder / "p.png", frame=frame, size=SIZE)
        picture = pixels(run_folder / "p.png")[:, : round(0.68 * SIZE[0])]
        wood = (picture[..., 0] > picture[..., 2] + 50) & (picture[..., 1] > picture[..., 2] + 20)
        steel = (np.ptp(picture, axis=2) < 20) & (np.abs(picture[..., 0] - 189) < 4)
        assert wood.sum() > 1000
        assert steel.sum() == pytest.approx(0.5 * 0.2 / (np.pi * 0.01) * wood.sum(), rel=0.15)
        middles.append(np.argwhere(wood).mean(axis=0))
    frame_width = 0.4 * np.sqrt(wood.sum() / (np.pi * 0.01))
    np.testing.assert_allclose(middles[1] - middles[0], [0.0, frame_width], rtol=0.06, atol=1)


@pytest.mark.usefixtures("rendering")
def test_matter_is_seen_through_what_would_hide_it(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    """A block in a case: its colour comes through; without particles inside, the case is grey."""
    case = {"kind": "collider", "shape": {"kind": "box", "center": [0.5, 0.5, 0.75], "size": [0.5, 0.5, 0.5]}}
    scene = {**samples.block_scene(), "entities": {**samples.block_scene()["entities"], "case": case}}
    grid = np.stack(np.meshgrid(*[np.linspace(0.4, 0.6, 6)] * 3, indexing="ij"), -1).reshape(-1, 3)
    blue = []
    for shift in (0.25, -0.25):
        layout = samples.Points({"body": samples.torch.zeros(len(grid), dtype=samples.torch.int32)})
        folder = run_folder / str(shift)
        samples.write(folder, "state", layout, [{"position": grid + np.array([0, 0, shift])}], scene)
        draw_picture(folder, folder / "p.png", size=SIZE, field="body")
        picture = pixels(folder / "p.png")[:, : round(0.8 * SIZE[0])]
        blue.append(int((picture[..., 2] > picture[..., 0] + 20).sum()))
    assert blue[0] > 0.5 * blue[1] > 500


def test_several_bodies_are_told_apart_unless_a_quantity_is_asked_for(run_folder: Path, samples: ModuleType) -> None:
    from scenegrad.view.looks import category_names
    from scenegrad.view.offers import usual_quantity
    from scenegrad.view.styles import Particles

    body = samples.torch.tensor([0, 0, 1], dtype=samples.torch.int32)
    entities = {name: {"kind": "body", "shape": {}, "material": {}} for name in ("milk", "coffee")}
    scene = {"name": "cup", "domain": {"size": [1.0, 1.0]}, "entities": entities}
    frame = {"position": np.array([[0.1, 0.1], [0.2, 0.1], [0.5, 0.5]]), "speed": np.arange(3.0)}
    frames = open_frames(samples.write(run_folder, "state", samples.Points({"body": body}), [frame], scene))
    shown = usual_quantity(frames, Particles())
    assert shown is not None
    assert shown.name == "body"
    assert category_names(frames, shown) == {0: "milk", 1: "coffee"}
    frames.close()
