"""What is written as glTF is what another program reads: the same places, the same colours, upright."""

import base64
import json
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from scenegrad import view
from scenegrad.view.errors import ViewError
from scenegrad.view.gltf import Piece, linear, upright, write_gltf
from scenegrad.view.pieces import draw_shapes

WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
KINDS = {5126: "<f4", 5125: "<u4"}


def read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The table of a file, and its accessors as arrays [n, width]."""
    data = path.read_bytes()
    if path.suffix == ".glb":
        magic, version, length = struct.unpack_from("<III", data)
        assert (magic, version, length) == (0x46546C67, 2, len(data))
        size, kind = struct.unpack_from("<II", data, 12)
        assert kind == 0x4E4F534A
        table = json.loads(data[20 : 20 + size])
        numbers = data[28 + size :]
    else:
        table = json.loads(data)
        numbers = base64.b64decode(table["buffers"][0]["uri"].partition(",")[2])
    found = []
    for one in table["accessors"]:
        part = table["bufferViews"][one["bufferView"]]
        array = np.frombuffer(
            numbers, KINDS[one["componentType"]], one["count"] * WIDTHS[one["type"]], part["byteOffset"]
        )
        found.append(array.reshape(one["count"], -1))
    return table, found


@pytest.mark.parametrize("suffix", [".gltf", ".glb"])
def test_a_triangle_comes_back(tmp_path: Path, suffix: str) -> None:
    corners = np.array([[0.0, 0, 0], [2, 0, 0], [0, 3, 1]])
    colours = np.array([[1.0, 0, 0, 1], [0, 1, 0, 1], [0.5, 0.5, 0.5, 1]])
    write_gltf(tmp_path / f"t{suffix}", [Piece("one", corners, np.array([[0, 1, 2]]), colours)])
    table, arrays = read(tmp_path / f"t{suffix}")
    told = table["meshes"][0]["primitives"][0]
    np.testing.assert_array_equal(arrays[told["attributes"]["POSITION"]], corners)
    np.testing.assert_array_equal(arrays[told["indices"]].ravel(), [0, 1, 2])
    np.testing.assert_allclose(
        arrays[told["attributes"]["COLOR_0"]][2, 0], 0.2140, atol=1e-4
    )  # half as screens show it
    assert table["accessors"][told["attributes"]["POSITION"]]["max"] == [2.0, 3.0, 1.0]
    assert told["mode"] == 4


def test_what_is_up_in_the_scene_is_up_there() -> None:
    from scipy.spatial.transform import Rotation

    for up in ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.3, -0.4, 0.5)):
        turned = Rotation.from_quat(upright(up)).apply(np.array(up) / np.linalg.norm(up))
        np.testing.assert_allclose(turned, (0, 1, 0), atol=1e-12)


def test_colours_become_amounts_of_light() -> None:
    np.testing.assert_allclose(linear(np.array([[0.0, 1.0, 0.02, 0.3]])), [[0.0, 1.0, 0.02 / 12.92, 0.3]])


@pytest.mark.usefixtures("rendering")
def test_particles_are_balls_in_their_places_and_colours(run_folder: Path, samples: ModuleType) -> None:
    """Read by VTK's own reader: as wide as the particles reach, and with the blue of their body."""
    import pyvista

    samples.write_block(run_folder, side=3)
    draw_shapes(run_folder, str(run_folder / "block.glb"), frame=0, field="body")
    table, arrays = read(run_folder / "block.glb")
    parts = [one["primitives"][0] for one in table["meshes"]]
    balls = max(parts, key=lambda one: len(arrays[one["attributes"]["POSITION"]]))
    points = arrays[balls["attributes"]["POSITION"]]
    assert len(points) % 27 == 0
    h = 0.3 / 3
    np.testing.assert_allclose(points.mean(axis=0), (0.5, 0.5, 0.75), atol=1e-5)
    np.testing.assert_allclose(np.ptp(points, axis=0), 0.2 + 2 * 0.55 * h, rtol=0.05)
    blue = np.array([0x44, 0x77, 0xAA]) / 255
    np.testing.assert_allclose(
        arrays[balls["attributes"]["COLOR_0"]][0, :3], linear(np.array([[*blue, 1]]))[0, :3], atol=0.01
    )
    whole = pyvista.read(run_folder / "block.glb")
    low, high = np.array(whole.bounds).reshape(3, 2).T
    assert low[1] == pytest.approx(0.1, abs=1e-3), "the floor, for there y points up"
    assert high[1] == pytest.approx(points[:, 2].max(), abs=1e-5)


@pytest.mark.usefixtures("rendering")
def test_a_field_of_the_plane_is_a_coloured_sheet(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [np.where(np.arange(16)[:, None] < 8, -1.0, 1.0) * np.ones((16, 8))])
    draw_shapes(run_folder, str(run_folder / "sheet.gltf"))
    table, arrays = read(run_folder / "sheet.gltf")
    sheet = next(one["primitives"][0]["attributes"] for one in table["meshes"] if one["name"] == "field")
    points, colours = arrays[sheet["POSITION"]], arrays[sheet["COLOR_0"]]
    right = points[:, 0] > 1.3
    assert np.all(colours[right][:, 0] > colours[right][:, 2]), "red on the right"
    assert np.all(colours[points[:, 0] < 0.7][:, 2] > colours[points[:, 0] < 0.7][:, 0]), "blue on the left"
    np.testing.assert_allclose(np.ptp(points, axis=0), (2, 1, 0), atol=0.02)


@pytest.mark.usefixtures("rendering")
def test_smoke_has_no_shape(run_folder: Path, samples: ModuleType) -> None:
    layout = samples.Grid((8,) * 3, (1.0,) * 3, (0.0,) * 3, (True,) * 3)
    table = {"name": "box", "domain": {"size": [8.0] * 3, "wrap": True}, "entities": {}}
    samples.write(run_folder, "fields", layout, [{"density": np.random.default_rng(0).random((8,) * 3)}], table)
    with pytest.raises(ViewError, match="choose the style isosurfaces or slices"):
        draw_shapes(run_folder, str(run_folder / "x.glb"), style="volume")


@pytest.mark.usefixtures("rendering")
def test_the_front_door_writes_it_by_its_name(run_folder: Path, samples: ModuleType) -> None:
    samples.write_atoms(run_folder, cells=2)
    path = view.screenshot(run_folder, run_folder / "atoms.glb", frame=0)
    assert read(path)[0]["asset"]["version"] == "2.0"
