"""Frames are drawn in the style that is asked for; what cannot be is refused before anything is drawn."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from scenegrad import view
from scenegrad.view.choices import Choices, Clip
from scenegrad.view.colours import colouring
from scenegrad.view.errors import ViewError
from scenegrad.view.files import open_frames
from scenegrad.view.flat_lines import FlatLines
from scenegrad.view.gradients import curl_of, q_of
from scenegrad.view.offers import offers, usual_style
from scenegrad.view.pictures import draw_picture
from scenegrad.view.quantities import quantities, quantity
from scenegrad.view.styles import STYLES, Isosurfaces, Slices, Streamlines, Volume

SIZE = (240, 180)


def write_tubes(samples: ModuleType, folder: Path, cells: int = 16, wrap: bool = True) -> Path:
    """A vortex along z in the middle of the unit box, in solid rotation about it for a good part."""
    x, y, _ = np.meshgrid(*[(np.arange(cells) + 0.5) / cells - 0.5] * 3, indexing="ij")
    push = np.exp(-(x**2 + y**2) / 0.02)
    layout = samples.Grid((cells,) * 3, (1 / cells,) * 3, (0.5 / cells,) * 3, (wrap,) * 3)
    table = {"name": "tube", "domain": {"size": [1.0] * 3, "wrap": wrap}, "entities": {"water": {"kind": "fluid"}}}
    frame = {"velocity": np.stack([-y * push, x * push, 0.2 * push], axis=-1)}
    written: Path = samples.write(folder, "fields", layout, [frame], table, units={"velocity": "m/s"})
    return written


def coloured(picture: np.ndarray) -> float:
    """The share of the picture, without the colour bar, that has a colour."""
    return float((np.ptp(picture[:, : round(0.8 * picture.shape[1])], axis=2) > 25).mean())


def test_vortices_are_where_q_is_positive(tmp_path: Path, samples: ModuleType) -> None:
    """Of u = (-y, x) w the vorticity is 2 w and Q = w^2; of the strain u = (x, -y) s they are 0 and -s^2."""
    frames = open_frames(write_tubes(samples, tmp_path, wrap=False))
    x, y, z = np.meshgrid(*[(np.arange(16) + 0.5) / 16] * 3, indexing="ij")
    turn = np.stack([-3.0 * y, 3.0 * x, 0 * z], axis=-1).swapaxes(0, 2)
    strain = np.stack([2.0 * x, -2.0 * y, 0 * z], axis=-1).swapaxes(0, 2)
    np.testing.assert_allclose(curl_of(frames, turn), 6.0, rtol=1e-10)
    np.testing.assert_allclose(q_of(frames, turn), 9.0, rtol=1e-10)
    np.testing.assert_allclose(curl_of(frames, strain), 0.0, atol=1e-10)
    np.testing.assert_allclose(q_of(frames, strain), -4.0, rtol=1e-10)
    q = quantity(frames, "q_criterion").of(frames, 0)
    assert q[8, 8, 8] > 0.5 * q.max() > 0, "the axis of the vortex"
    assert quantities(frames)["vorticity"].title == "|vorticity| [1/s]"
    frames.close()


def test_slopes_go_over_the_ends_of_a_periodic_box(tmp_path: Path, samples: ModuleType) -> None:
    """u = sin(2 pi y) has the vorticity -2 pi cos(2 pi y), at the sides as within."""
    frames = open_frames(write_tubes(samples, tmp_path, wrap=True))
    _, y, _ = np.meshgrid(*[(np.arange(16) + 0.5) / 16] * 3, indexing="ij")
    flow = np.stack([np.sin(2 * np.pi * y), 0 * y, 0 * y], axis=-1).swapaxes(0, 2)
    wave = 16 * np.sin(2 * np.pi / 16)  # what central differences make of 2 pi
    np.testing.assert_allclose(curl_of(frames, flow), np.abs(wave * np.cos(2 * np.pi * y)).swapaxes(0, 2), atol=1e-9)
    frames.close()


def test_a_fluid_in_space_shows_its_vortices_unless_said(tmp_path: Path, samples: ModuleType) -> None:
    frames = open_frames(write_tubes(samples, tmp_path))
    assert usual_style(frames) == Isosurfaces(of="q_criterion")
    told = offers(frames)
    assert told.styles == ("isosurfaces", "volume", "slices", "streamlines")
    assert told.field == "speed"
    assert {"speed", "velocity_z", "|vorticity|", "q_criterion"} <= set(told.fields)
    frames.close()


@pytest.mark.usefixtures("rendering")
def test_each_style_of_a_field_in_space_draws_something_else(tmp_path: Path, samples: ModuleType, pixels: Any) -> None:
    write_tubes(samples, tmp_path)
    seen = {}
    for style in (Isosurfaces(of="q_criterion"), Volume(), Slices(), Streamlines(seeds=40)):
        draw_picture(tmp_path, tmp_path / "p.png", size=SIZE, style=style)
        seen[style.kind] = pixels(tmp_path / "p.png")
        assert coloured(seen[style.kind]) > 0.02, f"{style.kind} shows nothing"
    kinds = list(seen)
    for place, one in enumerate(kinds):
        for other in kinds[:place]:
            assert np.abs(seen[one] - seen[other]).mean() > 1.0, f"{one} looks like {other}"


@pytest.mark.usefixtures("rendering")
@pytest.mark.parametrize("style", ["volume", "slices"])
def test_a_cut_leaves_the_side_away_from_the_eye(tmp_path: Path, samples: ModuleType, pixels: Any, style: str) -> None:
    """The eye looks from +x: cut at x = 0.25, what is left stands in the left part of the picture."""
    write_tubes(samples, tmp_path)
    shares = []
    for clip in (None, "x=0.25"):
        draw_picture(tmp_path, tmp_path / "p.png", size=SIZE, style=style, field="velocity_y", clip=clip)
        picture = pixels(tmp_path / "p.png")
        shares.append(float((np.ptp(picture[:, 110:180], axis=2) > 25).mean()))
    assert shares[0] > 0.03
    assert shares[1] < 0.3 * shares[0]


@pytest.mark.usefixtures("rendering")
def test_a_cut_takes_particles_away(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    samples.write_block(run_folder, side=6)
    left = []
    for clip in (None, "z<0.75", "z>0.75", Clip(normal=(0, 0, 1), through=(0.5, 0.5, 0.75))):
        draw_picture(run_folder, run_folder / "p.png", size=SIZE, frame=0, field="body", clip=clip)
        picture = pixels(run_folder / "p.png")[:, : round(0.84 * SIZE[0])]
        left.append(int((picture[..., 2] > picture[..., 0] + 30).sum()))
    whole, below, above, same = left
    assert 0.2 * whole < below < 0.8 * whole
    assert 0.2 * whole < above < 0.9 * whole
    assert same == below, "z<0.75 and a plane that looks up cut the same"


@pytest.mark.usefixtures("rendering")
def test_lines_follow_the_flow_of_the_plane(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    """White lines along x on a field of one colour: rows are whiter than columns are, one by one."""
    cells = (32, 16)
    layout = samples.Grid(cells, (2 / 32, 1 / 16), (1 / 32, 1 / 32), (False, False))
    frame = {"velocity": np.stack([np.ones(cells), np.zeros(cells)], axis=-1), "pressure": np.full(cells, 2.0)}
    samples.write(run_folder, "fields", layout, [frame], samples.flat_scene(wrap=False))
    draw_picture(run_folder, run_folder / "p.png", size=(640, 320), field="pressure", style=Streamlines(seeds=30))
    draw_picture(run_folder, run_folder / "q.png", size=(640, 320), field="pressure")
    white = np.abs(pixels(run_folder / "p.png") - pixels(run_folder / "q.png")).sum(axis=2) > 60
    assert white.mean() > 0.01, "there are lines"
    assert white.mean(axis=1).std() > 3 * white[:, 120:500].mean(axis=0).std(), "they lie along x"
    draw_picture(run_folder, run_folder / "a.png", size=(640, 320), field="pressure", style="arrows")
    dark = np.abs(pixels(run_folder / "a.png") - pixels(run_folder / "q.png")).sum(axis=2) > 60
    assert 0.01 < dark.mean() < 0.3


@pytest.mark.usefixtures("rendering")
def test_lines_of_equal_value_lie_at_their_values(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    """Of pressure = x, the line of 0.5 stands at a quarter of a box two wide."""
    cells = (64, 32)
    x = (np.arange(64) + 0.5)[:, None] / 32 * np.ones(cells)
    layout = samples.Grid(cells, (1 / 32, 1 / 32), (1 / 64, 1 / 64), (False, False))
    samples.write(run_folder, "fields", layout, [{"pressure": x}], samples.flat_scene(wrap=False))
    draw_picture(run_folder, run_folder / "q.png", size=(640, 320))
    draw_picture(run_folder, run_folder / "p.png", size=(640, 320), style=Isosurfaces(values=(0.5,)))
    moved = np.abs(pixels(run_folder / "p.png") - pixels(run_folder / "q.png")).sum(axis=2) > 25
    columns = np.flatnonzero(moved.sum(axis=0) > 50)
    field = np.flatnonzero((np.ptp(pixels(run_folder / "q.png"), axis=2) > 40).sum(axis=0) > 50)
    field = max(np.split(field, np.flatnonzero(np.diff(field) > 10) + 1), key=len)
    assert len(columns)
    assert (columns.mean() - field[0]) / len(field) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("wrap", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("shift", [0.0, 0.5, 0.8], ids=["nodes", "cells", "between"])
def test_lines_of_equal_value_go_on_to_the_ends_of_a_periodic_box(
    tmp_path: Path, samples: ModuleType, wrap: tuple[bool, bool], shift: float
) -> None:
    """Of pressure = cos pi (x + y + 0.03) in the box (2, 2), the lines of 0.5 lie at x + y + 0.03 = 2 n +- 1/3."""
    cells, apart = (40, 50), np.array([2 / 40, 2 / 50])
    begin = shift * apart
    x, y = np.meshgrid(
        *(first + h * np.arange(n) for first, h, n in zip(begin, apart, cells, strict=True)), indexing="ij"
    )
    layout = samples.Grid(cells, tuple(apart), tuple(begin), wrap)
    scene = samples.flat_scene((2.0, 2.0)) | {"domain": {"size": [2.0, 2.0], "wrap": list(wrap)}}
    wave = {"pressure": np.cos(np.pi * (x + y + 0.03))}
    frames = open_frames(samples.write(tmp_path, "fields", layout, [wave], scene))
    colours = colouring(frames, quantity(frames, "pressure"), [0])
    lines = FlatLines(None, frames, colours, Isosurfaces(values=(0.5,)), None).isolines(0)
    places = np.asarray(lines.points)[:, :2]
    off = np.abs((places.sum(axis=1) + 0.03 + 1.0) % 2.0 - 1.0) - 1 / 3
    np.testing.assert_allclose(off, 0.0, atol=4e-3)
    for axis, wraps in enumerate(wrap):
        ends = (0.0, 2.0) if wraps else (begin[axis], begin[axis] + (cells[axis] - 1) * apart[axis])
        assert (places[:, axis].min(), places[:, axis].max()) == pytest.approx(ends, abs=1e-6)
        at_low, at_high = (np.unique(np.round(places[np.isclose(places[:, axis], e), 1 - axis], 6)) for e in ends)
        if wraps:
            np.testing.assert_allclose(at_low, at_high, atol=1e-6, err_msg="both ends of the box are one place")
    frames.close()


@pytest.mark.usefixtures("rendering")
def test_limits_are_the_ends_of_the_colours(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    """All of a field far below the range has the first colour of its map, far above the last one."""
    samples.write_flat_field(run_folder, [np.full((16, 8), 3.0)], quantity="density")
    seen = []
    for limits in ((10.0, 20.0), (-20.0, -10.0)):
        draw_picture(run_folder, run_folder / "p.png", size=SIZE, limits=limits, cmap="viridis")
        seen.append(pixels(run_folder / "p.png")[80, 100])
    np.testing.assert_allclose(seen[0], (68, 1, 84), atol=8)
    np.testing.assert_allclose(seen[1], (253, 231, 37), atol=8)


def test_a_surface_goes_round_its_particles() -> None:
    """The volume inside of the surface of a ball of particles is that of the ball, nearly."""
    from scenegrad.view.blobs import blob_of

    h = 0.05
    grid = np.stack(np.meshgrid(*[np.arange(-0.6, 0.6, h)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    ball = grid[np.linalg.norm(grid, axis=1) < 0.5]
    shape = blob_of(ball, ball[:, 0], h, 3)
    assert shape.is_manifold
    assert shape.volume == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=0.12)
    assert np.corrcoef(shape.point_data["colour"], shape.points[:, 0])[0, 1] > 0.99, "and has their colours"


def test_every_style_is_spelled_as_a_table_and_back() -> None:
    for kind, style in STYLES.items():
        assert Choices.of(Choices(style=kind).table()).style == style()
    told = Choices("speed", Isosurfaces(values=(0.5,)), Clip((1, 0), (0.5, 0)), "magma", (0, 2))
    assert Choices.of(told.table()) == told
    assert told.table()["limits"] == (0.0, 2.0)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"style": "streamlins"}, "Did you mean 'streamlines'"),
        ({"style": "volume"}, "cannot be drawn as volume; its fields of 2 dimensions can be drawn as image, isosurf"),
        ({"style": {"kind": "volume", "density": 2}}, "does not understand"),
        ({"clip": "w=0.5"}, "write an axis and a number"),
        ({"clip": "x<-3"}, "leaves nothing to see: the frames reach x from 0 to 2"),
        ({"clip": "z=0"}, "cut along x or y, not along z"),
        ({"limits": (2.0, 1.0)}, "the lower one first"),
        ({"field": "vortisity"}, "Did you mean 'vorticity'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_drawing(
    run_folder: Path, samples: ModuleType, chosen: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.write_flat_field(run_folder, [np.ones((16, 8))])
    monkeypatch.setattr("scenegrad.view.front.render_in_child", lambda *_, **__: pytest.fail("something was drawn"))
    with pytest.raises(ViewError, match=message):
        view.screenshot(run_folder, run_folder / "x.png", **chosen)
