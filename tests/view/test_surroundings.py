"""Walls are drawn where they are; numbers along axes are round."""

from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from scenegrad.view.colour_bar import at_the_right, common_exponent
from scenegrad.view.colours import Colouring, robust_limits
from scenegrad.view.extent import touched_sides
from scenegrad.view.files import open_frames
from scenegrad.view.frames import Field
from scenegrad.view.letters import number_text, ticks
from scenegrad.view.quantities import Quantity, labelled
from scenegrad.view.setting import setting_of
from scenegrad.view.surroundings import cut, cut_rectangle

BOX = np.array([[0.0, 0, 0], [1, 2, 3]])


def area(polygon: np.ndarray) -> float:
    """Of a plane polygon in space, by the sum of its triangles."""
    a = polygon - polygon[0]
    return float(np.linalg.norm(np.cross(a[1:-1], a[2:]).sum(axis=0)) / 2)


@pytest.mark.parametrize(
    ("normal", "offset", "expected"),
    [((0, 0, 1), 0.1, 2.0), ((0, 0, 2), 0.2, 2.0), ((1, 0, 0), 0.0, 6.0), ((1, 0, 1), 0.5, np.sqrt(2) * 0.5 * 2)],
)
def test_a_plane_cuts_the_box_in_the_right_polygon(normal: tuple, offset: float, expected: float) -> None:
    polygon = cut(BOX, np.asarray(normal, dtype=float), offset)
    np.testing.assert_allclose(polygon @ np.asarray(normal), offset, atol=1e-12)
    assert area(polygon) == pytest.approx(expected)


def test_a_plane_beside_the_box_cuts_nothing() -> None:
    assert len(cut(BOX, np.array([0.0, 0, 1]), 4.0)) == 0


def test_the_ground_in_the_plane_lies_below_the_wall() -> None:
    flat = np.array([[0.0, 0, 0], [1, 2, 0]])
    ground = cut_rectangle(flat, np.array([0.0, 1, 0]), 0.5)
    assert area(ground) == pytest.approx(0.5)
    assert ground[:, 1].max() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-7, 11, [-5, 0, 5, 10]), (0.1, 0.13, [0.1, 0.11, 0.12, 0.13])],
)
def test_ticks_are_round_numbers_within_the_range(low: float, high: float, expected: list[float]) -> None:
    np.testing.assert_allclose(ticks(low, high), expected, atol=1e-12)


def test_numbers_have_the_digits_that_tell_them_apart() -> None:
    assert [number_text(x, 0.05) for x in (0.0, -0.001, 1.25)] == ["0.00", "0.00", "1.25"]
    assert number_text(20.0, 10.0) == "20"


def test_large_numbers_share_their_power_of_ten() -> None:
    assert (common_exponent(0, 2.5e5), common_exponent(0, 42.0), common_exponent(-3e-4, 1e-4)) == (3, 0, -6)
    assert labelled("pressure", "Pa", 3) == "pressure [10³ Pa]"
    assert labelled("speed", "sigma/tau") == "speed [σ/τ]"


def test_limits_ignore_outliers_and_are_symmetric_where_both_signs_matter() -> None:
    samples = np.concatenate([np.linspace(-1, 2, 10_000), [1e6, np.nan]])
    (low, high), signed = robust_limits(samples)
    assert signed
    assert low == pytest.approx(-high)
    assert high == pytest.approx(2.0, rel=0.02)
    assert robust_limits(np.linspace(-0.01, 2, 1000))[1] is False
    assert robust_limits(np.full(10, 3.0))[0] == (1.5, 4.5)
    assert robust_limits(np.array([np.nan]))[0] == (0.0, 1.0)


def test_a_setting_takes_values_for_what_they_mean_and_forgives_what_it_does_not_know() -> None:
    text = """{"name": "s", "domain": {"size": [1, 2]}, "gravity": {"kind": "parameter", "value": [0, -9.81]},
      "entities": {"w": {"kind": "wall", "normal": [0, 1], "offset": {"kind": "parameter", "value": 0.3}},
                   "b": {"kind": "body", "shape": {"kind": "my_own"}, "material": {"kind": "my_own"}}}}"""
    setting = setting_of(text)
    assert setting.walls[0].offset == 0.3
    assert setting.bodies == ("b",)
    assert setting.elastic_meshes == ()
    assert setting_of('{"gravity": [0, -2, 0], "domain": {}}').up == (0.0, 1.0, 0.0)
    assert setting_of(None).size is None


def test_noise_of_rounding_is_not_stretched_over_all_colours() -> None:
    (low, high), _ = robust_limits(8.02303 + 1e-7 * np.arange(100.0))
    assert high - low > 1.0


def test_sides_of_the_box_stand_where_matter_meets_them(run_folder: Path, samples: ModuleType) -> None:
    """A ball flies to the side x = 0: that side alone is a wall, and it rises above the ball; y repeats itself."""
    domain = {"size": [1.0, 1.0, 1.0], "wrap": [False, True, False]}
    scene = {"name": "ball", "domain": domain, "gravity": [0, 0, -9.81], "entities": {}}
    flight = [{"position": np.array([[x, 0.02, 0.5], [x + 0.1, 0.1, 0.6]])} for x in (0.6, 0.3, 0.02)]
    frames = open_frames(samples.write(run_folder, "state", samples.Points(), flight, scene))
    stage, walls = touched_sides(frames, np.array([[0, 0.3, 0], [0.8, 0.7, 0.6]]))  # type: ignore[arg-type]
    assert [(wall.normal, wall.offset) for wall in walls] == [((1.0, 0.0, 0.0), 0.0)]
    assert 0.6 < stage[1, 2] <= 1.0
    frames.close()


def test_a_legend_has_room_for_its_names() -> None:
    """Letters of DejaVu Sans are 0.6 times as wide as high on the average; long names are cut."""
    quantity = Quantity("body", Field("body", labels=True))
    picture = SimpleNamespace(window_size=(1024, 768))
    short = Colouring(quantity, "", (0, 1), {0: "ice", 1: "water"})
    long = Colouring(quantity, "", (0, 1), {0: "ice", 1: "the_hindmost_leg_of_the_walker"})
    assert at_the_right(picture, None).left == at_the_right(picture, short).left  # type: ignore[arg-type]
    room = 1.0 - at_the_right(picture, long).left  # type: ignore[arg-type]
    assert 1024 * room > 0.027 * 1024 + 22 * 0.6 * 16
    assert room < 0.3
