"""Boxes that wrap do not bring in at one side what of a body is cut off at the other: that is refused."""

from typing import Any

import pytest

import scenegrad.scenes as sc
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene


def wrapped(matter: str, *obstacles: Any) -> sc.Scene:
    fluid: Any = sc.Gas() if matter == "gas" else sc.Fluid(viscosity=0.01)
    return sc.Scene(
        name="wrapped",
        domain=sc.Domain(size=(2.0, 1.0), cells=(32, 16), wrap=(True, False)),
        entities={"matter": fluid, **{f"body_{n}": one for n, one in enumerate(obstacles)}},
        boundary=sc.Boundary(y=sc.NoSlip()),
        time=sc.Time(end=1.0),
    )


def ball(x: float, y: float = 0.5) -> sc.Sphere:
    return sc.Sphere(center=(x, y), radius=0.2)


@pytest.mark.parametrize("matter", ["water", "gas"])
@pytest.mark.parametrize("x", [0.1, 1.9, 2.05])
def test_a_body_that_is_cut_off_where_the_box_wraps_is_refused(matter: str, x: float) -> None:
    with pytest.raises(SceneError, match=r"body_1\.shape.*cut off where the box wraps along x.*copy of itself 2 m"):
        compile_scene(wrapped(matter, sc.Obstacle(ball(1.0)), sc.Obstacle(ball(x))), "cpu", "float64")


@pytest.mark.parametrize("matter", ["water", "gas"])
@pytest.mark.parametrize(
    "bodies",
    [
        [ball(0.3)],
        [ball(1.0, 0.1)],  # in a wall
        [ball(0.1) | ball(2.1)],
        [ball(0.0), ball(2.0)],
        [sc.Box(center=(1.0, 0.1), size=(2.0, 0.4))],
        [sc.HalfSpace(normal=(0.0, 1.0), offset=0.2)],
    ],
)
def test_bodies_that_fit_together_where_the_box_wraps_are_taken(matter: str, bodies: list[Any]) -> None:
    compile_scene(wrapped(matter, *map(sc.Obstacle, bodies)), "cpu", "float64")


def test_a_body_that_will_be_cut_off_is_refused_with_the_moment() -> None:
    moving = sc.Moving(velocity=(1.0, 0.0))
    with pytest.raises(SceneError, match=r"body_0\.motion.*wraps along x at t = 0\.8"):
        compile_scene(wrapped("water", sc.Obstacle(ball(1.0), motion=moving)), "cpu", "float64")
