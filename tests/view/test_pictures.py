"""Pictures show what is in the files: the right colours in the right places, x to the right and y up."""

from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scenegrad.engine.errors import EngineError
from scenegrad.engine.solver import Grid
from scenegrad.view.errors import ViewError
from scenegrad.view.pictures import draw_movie, draw_picture

pytestmark = pytest.mark.usefixtures("rendering")

SIZE = (640, 480)


def halves(cells: tuple[int, int] = (16, 8)) -> np.ndarray:
    """+1 on the right, -1 on the left; [x, y]."""
    return np.where(np.arange(cells[0])[:, None] < cells[0] // 2, -1.0, 1.0) * np.ones(cells)


def colour_at(picture: np.ndarray, across: float, up: float) -> np.ndarray:
    """The pixel at parts of the width from the left and of the height from below."""
    height, width = picture.shape[:2]
    return picture[round((1 - up) * (height - 1)), round(across * (width - 1))]


def is_red(colour: np.ndarray) -> bool:
    return bool(colour[0] > colour[2] + 40)


def is_blue(colour: np.ndarray) -> bool:
    return bool(colour[2] > colour[0] + 40)


def test_positive_is_red_and_on_the_right_where_it_is_in_x(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    samples.write_flat_field(run_folder, [halves()])
    draw_picture(run_folder, run_folder / "x.png", size=SIZE)
    picture = pixels(run_folder / "x.png")
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert is_blue(colour_at(picture, 0.25, 0.55))
    assert is_red(colour_at(picture, 0.7, 0.55))


def test_y_points_up(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    rows = np.where(np.arange(8) < 4, -1.0, 1.0) * np.ones((16, 8))
    samples.write_flat_field(run_folder, [rows])
    draw_picture(run_folder, run_folder / "y.png", size=SIZE)
    picture = pixels(run_folder / "y.png")
    field = [up for up in np.linspace(0, 1, 200) if is_red(colour_at(picture, 0.4, up))]
    below = [up for up in np.linspace(0, 1, 200) if is_blue(colour_at(picture, 0.4, up))]
    assert min(field) > max(below) - 0.02
    assert len(field) > 20
    assert len(below) > 20


def test_one_metre_is_as_long_in_x_as_in_y(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    samples.write_flat_field(run_folder, [np.full((16, 8), -1.0) + 2 * (np.arange(16) > 7)[:, None]])
    draw_picture(run_folder, run_folder / "a.png", size=SIZE, cmap="RdBu_r")
    picture = pixels(run_folder / "a.png")
    coloured = np.ptp(picture, axis=2) > 60
    columns = np.flatnonzero(coloured.any(axis=0))
    field = max(np.split(columns, np.flatnonzero(np.diff(columns) > 10) + 1), key=len)  # the rest is the colour bar
    rows = np.flatnonzero(coloured[:, field].any(axis=1))
    assert np.ptp(field) / np.ptp(rows) == pytest.approx(2.0, rel=0.02)


def test_a_line_is_drawn_through_time(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    """x to the right and time up: a field that turns from its first sign to the other halfway, red on the right."""
    sides = np.where(np.arange(16) < 8, -1.0, 1.0)
    frames = [{"height": (sides if index < 5 else -sides).astype(np.float32)} for index in range(10)]
    scene = {"name": "line", "units": "SI", "domain": {"size": [2.0], "wrap": True}, "entities": {}}
    samples.write(run_folder, "fields", Grid((16,), (0.125,), (0.0,), (True,)), frames, scene)
    draw_picture(run_folder, run_folder / "line.png", size=SIZE)
    picture = pixels(run_folder / "line.png")
    assert is_blue(colour_at(picture, 0.3, 0.35))
    assert is_red(colour_at(picture, 0.65, 0.35))
    assert is_red(colour_at(picture, 0.3, 0.75))
    assert is_blue(colour_at(picture, 0.65, 0.75))
    draw_picture(run_folder, run_folder / "half.png", size=SIZE, frame=4)
    blank = colour_at(pixels(run_folder / "half.png"), 0.65, 0.75)  # what comes later is not there yet
    assert blank.min() > 240


def test_a_field_without_signs_takes_a_sequential_map(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    values = np.linspace(1, 3, 16)[:, None] * np.ones((16, 8))
    samples.write_flat_field(run_folder, [values], quantity="density")
    draw_picture(run_folder, run_folder / "d.png", size=SIZE)
    picture = pixels(run_folder / "d.png")
    left, right = colour_at(picture, 0.18, 0.55), colour_at(picture, 0.75, 0.55)
    assert left[2] > left[1], f"viridis starts violet, not {left}"
    assert right[1] > right[2] + 50, f"viridis ends yellow, not {right}"


def test_particles_fall_in_the_picture_and_keep_off_the_floor(
    run_folder: Path, samples: ModuleType, pixels: Any
) -> None:
    samples.write_block(run_folder, side=6)
    heights = []
    for frame in (0, 3):
        draw_picture(run_folder, run_folder / f"{frame}.png", size=SIZE, frame=frame, field="body")
        picture = pixels(run_folder / f"{frame}.png")[:, : round(0.86 * SIZE[0])]
        blue = picture[..., 2] > picture[..., 0] + 30
        assert blue.sum() > 1500, "the block is there"
        heights.append(SIZE[1] - np.flatnonzero(blue.any(axis=1)).mean())
    assert heights[0] > heights[1] + 60


def test_species_have_their_own_colours(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    samples.write_atoms(run_folder)
    draw_picture(run_folder, run_folder / "s.png", size=SIZE)
    picture = pixels(run_folder / "s.png")
    assert (picture[..., 2] > picture[..., 0] + 40).sum() > 2000, "atoms of the first species are blue"
    assert (picture[..., 0] > picture[..., 2] + 40).sum() > 2000, "atoms of the second species are red"


def test_a_field_in_space_shows_both_signs(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    x, y, z = np.meshgrid(*[np.arange(12) * 2 * np.pi / 12] * 3, indexing="ij")
    layout = samples.Grid((12,) * 3, (1.0,) * 3, (0.0,) * 3, (True,) * 3)
    scene = {"name": "box", "domain": {"size": [12.0] * 3, "wrap": True}, "entities": {}}
    samples.write(run_folder, "fields", layout, [{"vorticity": np.sin(x) * np.cos(y) * np.cos(z)}], scene)
    draw_picture(run_folder, run_folder / "v.png", size=SIZE)
    picture = pixels(run_folder / "v.png")[:, : round(0.85 * SIZE[0])]
    assert (picture[..., 0] > picture[..., 2] + 40).sum() > 3000
    assert (picture[..., 2] > picture[..., 0] + 40).sum() > 3000


def test_a_movie_has_all_frames_and_they_differ(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [np.roll(halves(), 2 * k, axis=0) for k in range(5)])
    draw_movie(run_folder, run_folder / "m.gif", size=(320, 240), fps=10)
    with Image.open(run_folder / "m.gif") as film:
        assert film.n_frames == 5
        assert film.size == (320, 240)
        assert film.info["duration"] == 100
        seen = []
        for index in range(5):
            film.seek(index)
            seen.append(np.asarray(film.convert("RGB")).astype(int))
    assert min(np.abs(a - b).mean() for a, b in pairwise(seen)) > 2
    corner = [image[:40, :60] for image in seen]
    assert max(np.abs(part - corner[0]).max() for part in corner) == 0, "what stands still does not flicker"


def test_colours_mean_the_same_in_every_frame_of_a_movie(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [halves(), 0.1 * halves()])
    draw_movie(run_folder, run_folder / "m.gif", size=(320, 240))
    with Image.open(run_folder / "m.gif") as film:
        strong = np.asarray(film.convert("RGB")).astype(int)
        film.seek(1)
        weak = np.asarray(film.convert("RGB")).astype(int)
    place = (0.4, 0.55)
    assert np.ptp(colour_at(strong, *place)) > np.ptp(colour_at(weak, *place)) + 60


def test_only_the_frame_that_is_asked_for_is_there(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=2)
    with pytest.raises(ViewError, match="has 4 frames, 0 to 3; there is no frame 4"):
        draw_picture(run_folder, run_folder / "x.png", frame=4)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("cmap", "virids", "Did you mean 'viridis'"), ("camera", [(0, 0, 1)], "three points"), ("size", (0, 5), "pixels")],
)
def test_what_cannot_be_drawn_is_refused(
    run_folder: Path, samples: ModuleType, option: str, value: Any, message: str
) -> None:
    samples.write_flat_field(run_folder, [halves()])
    with pytest.raises(EngineError, match=message):
        draw_picture(run_folder, run_folder / "x.png", **{option: value})
