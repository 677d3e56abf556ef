"""Pictures of fields: obstacles lie on them, what tells most is shown, and keys can be read."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_opening

from scenegrad.engine.solver import Elements, Grid
from scenegrad.view.files import open_frames
from scenegrad.view.letters import ticks
from scenegrad.view.pictures import draw_picture
from scenegrad.view.quantities import default_quantity, printed

SIZE = (640, 480)
SQUARE = Grid((16, 16), (0.125, 0.125), (0.0625, 0.0625), (False, False))  # of 2 m


def write_square(folder: Path, samples: ModuleType, fields: tuple[str, ...], **entities: dict[str, Any]) -> Path:
    """Eleven frames of a second, of fields that rise from -1 on the left to 1 on the right."""
    rising = np.linspace(-1, 1, 16, dtype=np.float32)[:, None] * np.ones((16, 16), np.float32)
    scene = {"name": "square", "units": "SI", "domain": {"size": [2.0, 2.0]}, "entities": entities}
    path: Path = samples.write(folder, "fields", SQUARE, [dict.fromkeys(fields, rising)] * 11, scene)
    return path


def steel(picture: np.ndarray) -> np.ndarray:
    """Where the grey of solids is, in more than the edges of letters [row, column]."""
    found: np.ndarray = binary_opening(
        (np.ptp(picture, axis=2) < 20) & (abs(picture[..., 0] - 182) < 10), np.ones((5, 5))
    )
    return found


@pytest.mark.usefixtures("rendering")
def test_an_obstacle_lies_on_the_field_where_it_has_moved_to(
    run_folder: Path, samples: ModuleType, pixels: Any
) -> None:
    """A bar of 0.8 m x 0.2 m that turns by a quarter and rises by 0.5 m in one second."""
    bar = {
        "kind": "obstacle",
        "shape": {"kind": "box", "center": [0.6, 0.5], "size": [0.8, 0.2]},
        "motion": {"velocity": [0.0, 0.5], "angular_velocity": np.pi / 2},
    }
    write_square(run_folder, samples, ("vorticity",), bar=bar)
    found = []
    for frame in (0, 10):
        draw_picture(run_folder, run_folder / "bar.png", size=SIZE, frame=frame)
        picture = pixels(run_folder / "bar.png")
        coloured = np.flatnonzero(((np.ptp(picture, axis=2) > 60) | steel(picture))[:, SIZE[0] // 3])
        rows, columns = np.nonzero(steel(picture))
        metre = np.ptp(coloured) / 2
        found.append((np.median(columns), np.median(rows), np.ptp(columns) / metre, np.ptp(rows) / metre, metre))
    (x0, y0, wide, low, metre), (x1, y1, thin, tall, _) = found
    np.testing.assert_allclose([wide, low, thin, tall], [0.8, 0.2, 0.2, 0.8], atol=0.04)
    np.testing.assert_allclose([x1 - x0, y0 - y1], [0.0, 0.5 * metre], atol=0.03 * metre)


@pytest.mark.usefixtures("rendering")
def test_an_obstacle_in_space_stands_in_the_field(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    ball = {"kind": "obstacle", "shape": {"kind": "sphere", "center": [1.0, 1.0, 1.0], "radius": 0.5}}
    layout = Grid((8, 8, 8), (0.25,) * 3, (0.125,) * 3, (False,) * 3)
    grey = []
    for name, entities in (("with", {"ball": ball}), ("without", {})):
        scene = {"name": "cube", "units": "SI", "domain": {"size": [2.0] * 3}, "entities": entities}
        rising = np.linspace(1, 3, 8)[:, None, None] * np.ones((8, 8, 8))
        samples.write(run_folder / name, "fields", layout, [{"density": rising}], scene)
        draw_picture(run_folder / name, run_folder / "ball.png", size=SIZE, cmap="autumn")
        picture = pixels(run_folder / "ball.png")
        grey.append(((np.ptp(picture, axis=2) < 25) & (picture[..., 0] < 215) & (picture[..., 0] > 60)).sum())
    assert grey[0] > grey[1] + 3000


@pytest.mark.parametrize(
    ("fields", "entities", "shown"),
    [
        (("velocity_potential", "smoke", "vorticity"), {"smoke": {"kind": "tracer"}}, "smoke"),
        (("vorticity", "density", "pressure"), {"air": {"kind": "gas"}}, "density"),
        (("speed", "depth"), {"sea": {"kind": "shallow_water"}}, "depth"),
        (("permeability", "pressure"), {"rock": {"kind": "darcy"}}, "pressure"),
        (("pressure", "vorticity"), {"smoke": {"kind": "tracer"}, "air": {"kind": "gas"}}, "vorticity"),
        (("covariance", "deformation"), {"egg": {"kind": "body"}}, "deformation"),
    ],
)
def test_what_a_fluid_carries_is_shown_first_and_then_what_is_typical_of_it(
    run_folder: Path, samples: ModuleType, fields: tuple[str, ...], entities: dict[str, Any], shown: str
) -> None:
    frames = open_frames(write_square(run_folder, samples, fields, **entities))
    found = default_quantity(frames)
    assert found is not None
    assert found.name == shown
    frames.close()


@pytest.mark.usefixtures("rendering")
def test_the_colours_of_a_line_suit_all_of_its_past(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    """A field that fades away is pale at last and dark at first."""
    rising = np.linspace(-1, 1, 16, dtype=np.float32)
    scene = {"name": "line", "units": "SI", "domain": {"size": [2.0]}, "entities": {}}
    fading = [{"height": rising * (1.0 - 0.09 * index)} for index in range(11)]
    samples.write(run_folder, "fields", Grid((16,), (0.125,), (0.0625,), (False,)), fading, scene)
    draw_picture(run_folder, run_folder / "line.png", size=SIZE)
    picture = pixels(run_folder / "line.png")
    vivid = np.ptp(picture, axis=2)[:, round(0.62 * SIZE[0])]
    rows = np.flatnonzero(vivid > 8)
    assert vivid[rows.max() - 5] > vivid[rows.min() + 5] + 60


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.98), (0.0, 1.2), (-7.3, 4.1), (299.2, 300.9)])
def test_a_key_has_two_numbers_at_least(low: float, high: float) -> None:
    for about in (1, 2, 4, 8):
        marks = ticks(low, high, about)
        assert len(marks) >= 2
        assert marks[0] >= low - 1e-9
        assert marks[-1] <= high + 1e-9


def test_units_are_printed_with_their_powers() -> None:
    assert printed("kg/m^4") == "kg/m⁴"
    assert printed("epsilon sigma^-12") == "ε σ⁻¹²"


@pytest.mark.usefixtures("rendering")
def test_a_field_on_a_long_low_mesh_fills_a_long_low_picture(
    run_folder: Path, samples: ModuleType, pixels: Any
) -> None:
    """Two quadratic triangles over 4 m x 1 m, and a field that rises along them, zero in the middle."""
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [0.0, 1.0]])
    edges = [(0, 1), (0, 2), (1, 2), (0, 3), (2, 3)]
    nodes = np.concatenate([corners, [corners[list(pair)].mean(axis=0) for pair in edges]])
    layout = Elements(nodes=torch.tensor([[0, 1, 2, 4, 5, 6], [0, 2, 3, 5, 7, 8]]))
    scene = {"name": "mesh", "units": "SI", "domain": {"mesh": {"path": "gone.msh"}}, "entities": {}}
    frame = {"position": nodes, "height": nodes[:, 0] - 2.0}
    samples.write(run_folder, "fields", layout, [frame], scene)
    draw_picture(run_folder, run_folder / "mesh.png", cmap="bwr")
    picture = pixels(run_folder / "mesh.png")
    assert picture.shape == (340, 1024, 3)
    columns = np.flatnonzero(np.ptp(picture, axis=2).max(axis=0) > 100)
    field = columns[columns < 880]  # the rest is the colour bar
    row = picture[np.flatnonzero(np.ptp(picture[:, field[5]], axis=1) > 100).mean().astype(int)]
    pale = field[10] + np.argmin(np.ptp(row[field[10] : field[-10]], axis=1))
    assert row[field[10], 2] > row[field[10], 0] + 100
    assert row[field[-10], 0] > row[field[-10], 2] + 100
    assert (pale - field[0]) / np.ptp(field) == pytest.approx(0.5, abs=0.03)
