"""Bodies of a batch turn, and feel torques, about their own centres and from their own angles."""

from typing import Any

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.staggered.obstacles.motion import rotation


def stirred(x: float, angle: float) -> sc.Scene:
    return sc.Scene(
        name="stirred",
        domain=sc.Domain(size=(2.0, 1.0), cells=(24, 12)),
        entities={
            "water": sc.Fluid(viscosity=0.05),
            "bar": sc.Obstacle(
                shape=sc.Box(center=(x, 0.5), size=(0.6, 0.2)), rotation=angle, motion=sc.Moving(angular_velocity=2.0)
            ),
        },
        boundary=sc.Boundary(x_lo=sc.Inflow(1.0), x_hi=sc.Outflow(), default=sc.NoSlip()),
        outputs={"force": sc.Force("bar", every=0.05)},
        time=sc.Time(end=0.1, dt=0.005),
    )


def test_a_body_does_not_feel_where_those_of_other_members_stand() -> None:
    left, right = stirred(0.8, 0.0), stirred(1.2, 30.0)
    both = rollout(*compile_scene([left, right], "cpu", "float64"), until=0.1).outputs
    for member, scene in enumerate((left, right)):
        alone = rollout(*compile_scene(scene, "cpu", "float64"), until=0.1).outputs
        for name, value in alone["force"].items():
            torch.testing.assert_close(both["force"][name][member], value[0], rtol=1e-9, atol=1e-11)


def test_torques_of_a_gas_are_about_the_middle_of_each_member() -> None:
    def blown(x: float) -> sc.Scene:
        return sc.Scene(
            name="blown",
            domain=sc.Domain(size=(2.0, 1.0), cells=(24, 12)),
            entities={
                "gas": sc.Gas(velocity=(0.0, 0.5)),
                "post": sc.Obstacle(shape=sc.Sphere(center=(x, 0.6), radius=0.2)),
            },
            boundary=sc.Boundary(default=sc.Slip()),
            outputs={"force": sc.Force("post", every=0.05)},
            time=sc.Time(end=0.1, dt=0.005),
        )

    both = rollout(*compile_scene([blown(0.8), blown(1.2)], "cpu", "float64"), until=0.1).outputs["force"]
    alone = rollout(*compile_scene(blown(1.2), "cpu", "float64"), until=0.1).outputs["force"]
    assert float(alone["force"].abs().max()) > 0.01
    torch.testing.assert_close(both["torque"][1], alone["torque"][0], rtol=1e-9, atol=1e-11)


def test_water_moves_to_the_last_bit_as_it_would_without_the_bodies_of_other_members() -> None:
    """What no body is near is no business of a body, wherever those of other members go."""

    def drawn(x: float, speed: float) -> sc.Scene:
        return sc.Scene(
            name="drawn",
            domain=sc.Domain(size=(3.0, 1.0), cells=(36, 12)),
            entities={
                "water": sc.Fluid(viscosity=0.05),
                "heat": sc.Tracer(diffusivity=0.01, buoyancy=(0.0, 1.0), initial=0.3),
                "ball": sc.Obstacle(
                    shape=sc.Sphere(center=(x, 0.5), radius=0.2), motion=sc.Moving(velocity=(speed, 0.1)), heat=0.7
                ),
            },
            boundary=sc.Boundary(x_lo=sc.Inflow(1.0, heat=0.1), x_hi=sc.Outflow(), default=sc.NoSlip()),
            time=sc.Time(end=0.04, dt=0.004),
        )

    scenes = [drawn(0.7, 0.3), drawn(2.2, -0.7)]
    both = rollout(*compile_scene(scenes, "cpu", "float32"), until=0.04).state
    for member, scene in enumerate(scenes):
        alone = rollout(*compile_scene(scene, "cpu", "float32"), until=0.04).state
        for name in ("u", "v", "tracers", "pressure"):
            assert torch.equal(getattr(both, name)[member], getattr(alone, name)[0]), name


