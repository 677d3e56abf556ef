"""Boxes of round sizes at round places have samples upon their edges, where a distance has two slopes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.shared.edges import largest, snapped

P = sc.Parameter


def water() -> sc.Scene:
    return sc.Scene(
        name="box",
        domain=sc.Domain(size=(1.2, 1.0), cells=(24, 20)),
        entities={
            "water": sc.Fluid(viscosity=0.01),
            "box": sc.Obstacle(sc.Box(center=P((0.62, 0.53)), size=P((0.3, 0.3)))),
        },
        boundary=sc.Boundary(x_lo=sc.Inflow(1.0), x_hi=sc.Outflow(), y=sc.NoSlip()),
        outputs={"force": sc.Force("box", every=0.02)},
        method=sc.Staggered(advection="central"),
        time=sc.Time(end=0.02, dt=0.005),
    )


def gas() -> sc.Scene:
    return sc.Scene(
        name="box",
        domain=sc.Domain(size=(1.2, 1.0), cells=(12, 10)),
        entities={
            "gas": sc.Gas(density=1.0, pressure=1.0, velocity=(0.4, 0.13), viscosity=0.01),
            "box": sc.Obstacle(sc.Box(center=P((0.73, 0.53)), size=P((0.22, 0.32)))),
        },
        boundary=sc.Boundary(default=sc.Slip()),
        outputs={"force": sc.Force("box", every=0.05)},
        time=sc.Time(end=0.05, dt=0.01),
    )


@pytest.mark.parametrize("given", [water, gas])
def test_gradients_of_a_box_with_samples_upon_its_edges_are_those_of_central_differences(
    given: Callable[[], sc.Scene],
) -> None:
    scene = given()
    solver, _, params = compile_scene(scene, "cpu", "float64")

    def pushed(values: Params) -> Tensor:
        force = rollout(solver, solver.program.initial(values), values, until=scene.time.end).outputs["force"]["force"]
        return (force[0, -1] * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)[: scene.dim]).sum()

    pushed(params).backward()
    still, step = params.detach(), 1e-6
    for name, along in (("box.shape.center", (0.8, -0.6, 0.3)), ("box.shape.size", (0.3, 0.9, -0.5))):
        way = torch.tensor([along[: scene.dim]], dtype=torch.float64)
        there, back = (pushed(still.replace({name: still[name] + sign * step * way})) for sign in (1.0, -1.0))
        slope = params[name].grad
        assert slope is not None
        assert float((slope * way).sum()) == pytest.approx(float(there - back) / (2 * step), rel=2e-3), name


def test_the_slope_of_the_largest_is_the_mean_of_those_that_rounding_tells_apart() -> None:
    x = torch.tensor([0.65 - 0.73, 0.41 - 0.49, -1.0], dtype=torch.float64, requires_grad=True)
    assert float(x[0].detach() - x[1].detach()) != 0.0
    largest(x, 1.0).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.5, 0.5, 0.0]
    alike = torch.full((3,), 0.7, dtype=torch.float64)
    torch.testing.assert_close(largest(alike, 1.0), alike[0], rtol=1e-15, atol=0.0)
    far = torch.tensor([0.0, 1e-9], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(largest(far, 1.0), far)
    assert slope.tolist() == [0.0, 1.0]


def test_what_is_nought_but_for_rounding_keeps_its_slope() -> None:
    x = torch.tensor([0.1 + 0.2 - 0.3, 0.25], dtype=torch.float64, requires_grad=True)
    found = snapped(x, 1.0)
    assert found.tolist() == [0.0, 0.25]
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 1.0]
