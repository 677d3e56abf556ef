"""Bodies beside a side of the box: where a periodic box begins is nobody's business, and a wall is a mirror."""

from typing import Any

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.shapes import Shape
from scenegrad.solvers.compile import compile_scene

EACH = [(matter, method) for matter in ("gas", "water") for method in ("muscl", "weno5")]
STEPS, DT = 8, 0.01


def scene(matter: str, reconstruction: str, body: Shape, high: float, **sides: Any) -> sc.Scene:
    flow = sc.Gas(density=1.2, viscosity=0.01) if matter == "gas" else sc.ShallowWater(gravity=1.0)
    return sc.Scene(
        name="aside",
        domain=sc.Domain(size=(1.6, high), cells=(16, round(10 * high)), wrap=(True, not sides)),
        entities={"flow": flow, "body": sc.Obstacle(body)},
        boundary=sc.Boundary(**sides),
        method=sc.FiniteVolume(reconstruction=reconstruction),
        time=sc.Time(end=1.0),
    )


def stepped(told: sc.Scene, conserved: torch.Tensor) -> torch.Tensor:
    """The flow after some steps, in which nothing may come in or go out."""
    solver, state, params = compile_scene(told, "cpu", "float64")
    start = type(state)(conserved)
    end = rollout(solver, start, params.detach(), until=STEPS * DT, controller=Fixed(DT)).state
    before, after = (solver.observe(one, params)["mass"] for one in (start, end))
    torch.testing.assert_close(after, before, rtol=1e-13, atol=0.0)
    return end.conserved


def rough(told: sc.Scene, *, mirrored: bool = False) -> torch.Tensor:
    """A flow with waves along both axes. mirrored: symmetric about the middle of y."""
    state = compile_scene(told, "cpu", "float64")[1].conserved
    x, y = (torch.arange(n, dtype=torch.float64) / n * 2 * torch.pi for n in state.shape[-2:])
    y = y + torch.pi / len(y)
    even, odd = (torch.cos(y), torch.sin(y)) if mirrored else (torch.sin(y + 0.4), torch.cos(y))
    wave = torch.sin(x)[:, None] * even
    state = state * (1.0 + 0.1 * wave)
    state[:, 1] = 0.3 + 0.2 * wave
    state[:, 2] = 0.3 * torch.cos(x)[:, None] * odd
    return state


@pytest.mark.parametrize(("matter", "reconstruction"), EACH)
@pytest.mark.parametrize("shape", ["box", "ball"])
def test_a_body_beside_a_seam_is_one_in_the_middle_of_the_box(matter: str, reconstruction: str, shape: str) -> None:
    def body(y: float) -> Shape:
        return (
            sc.Box(center=(0.74, y), size=(0.42, 0.36)) if shape == "box" else sc.Sphere(center=(0.74, y), radius=0.17)
        )

    middle, low, high = (scene(matter, reconstruction, body(0.78 + shift), 1.6) for shift in (0.0, -0.6, 0.6))
    start = rough(middle)
    found = stepped(middle, start)
    assert float((found - start).abs().max()) > 0.03
    for told, shift in ((low, -6), (high, 6)):
        torch.testing.assert_close(stepped(told, start.roll(shift, -1)), found.roll(shift, -1), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize(("matter", "reconstruction"), EACH)
def test_a_wall_beside_a_body_is_a_mirror(matter: str, reconstruction: str) -> None:
    """Half of a box in which everything is symmetric, with a wall for the other half."""
    body = sc.Box(center=(0.74, 0.27), size=(0.42, 0.3))
    both = body | sc.Box(center=(0.74, 1.33), size=(0.42, 0.3))
    half = scene(matter, reconstruction, body, 0.8, y=sc.Slip())
    whole = scene(matter, reconstruction, both, 1.6)
    start = rough(whole, mirrored=True)
    torch.testing.assert_close(start[:, 0], start[:, 0].flip(-1), rtol=0.0, atol=1e-13)
    found, seen = stepped(half, start[..., :8].contiguous()), stepped(whole, start)
    torch.testing.assert_close(found, seen[..., :8], rtol=0.0, atol=1e-12)
