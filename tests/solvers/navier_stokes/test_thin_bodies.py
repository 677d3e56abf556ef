"""Bodies that the grid hardly sees are told of, once, and no others."""

import warnings
from typing import Any

import pytest

import scenegrad.scenes as sc
from scenegrad.solvers.compile import compile_scene

MATTERS: dict[str, Any] = {"water": sc.Fluid(viscosity=0.01), "gas": sc.Gas()}
MIDDLE = (1.0, 0.5)


def channel(matter: str, body: sc.Obstacle, cells: tuple[int, int] = (40, 20)) -> sc.Scene:
    """Cells of 0.05 m."""
    return sc.Scene(
        name="channel",
        domain=sc.Domain(size=(2.0, 1.0), cells=cells),
        entities={"matter": MATTERS[matter], "body": body},
        boundary=sc.Boundary(default=sc.Slip()),
        time=sc.Time(end=1.0),
    )


def told(scenes: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile_scene(scenes, "cpu", "float64")
    return [str(one.message) for one in caught if "thick" in str(one.message)]


def plate(thickness: float) -> sc.Box:
    return sc.Box(center=MIDDLE, size=(thickness, 0.6))


TAPERED = sc.Sphere(center=(0.6, 0.5), radius=0.5) & sc.Sphere(center=(1.1, 0.5), radius=0.3)  # a lens
WING = sc.Sphere(center=MIDDLE, radius=0.08) | sc.Box(center=(1.3, 0.5), size=(0.7, 0.01))


@pytest.mark.parametrize("matter", MATTERS)
@pytest.mark.parametrize(
    ("shape", "thick"),
    [(plate(0.02), "0.02"), (plate(0.09), "0.09"), (sc.Sphere(center=(1.01, 0.52), radius=0.03), "0.06")],
    ids=["plate", "nearly-enough", "wire"],
)
def test_a_body_thinner_than_two_cells_is_told_of_once(matter: str, shape: Any, thick: str) -> None:
    (message,) = told([channel(matter, sc.Obstacle(shape))] * 2)
    assert f"body.shape is {thick} m thick where it is thickest, and cells are 0.05 m wide" in message
    assert "two cells, 0.1 m" in message


@pytest.mark.parametrize("matter", MATTERS)
@pytest.mark.parametrize(
    "shape",
    [plate(0.1), sc.Sphere(center=MIDDLE, radius=0.05), TAPERED, WING, sc.HalfSpace(normal=(0.3, 1.0), offset=0.3)],
    ids=["two-cells", "ball", "lens", "wing", "ground"],
)
def test_a_body_that_is_thick_somewhere_is_taken_in_silence(matter: str, shape: Any) -> None:
    assert told(channel(matter, sc.Obstacle(shape))) == []


def test_the_cells_that_are_named_are_enough() -> None:
    (message,) = told(channel("water", sc.Obstacle(plate(0.04))))
    assert "100 x 50 cells" in message
    assert told(channel("water", sc.Obstacle(plate(0.04)), (100, 50))) == []


def test_a_plate_that_is_turned_or_comes_in_later_is_as_thick_as_it_is() -> None:
    turned = sc.Obstacle(plate(0.09), rotation=30.0, motion=sc.Moving(velocity=(0.1, 0.0)))
    assert "0.09 m thick" in told(channel("water", turned))[0]
    coming = sc.Moving(velocity=(1.0, 0.0))
    for thickness, count in ((0.09, 1), (0.11, 0)):
        far = sc.Obstacle(sc.Box(center=(-0.2, 0.5), size=(thickness, 0.6)), motion=coming)
        assert len(told(channel("water", far))) == count


def test_what_counts_in_a_gas_is_the_cell_across_the_plate() -> None:
    """Faces across its short way close where cells there are fine, however long they are along it."""
    flat, upright = (sc.Box(center=MIDDLE, size=size) for size in ((0.6, 0.06), (0.06, 0.6)))
    assert told(channel("gas", sc.Obstacle(flat), (20, 40))) == []
    assert "cells are 0.1 m wide" in told(channel("gas", sc.Obstacle(upright), (20, 40)))[0]


def test_the_least_of_a_batch_is_told_of() -> None:
    members = [channel("water", sc.Obstacle(sc.Sphere(center=MIDDLE, radius=r))) for r in (0.2, 0.02)]
    assert "0.04 m thick" in told(members)[0]
