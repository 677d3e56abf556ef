"""Gradients that do something: a body with less drag, and a wall that lets less heat through."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def descended(loss, start: torch.Tensor, rate: float, steps: int) -> tuple[float, float, torch.Tensor]:
    """First and best value, and where the best was found: Adam on a few numbers."""
    point = start.clone().requires_grad_()
    walk = torch.optim.Adam([point], lr=rate)
    first, best, where = math.inf, math.inf, start
    for n in range(steps):
        walk.zero_grad()
        value = loss(point)
        if n == 0:
            first = float(value)
        if float(value) < best:
            best, where = float(value), point.detach().clone()
        value.backward()
        walk.step()
    return first, best, where


@pytest.mark.slow
def test_drag_of_a_body_is_lowered_by_its_shape():
    """A box of a given area in a stream becomes long and thin: its drag falls by more than a tenth."""
    area = 0.04
    scene = sc.Scene(
        name="drag",
        domain=sc.Domain(size=(1.6, 0.8), cells=(32, 16)),
        entities={
            "water": sc.Fluid(viscosity=5e-3),
            "body": sc.Obstacle(sc.Box(center=(0.6, 0.4), size=sc.Parameter((0.2, 0.2)))),
        },
        boundary=sc.Boundary(y=sc.Slip(), x_lo=sc.Inflow(1.0), x_hi=sc.Outflow()),
        outputs={"force": sc.Force("body", every=0.5)},
        time=sc.Time(end=1.0, cfl=0.8),
    )
    solver, _, params = compile_scene(scene, "cpu", "float32")

    def drag(stretch: torch.Tensor) -> torch.Tensor:
        side = math.sqrt(area) * torch.stack([stretch.exp(), (-stretch).exp()])[None]
        now = params.replace({"body.shape.size": side})
        return rollout(solver, solver.program.initial(now), now).outputs["force"]["force"][0, -1, 0]

    first, best, where = descended(drag, torch.tensor(0.0), 0.1, 6)
    assert best < 0.9 * first
    assert float(where) > 0.1


@pytest.mark.slow
def test_heat_flow_is_lowered_by_how_the_bottom_is_heated():
    """The mean temperature of the bottom stays the same; where it is hot changes, and less heat comes through."""
    scene = sc.Scene(
        name="plates",
        domain=sc.Domain(size=(2.0, 1.0), cells=(24, 12), wrap=(True, False)),
        entities={
            "air": sc.Fluid(viscosity=0.02),
            "heat": sc.Tracer(diffusivity=0.02, initial=sc.Conduction(1.0, 0.0, disturbance=0.2), buoyancy=(0.0, 1.0)),
        },
        boundary=sc.Boundary(
            x=sc.Periodic(), y_lo=sc.NoSlip(heat=sc.Samples(sc.Parameter((1.0,) * 9))), y_hi=sc.NoSlip(heat=0.0)
        ),
        outputs={"through": sc.Exchange(of="heat", through="boundary.y_hi", every=6.0)},
        time=sc.Time(end=12.0, cfl=0.9),
    )
    solver, _, params = compile_scene(scene, "cpu", "float32")
    address = "boundary.y_lo.carried.heat.values"

    def leaving(change: torch.Tensor) -> torch.Tensor:
        values = 1.0 + change - change.mean()
        values = torch.cat([values, values[:1]])[None]  # the side is periodic
        now = params.replace({address: values})
        return -rollout(solver, solver.program.initial(now), now).outputs["through"][0, -1]

    first, best, _ = descended(leaving, torch.zeros(8), 0.1, 8)
    assert best < 0.97 * first
