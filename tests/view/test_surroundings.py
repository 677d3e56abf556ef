"""Walls are drawn where they are; numbers along axes are round."""

import numpy as np
import pytest

from scenegrad.view.colours import robust_limits
from scenegrad.view.overlay import common_exponent, number_text, ticks
from scenegrad.view.quantities import labelled
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
