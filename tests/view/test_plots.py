"""Plots draw the numbers that were recorded."""

import base64
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

import scenegrad as sg
from scenegrad.view import ViewError, compare_fields, plot_diagnostics, plot_history, plot_rdf, plot_series
from scenegrad.view.plots import Bars, Curve, Panel, Row, plot_panels, plot_tiles
from scenegrad.view.plots.diagnostics import panels_of
from scenegrad.view.plots.paper import COLOURS
from scenegrad.view.plots.recorded import read_series
from scenegrad.view.plots.series import draw_over_time, draw_profiles
from scenegrad.view.report import Chapter, Picture, Table, write_report

ENERGY = {"kinetic": np.linspace(0, 3, 7), "total": np.full(7, 3.0), "entropy": np.linspace(1, 2, 7) ** 2}
UNITS = {"kinetic": "J", "total": "J", "entropy": "J/K"}


def test_a_series_is_drawn_over_its_times_a_panel_for_each_unit(run_folder: Path, samples: ModuleType) -> None:
    samples.write_series(run_folder, "energy", ENERGY, UNITS)
    upper, lower = sorted(draw_over_time(read_series(run_folder, "energy")).axes, key=lambda axis: -len(axis.lines))
    drawn = {line.get_label(): line.get_xydata() for line in upper.lines}
    np.testing.assert_allclose(drawn["kinetic"], np.stack([0.1 * np.arange(7), ENERGY["kinetic"]], axis=1))
    assert upper.get_ylabel() == "energy [J]"
    assert lower.get_ylabel() == "entropy [J/K]"
    assert {upper.get_xlabel(), lower.get_xlabel()} == {"", "time [s]"}


def test_one_quantity_of_a_series_can_be_drawn_alone(run_folder: Path, samples: ModuleType) -> None:
    samples.write_series(run_folder, "energy", ENERGY, UNITS)
    assert list(read_series(run_folder, "energy.total").quantities) == ["total"]
    assert plot_series(run_folder, "energy.total") == run_folder / "energy.total.png"


def test_a_profile_is_drawn_over_its_own_axis(run_folder: Path, samples: ModuleType) -> None:
    shells = np.arange(1.0, 41.0)
    samples.write_series(
        run_folder, "spectrum", {"energy": np.array([shells**-3.0, 2 * shells**-3.0])}, {"energy": "J", "k": "1/m"},
        {"k": shells},
    )  # fmt: skip
    (axis,) = draw_profiles(read_series(run_folder, "spectrum")).axes
    assert axis.get_xscale() == axis.get_yscale() == "log"
    assert axis.get_xlabel() == "k [1/m]"
    np.testing.assert_allclose(axis.lines[-1].get_ydata(), 2 * shells**-3.0)


def test_g_of_r_is_the_mean_of_its_frames(run_folder: Path, samples: ModuleType, pixels: Any) -> None:
    radii = np.linspace(0.05, 4, 40)
    samples.write_series(run_folder, "rdf", {"rdf": np.ones((3, 40))}, {"radius": "sigma"}, {"radius": radii})
    path = plot_rdf(run_folder, run_folder / "rdf.png", reference=(radii, np.ones(40)))
    assert path.exists()
    blue = np.array([int(COLOURS[0][k : k + 2], 16) for k in (1, 3, 5)])
    rows = np.flatnonzero((np.abs(pixels(path) - blue).sum(axis=2) < 30).sum(axis=1) > 300)
    assert np.ptp(rows) < 8, "a constant g(r) is one level line"
    with pytest.raises(ViewError, match="no frame after"):
        plot_rdf(run_folder, run_folder / "x.png", after=9.0)


