"""Laws of masses and springs."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import with_tensors
from scenegrad.solvers.compile import compile_scene

DUCK = Path(__file__).resolve().parents[3] / "assets" / "meshes" / "duck.stl"
STIFFNESS, MASS = 40.0, 0.5  # of the oscillator


def scene_of(*, end=1.0, gravity=None, outputs=None, size=(4.0, 4.0), walls=None, **bodies):
    return sc.Scene(
        name="springs",
        domain=sc.Domain(size=size),
        gravity=gravity,
        entities={**bodies, **(walls or {})},
        outputs=outputs or {},
        time=sc.Time(end=end),
    )


def oscillator(end):
    """A mass on a spring, the other end held, pulled out by a tenth of its length."""
    net = sc.SpringList(points=((1.0, 2.0), (2.0, 2.0)), springs=((0, 1),))
    held = sc.Sphere(center=(1.0, 2.0), radius=0.1)
    return scene_of(end=end, body=sc.Springs(net=net, mass=2 * MASS, stiffness=STIFFNESS, held=held))


def swing(dt, end):
    solver, state, params = compile_scene(oscillator(end), device="cpu", dtype="float64")
    position = state.position.clone()
    position[0, 1, 0] += 0.1
    probe_times = rollout(solver, with_tensors(state, {"position": position}), params.detach(), controller=Fixed(dt))
    return float(probe_times.state.position[0, 1, 0] - 2.0)


OMEGA = math.sqrt(STIFFNESS / MASS)


def test_a_mass_on_a_spring_swings_with_its_period():
    """x = A cos(sqrt(k / m) t): a quarter after two periods it passes the middle, to a thousandth of a period."""
    period = 2 * math.pi / OMEGA
    early, late = (swing(period / 1000, (2.25 + shift) * period) for shift in (-1e-3, 1e-3))
    assert early > 0.0 > late


def test_the_error_falls_with_the_step():
    end = 0.7 * 2 * math.pi / OMEGA
    errors = [abs(swing(end / steps, end) - 0.1 * math.cos(OMEGA * end)) for steps in (50, 100, 200)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(orders) > 0.95, f"expected order 1, measured {orders} from errors {errors}"


def turning_block(damping=0.0):
    return scene_of(
        end=0.5,
        body=sc.Springs(
            net=sc.SpringLattice(center=(2.0, 2.0), size=(0.6, 0.4), cells=(3, 2)),
            mass=1.3,
            stiffness=300.0,
            damping=damping,
            velocity=(0.4, -0.3),
            actuators={
                "left": sc.Actuator(
                    activation=sc.Sine(amplitude=0.2, frequency=3.3), region=sc.Box(center=(1.8, 2), size=(0.3, 1))
                )
            },
        ),
    )


def thrown(scene, spin=3.0):
    """The body of the scene, turning at first."""
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    arm = state.position - state.position.mean(1, keepdim=True)
    velocity = state.velocity + spin * torch.stack([-arm[..., 1], arm[..., 0]], dim=-1)
    return solver, with_tensors(state, {"velocity": velocity}), params.detach()


def test_springs_dampers_and_muscles_keep_momentum_and_angular_momentum():
    solver, state, params = thrown(turning_block(damping=0.5))
    before = solver.observe(state, params)
    roll = rollout(solver, state, params)
    after = solver.observe(roll.state, params)
    assert int(roll.steps) > 50
    assert roll.state.activation.abs().item() > 0.01
    torch.testing.assert_close(after["momentum"], before["momentum"], rtol=0, atol=1e-13)
    torch.testing.assert_close(after["angular_momentum"], before["angular_momentum"], rtol=1e-13, atol=0)


def test_energy_wavers_in_proportion_to_the_step_and_does_not_drift():
    scene = turning_block().replace({"body.actuators": {}, "time.end": 3.0})

    def waver(dt):
        solver, state, params = thrown(scene)
        probe = sc.Energy(every=0.02)
        solver, _, _ = compile_scene(scene.replace({"outputs": {"e": probe.model_dump()}}), "cpu", "float64")
        e = rollout(solver, state, params, controller=Fixed(dt)).outputs["e"]["total"][0]
        return float((e - e[0]).abs().max() / e[0]), float((e[-50:].mean() - e[:50].mean()).abs() / e[0])

    (coarse, drift), (fine, _) = waver(2e-3), waver(1e-3)
    assert coarse < 0.02
    assert 1.6 < coarse / fine < 2.5
    assert drift < 0.1 * coarse


def test_damping_takes_energy_away():
    solver, state, params = thrown(turning_block(damping=0.5).replace({"body.actuators": {}}))
    wild = with_tensors(state, {"velocity": state.velocity * torch.linspace(-1, 1, 12, dtype=torch.float64)[:, None]})
    before = solver.observe(wild, params)["total_energy"]
    after = solver.observe(rollout(solver, wild, params).state, params)["total_energy"]
    assert float(after) < 0.8 * float(before)


def block_on_a_slope(angle, friction, end=0.5):
    """Seen from the slope: gravity is tilted."""
    g = 9.81
    return scene_of(
        end=end,
        gravity=(g * math.sin(angle), -g * math.cos(angle)),
        size=(10.0, 4.0),
        body=sc.Springs(
            net=sc.SpringLattice(center=(2.0, 0.6), size=(0.4, 0.2), cells=(2, 1)),
            mass=1.0,
            stiffness=3000.0,
            damping=4.0,
        ),
        walls={"slope": sc.Wall(normal=(0, 1), offset=0.5, contact=sc.Coulomb(friction))},
    )


def test_a_block_slides_down_a_slope_as_friction_allows():
    """p_x = M g sin(a) t - mu (p_y + M g cos(a) t): to rounding, whatever the block does in itself."""
    angle, friction = math.radians(30), 0.3
    solver, state, params = compile_scene(block_on_a_slope(angle, friction), device="cpu", dtype="float64")
    end = rollout(solver, state, params.detach()).state
    p_x, p_y = solver.observe(end, params.detach())["momentum"][0].tolist()
    fall = 9.81 * 0.5
    assert p_x == pytest.approx(fall * math.sin(angle) - friction * (p_y + fall * math.cos(angle)), rel=1e-12)
    assert p_x == pytest.approx(fall * (math.sin(angle) - friction * math.cos(angle)), rel=0.01)


def test_a_block_sticks_below_the_friction_angle():
    scene = block_on_a_slope(math.radians(20), math.tan(math.radians(25)), end=1.0)
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    settled = rollout(solver, state, params.detach(), until=0.5).state
    end = rollout(solver, settled, params.detach(), start=0.5, until=1.0).state
    moved = (end.position - settled.position).abs()
    assert float(moved[0, [0, 2, 4], 0].max()) == 0.0  # the masses on the slope
    assert float(moved.max()) < 1e-4
    slid = scene.replace({"slope.contact.friction": math.tan(math.radians(15))})
    end = rollout(*compile_scene(slid, device="cpu", dtype="float64")).state
    assert float((end.position - state.position)[..., 0].min()) > 0.3


def test_a_muscle_shortens_its_springs_by_its_activation():
    net = sc.SpringList(points=((1.0, 2.0), (2.0, 2.0), (2.0, 3.0)), springs=((0, 1), (1, 2)))
    pull = sc.Actuator(activation=0.25, region=sc.Box(center=(2, 2), size=(3, 3)), along=(1, 0))
    body = sc.Springs(net=net, mass=1.0, stiffness=50.0, damping=5.0, actuators={"pull": pull})
    solver, state, params = compile_scene(scene_of(end=5.0, body=body), device="cpu", dtype="float64")
    x = rollout(solver, state, params.detach()).state.position[0]
    assert float((x[1] - x[0]).norm()) == pytest.approx(0.75, abs=1e-4)
    assert float((x[2] - x[1]).norm()) == pytest.approx(1.0, abs=1e-4)


def test_every_spring_can_have_a_stiffness_of_its_own():
    stiffness = (10.0, 20.0)
    net = sc.SpringList(points=((1.0, 2.0), (2.0, 2.0), (3.0, 2.0)), springs=((0, 1), (1, 2)))
    body = sc.Springs(net=net, mass=1.0, stiffness=sc.Parameter(stiffness))
    solver, state, params = compile_scene(scene_of(body=body), device="cpu", dtype="float64")
    stretched = with_tensors(state, {"position": state.position * 1.1})
    energy = solver.observe(stretched, params)["elastic_energy"]
    energy.sum().backward()
    assert energy.item() == pytest.approx(0.5 * 0.01 * sum(stiffness))
    assert params["body.stiffness"].grad[0].tolist() == pytest.approx([0.005, 0.005])


def test_numbers_of_each_spring_and_mass_start_from_one():
    scene = turning_block().replace(
        {
            "body.stiffness": sc.Parameter(300.0, each="particle"),
            "body.mass": sc.Parameter(tuple(np.linspace(1.0, 1.6, 12))),
        }
    )
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    assert params["body.stiffness"].shape == (1, len(solver.matter.pairs))
    assert solver.observe(state, params)["mass"].item() == pytest.approx(1.3)
    moved = rollout(solver, *thrown(scene)[1:2], params).state
    moved.position.square().sum().backward()
    assert float(params["body.stiffness"].grad.std()) > 0
    assert float(params["body.mass"].grad.std()) > 0


def test_a_cube_of_springs_and_the_edges_of_a_mesh_are_knit(tmp_path):
    cube = sc.SpringLattice(center=(1.0, 1.0, 1.0), size=(1.0, 1.0, 1.0), cells=(1, 1, 1))
    solver, _, _ = compile_scene(scene_of(size=(4.0,) * 3, body=sc.Springs(net=cube, mass=1, stiffness=1)), "cpu")
    assert len(solver.matter.pairs) == 12 + 2 * 6
    edges = sc.MeshEdges(sc.Mesh(str(DUCK), scale=0.4, center=(2, 2, 2)))
    solver, state, _ = compile_scene(scene_of(size=(4.0,) * 3, body=sc.Springs(net=edges, mass=1, stiffness=1)), "cpu")
    masses, springs = state.position.shape[1], len(solver.matter.pairs)
    assert springs == 3 * masses - 6  # Euler's formula of a closed surface of triangles


def walker_of_all_numbers():
    """Every kind of number marked, while masses slide and stick on the floor."""
    learn = sc.Parameter
    return sc.Scene(
        name="all",
        domain=sc.Domain(size=(2.0, 1.0)),
        gravity=learn((0.4, -9.0)),
        entities={
            "body": sc.Springs(
                net=sc.SpringLattice(center=(0.7, 0.32), size=(0.4, 0.2), cells=(2, 1)),
                mass=learn(0.8),
                stiffness=learn(tuple(np.linspace(300.0, 500.0, 11))),
                damping=learn(0.3),
                rest=learn(1.02),
                drag=learn(0.2),
                velocity=learn((0.5, -0.2)),
                actuators={
                    "left": sc.Actuator(
                        activation=sc.Table(0.05, learn((0.0, 0.2, -0.1, 0.3))),
                        region=sc.Box(center=(0.6, 0.3), size=(0.2, 0.3)),
                    ),
                    "top": sc.Actuator(
                        activation=sc.Sine(learn(0.1), learn(4.0), phase=learn(0.3), offset=learn(0.02)),
                        springs=(0, 3),
                    ),
                },
            ),
            "floor": sc.Wall(normal=(0, 1), offset=learn(0.2), contact=sc.Coulomb(learn(0.4))),
        },
        time=sc.Time(end=0.25, dt=1e-3),
    )


def test_adjoint_matches_central_differences_for_every_number_through_250_steps():
    scene = walker_of_all_numbers()
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    weights = torch.linspace(0.3, 1.7, state.position.numel(), dtype=torch.float64).view_as(state.position)

    def loss(values):
        end = rollout(solver, solver.program.initial(values), values).state
        return ((end.position + 0.1 * end.velocity) * weights).sum()

    loss(params).backward()
    generator = torch.Generator().manual_seed(1)
    for address in scene.parameters():
        value, grad = params[address].detach(), params[address].grad
        direction = torch.randn(value.shape, generator=generator, dtype=torch.float64) * (value.abs() + 0.1)
        predicted = float((grad * direction).sum())
        misses = []
        for h in (1e-6, 1e-7):
            high, low = (loss(params.detach().replace({address: value + s * h * direction})) for s in (1, -1))
            misses.append(abs(float(high - low) / (2 * h) - predicted) / abs(predicted))
            if misses[-1] < 1e-6:
                break
        assert abs(predicted) > 1e-6, address
        assert min(misses) < 1e-6, f"{address}: {predicted}, misses {misses}"


def test_a_step_beyond_the_bound_is_refused_and_one_at_the_bound_stays_bounded():
    solver, state, params = thrown(turning_block().replace({"body.actuators": {}, "time.end": 20.0}))
    bound = float(solver.max_dt(state, params))
    with pytest.raises(StabilityError):
        rollout(solver, state, params, controller=Fixed(1.1 * bound))
    end = rollout(solver, state, params, controller=Fixed(bound)).state
    assert float(end.velocity.abs().max()) < 10 * float(state.velocity.abs().max())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"body.net.cells": [3, 0]}, "cells"),
        ({"body.net.center": [2.0, 0.1]}, "deep in boundary.y_lo"),
        ({"body.actuators.left.region.center": [9.0, 9.0]}, "moves no spring"),
        ({"body.actuators.left.activation.kind": "table"}, "every"),
        ({"body.stiffness": {"kind": "parameter", "value": [1.0, 2.0]}}, "holds 2 numbers"),
        ({"body.mass": -1.0}, "positive"),
        ({"outputs": {"x": {"kind": "particles", "quantities": ["velocty"], "every": 0.1}}}, "velocity"),
        ({"boundary": {"default": {"kind": "stick"}}}, "take Separate, Coulomb"),
        ({"domain.wrap": True}, "wrap"),
    ],
)
def test_what_cannot_run_is_refused_in_words(change, told):
    with pytest.raises(sc.SceneError, match=told):
        compile_scene(turning_block().replace(change), device="cpu")


def test_a_spring_without_length_and_a_loose_mass_are_refused():
    for points, springs, told in (
        (((1.0, 1.0), (1.0, 1.0)), ((0, 1),), "at one place"),
        (((1.0, 1.0), (1.0, 2.0), (2.0, 2.0)), ((0, 1),), "mass 2 without a spring"),
    ):
        body = sc.Springs(net=sc.SpringList(points=points, springs=springs), mass=1.0, stiffness=1.0)
        with pytest.raises(sc.SceneError, match=told):
            compile_scene(scene_of(body=body), device="cpu")