@pytest.mark.parametrize("given", [{"rotation": 30.0}, {"motion": sc.Moving(angular_velocity=3.0)}, {}])
def test_the_derivative_by_the_place_of_a_body_is_that_of_the_scene_with_the_body_elsewhere(given: Any) -> None:
    """What it turns about, and what its torque is about, goes along."""

    def number(x: float, y: float) -> tuple[torch.Tensor, torch.Tensor]:
        scene = sc.Scene(
            name="placed",
            domain=sc.Domain(size=(2.0, 1.0), cells=(24, 12)),
            entities={
                "water": sc.Fluid(viscosity=0.05, velocity=(1.0, 0.0)),
                "bar": sc.Obstacle(shape=sc.Box(center=sc.Parameter((x, y)), size=(0.6, 0.3)), **given),
            },
            boundary=sc.Boundary(x_lo=sc.Inflow(1.0), x_hi=sc.Outflow(), default=sc.NoSlip()),
            outputs={"force": sc.Force("bar", every=0.02)},
            time=sc.Time(end=0.04, dt=0.004),
        )
        solver, state, params = compile_scene(scene, "cpu", "float64")
        run = rollout(solver, state, params, until=0.04)
        felt = run.outputs["force"]
        found = felt["force"][0, -1].square().sum() + felt["torque"][0, -1] + run.state.v.square().mean()
        return found, params["bar.shape.center"]

    x, y, h = 0.8811, 0.4733, 1e-6  # no sample on a crease of the distance
    value, place = number(x, y)
    (slope,) = torch.autograd.grad(value, place)
    along = [number(x + h, y)[0] - number(x - h, y)[0], number(x, y + h)[0] - number(x, y - h)[0]]
    torch.testing.assert_close(slope[0], torch.stack(along) / (2 * h), rtol=1e-5, atol=1e-6)


def test_the_torque_of_a_gas_goes_along_with_the_body() -> None:
    def torque(x: float, y: float) -> tuple[torch.Tensor, torch.Tensor]:
        scene = sc.Scene(
            name="blown",
            domain=sc.Domain(size=(2.0, 1.0), cells=(24, 12)),
            entities={
                "gas": sc.Gas(velocity=(0.4, 0.3)),
                "post": sc.Obstacle(shape=sc.Box(center=sc.Parameter((x, y)), size=(0.5, 0.3))),
            },
            boundary=sc.Boundary(default=sc.Slip()),
            outputs={"force": sc.Force("post", every=0.05)},
            time=sc.Time(end=0.05, dt=0.005),
        )
        solver, state, params = compile_scene(scene, "cpu", "float64")
        run = rollout(solver, state, params, until=0.05)
        return run.outputs["force"]["torque"][0, -1], params["post.shape.center"]

    x, y, h = 0.8811, 0.4733, 1e-6
    value, place = torque(x, y)
    (slope,) = torch.autograd.grad(value, place)
    along = [torque(x + h, y)[0] - torque(x - h, y)[0], torque(x, y + h)[0] - torque(x, y - h)[0]]
    torch.testing.assert_close(slope[0], torch.stack(along) / (2 * h), rtol=1e-5, atol=1e-6)


def test_a_rotation_in_space_is_the_exponential_and_the_same_bits_in_any_batch() -> None:
    axis = torch.tensor([0.3, -0.5, 0.8], dtype=torch.float64)
    sizes = torch.tensor([0.0, 1e-9, 9e-3, 1.1e-2, 0.7, 3.1, 9.0], dtype=torch.float64)
    turns = sizes[:, None] * axis

    def generator(v: torch.Tensor) -> torch.Tensor:
        x, y, z = v.unbind(1)
        o = torch.zeros_like(x)
        return torch.stack([o, -z, y, z, o, -x, -y, x, o], 1).view(-1, 3, 3)

    found = rotation(turns.unbind(1))
    torch.testing.assert_close(found, torch.linalg.matrix_exp(generator(turns)), rtol=0, atol=3e-15)
    for n in range(len(sizes)):
        assert torch.equal(rotation(turns[n : n + 1].unbind(1))[0], found[n])
    free = turns.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: rotation(v.unbind(1)), (free,))