def test_what_was_not_recorded_brings_up_its_neighbours(run_folder: Path, samples: ModuleType) -> None:
    samples.write_series(run_folder, "energy", ENERGY, UNITS)
    with pytest.raises(ViewError, match="Did you mean 'energy'"):
        plot_series(run_folder, "enrgy")
    with pytest.raises(ViewError, match="Did you mean 'kinetic'"):
        plot_series(run_folder, "energy.kinetik")
    with pytest.raises(ViewError, match=r"\.png"):
        plot_series(run_folder, "energy", "energy.txt")


def test_an_unfinished_series_is_drawn_up_to_its_last_commit(run_folder: Path, samples: ModuleType) -> None:
    frames = [{"total": np.asarray(float(k))} for k in range(4)]
    samples.write(run_folder, "energy", samples.Series(), frames, samples.flat_scene(), finished=False)
    np.testing.assert_allclose(read_series(run_folder, "energy").quantities["total"], [0, 1, 2, 3])


def test_a_history_forgives_a_last_line_cut_off_by_a_crash(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [{"epoch": k, "loss": 1 / (k + 1), "validation": None if k % 2 else 0.5, "seconds": k} for k in range(5)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"epoch": 5, "lo')
    path = plot_history(tmp_path)
    with Image.open(path) as picture:
        assert np.asarray(picture).std() > 5
    log.write_text('{"epoch": 0, "lo\n{"epoch": 1, "loss": 2}\n')
    with pytest.raises(ViewError, match="Line 1"):
        plot_history(log)


def test_equal_fields_differ_by_nothing_and_lie_as_in_space(tmp_path: Path, pixels: Any) -> None:
    field = np.where(np.arange(8)[:, None] < 4, -1.0, 1.0) * np.ones((3, 8, 8))  # positive at large x
    picture = pixels(compare_fields(field, field, tmp_path / "c.png", times=[0.0, 1.0, 2.0]))
    height, width = picture.shape[:2]
    red = picture[: height // 2, : width // 2][..., 0] - picture[: height // 2, : width // 2][..., 2]
    left, right = np.flatnonzero((red < -60).any(axis=0)), np.flatnonzero((red > 60).any(axis=0))
    assert left.min() < right.min()
    below = picture[round(0.72 * height) : round(0.95 * height), round(0.1 * width) : round(0.7 * width)]
    assert np.ptp(below, axis=2).max() < 12, "the row of differences has no colour"
    with pytest.raises(ViewError, match="one shape"):
        compare_fields(field, field[:2], tmp_path / "x.png")


def test_tiles_have_the_colours_that_the_truth_decides(tmp_path: Path, pixels: Any) -> None:
    """A field ten times as large is as dark as the limits allow, and its truth is not made pale by it."""
    wave = np.sin(2 * np.pi * np.arange(32) / 32)[:, None] * np.ones(32)
    rows = [Row("truth", [wave]), Row("model", [10.0 * wave], like=[wave])]
    picture = pixels(plot_tiles(rows, tmp_path / "t.png"))
    half = picture.shape[0] // 2
    red = [part[..., 0] - part[..., 2] for part in (picture[:half], picture[half:])]
    assert red[0].max() == pytest.approx(red[1].max(), abs=12)
    assert (red[1] < -60).sum() > (red[0] < -60).sum(), "more of the larger one is at the end of the colours"
    with pytest.raises(ViewError, match="no fields"):
        plot_tiles([Row("truth", [])], tmp_path / "t.png")


def test_panels_show_what_they_are_given(tmp_path: Path, pixels: Any) -> None:
    x = np.arange(1.0, 9.0)
    curve = Curve(x, x, "rising", "-", 1, low=x - 0.5, high=x + 0.5)
    for panel in (Panel([curve], "a", "x", "y"), Panel([Bars(np.arange(9.0), x, "bars", 1)], levels={"level": 4.0})):
        picture = pixels(plot_panels([panel], tmp_path / "p.png"))
        reddish = (picture[..., 0] - picture[..., 2]) > 40
        places = np.argwhere(reddish[: round(0.9 * len(picture))])
        slope = np.polyfit(places[:, 1], -places[:, 0], 1)[0]
        assert reddish.sum() > 200
        assert slope > 0.1, "it rises to the right"


def test_a_page_can_stand_alone(tmp_path: Path) -> None:
    path = plot_panels([Panel([Curve([0, 1], [0, 1])])], tmp_path / "p.png")
    chapter = Chapter(
        "Lines <1>", "Text.", (Picture(path, "A line."),), code="a < b", tables=(Table("", ("n",), ((1.0,),)),)
    )
    beside = write_report("Title", "Lead.", [chapter], "a machine", tmp_path / "r.html").read_text()
    assert 'src="p.png"' in beside
    assert "Lines &lt;1&gt;" in beside
    assert "<pre>a &lt; b</pre>" in beside
    alone = write_report("Title", "Lead.", [chapter], "", tmp_path / "r.html", alone=True).read_text()
    data = re.search(r'src="data:image/png;base64,([^"]+)"', alone)
    assert data is not None
    assert base64.b64decode(data[1]) == path.read_bytes()
    assert "Made in" not in alone


def flow_of(kind: str) -> sg.Scene:
    parts: dict[str, Any] = {
        "water": sg.Fluid(viscosity=0.05, drag=0.1, vorticity=sg.TaylorGreen()),
        "gas": sg.Gas(density=1.0, pressure=1.0, velocity=(1.0, 0.0)),
    }
    wanted = "vorticity" if kind == "water" else "density"
    return sg.Scene(
        name=kind,
        domain=sg.Domain.periodic(size=(1.0, 1.0), cells=(16, 16)),
        entities={kind: parts[kind]},
        time=sg.Time(end=0.02),
        outputs={"fields": sg.Fields(wanted, every=0.01)},
    )


@pytest.mark.parametrize(
    ("kind", "panels"),
    [
        ("water", ["energy: what changes it", "enstrophy: what changes it", "divergence", "residual", "spectrum"]),
        ("gas", ["energy", "mass not accounted for", "energy not accounted for", "smallest values"]),
    ],
)
def test_diagnostics_of_a_run_are_drawn_in_panels(tmp_path: Path, kind: str, panels: list[str]) -> None:
    run = sg.run(flow_of(kind), tmp_path / kind, device="cpu", progress=False)
    titles = [title for title, _ in panels_of(read_series(run, "diagnostics"))]
    assert set(panels) <= set(titles)
    assert plot_diagnostics(run).stat().st_size > 20_000


def test_other_series_are_no_diagnostics(tmp_path: Path) -> None:
    scene = flow_of("water").model_copy(update={"outputs": {"momentum": sg.Momentum(every=0.01)}})
    run = sg.run(scene, tmp_path / "run", device="cpu", progress=False)
    with pytest.raises(ViewError, match="plot_series"):
        plot_diagnostics(run, name="momentum")


@pytest.mark.parametrize("log", ["", "y"])
def test_a_legend_hides_no_curve(tmp_path: Path, log: str) -> None:
    """Curves that fill the axes leave it no corner, and get out of its way; those that leave one stay as they were."""
    from scenegrad.view.plots.legends import covers
    from scenegrad.view.plots.paper import figure, save

    x = np.linspace(0.0, 1.0, 200)
    filled, (low, high) = 2.0 + np.sin(60.0 * x), (0.9, 3.1)
    paper, ((full, free),) = figure(1, 2)
    for axis, values in ((full, filled), (free, np.where(x < 0.5, 1.0, 3.0))):
        axis.plot(x, values, label="one")
        axis.set(yscale="log" if log else "linear", ylim=(low, high))
        axis.legend()
    save(paper, tmp_path / "a.png")
    paper.draw_without_rendering()
    assert not covers(full, full.get_legend().get_window_extent())
    assert full.get_ylim()[1] > high
    assert full.get_ylim()[0] == pytest.approx(low)
    assert free.get_ylim() == pytest.approx((low, high))
