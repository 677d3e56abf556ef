"""Backward Euler with colliders: moving like the explicit one, squeezing, sliding, holding, exact gradients."""

import math
from itertools import pairwise

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.measures import cauchy_stress

G = 9.81


def implicit(**settings):
    return sc.MaterialPoint(integrator=sc.Implicit(**settings))


def explicit_bound(scene):
    solver, state, params = compile_scene(scene.replace({"method": sc.MaterialPoint()}), device="cpu", dtype="float64")
    return float(solver.max_dt(map_tensors(torch.Tensor.detach, state), params))


def landing(contact, dim=2, mark=lambda value: value, **fields):
    """A block falls on a turned bar that moves by a table and turns; `mark` what may learn."""

    def place(x, y):
        return (x, y) if dim == 2 else (x, 0.5, y)

    turning = mark(1.0) if dim == 2 else (0.2, mark(-1.0), 0.1)
    bar = sc.Collider(
        sc.Box(center=mark(place(0.5, 0.39)), size=place(0.5, 0.1) if dim == 2 else (0.5, 0.4, 0.1)),
        rotation=8.0 if dim == 2 else (3.0, 8.0, 0.0),
        contact=contact,
        motion=sc.Moving(
            velocity=(mark(0.1), sc.Table(0.05, mark((0.0, 0.2, 0.4, 0.1))), 0.0)[:dim]
            if dim == 2
            else (mark(0.1), 0.0, sc.Table(0.05, mark((0.0, 0.2, 0.4, 0.1)))),
            angular_velocity=turning,
        ),
    )
    block = sc.Body(
        shape=sc.Box(center=place(0.5, 0.58), size=place(0.3, 0.2) if dim == 2 else (0.25, 0.25, 0.2)),
        velocity=mark(place(0.2, -1.0) if dim == 2 else (0.2, 0.1, -1.0)),
        material=sc.NeoHookean(youngs_modulus=mark(1e5)),
    )
    known = {
        "name": "landing",
        "domain": sc.Domain(size=(1.0,) * dim, cells=(16 if dim == 2 else 10,) * dim),
        "gravity": mark(place(0.5, -G) if dim == 2 else (0.5, 0.1, -G)),
        "entities": {"block": block, "bar": bar},
        "time": sc.Time(end=1.0),
    }
    return sc.Scene(**known | fields)


def test_the_step_tends_to_the_explicit_one_with_order_one(lab):
    """Pressed and rubbed: the difference between the integrators halves with dt."""
    scene = landing(sc.Coulomb(0.4)).replace({"block.material.youngs_modulus": 2e4})
    longest, apart = 0.4 * explicit_bound(scene), []
    for dt, steps in ((longest, 28), (longest / 2, 56), (longest / 4, 112)):
        ends = []
        for method in (sc.MaterialPoint(), implicit(tolerance=1e-8, creep=1e-2)):
            solver, state, params = lab.compiled(scene.replace({"method": method}))
            ends.append(lab.march(solver, state, params, steps, dt)[0])
        apart.append(float((ends[0].position - ends[1].position).norm() / (ends[0].position - state.position).norm()))
    assert apart[0] < 0.2
    for coarse, fine in pairwise(apart):
        assert 1.6 < coarse / fine < 2.5, apart


@pytest.mark.parametrize("contact", [sc.Separate(), sc.Stick()], ids=lambda contact: contact.kind)
def test_squeezing_between_plates_makes_the_stress_of_the_explicit_run(lab, contact):
    """Two plates go 5 mm each into a stiff block of 0.3 m, in 8 steps of thirty times the explicit bound."""

    def plate(y, speed):
        return sc.Collider(
            sc.Box(center=(0.5, y), size=(0.8, 0.1)), contact=contact, motion=sc.Moving(velocity=(0.0, speed))
        )

    block = lab.box_of((0.3, 0.35), (0.4, 0.3), sc.NeoHookean(youngs_modulus=1e7, poisson_ratio=0.3, density=1000.0))
    gap = 0.0 if contact == sc.Separate() else 0.025  # what sticks is held half a cell deep
    scene = lab.scene_of(
        2, 20, entities={"block": block, "low": plate(0.3 + gap, 0.05), "top": plate(0.7 - gap, -0.05)}
    )
    stresses = {}
    for method, steps in ((sc.MaterialPoint(), 900), (implicit(), 8)):
        solver, state, params = lab.compiled(scene.replace({"method": method}))
        assert method == sc.MaterialPoint() or 0.1 / steps > 30 * explicit_bound(scene)
        end, _ = lab.march(solver, state, params, steps, 0.1 / steps)
        middle = ((end.position[0] - 0.5).abs() < 0.06).all(-1)
        stresses[steps] = cauchy_stress(end, solver.tables(params), solver.matter)[0, middle].mean(0)
    assert float(stresses[8][1, 1]) == pytest.approx(float(stresses[900][1, 1]), rel=0.06)
    assert float(stresses[8][1, 1]) == pytest.approx(-1e7 / (1 - 0.09) * 0.01 / 0.3, rel=0.25)  # plane strain


@pytest.mark.parametrize(("degrees", "friction"), [(35, 0.3), (20, 0.5)])
def test_block_slides_or_sticks_on_an_incline(lab, degrees, friction):
    """a = g (sin theta - mu cos theta), or the creep alone; on a turned box, at eight times the explicit step."""
    angle = math.radians(degrees)
    top = 0.125 + 1000 * G * math.cos(angle) * 0.125 / 16 / (2e5 * 0.7 / (1.3 * 0.4))  # as deep as its weight presses
    block = sc.Body(shape=sc.Box(center=(0.55, 0.1875), size=(0.5, 0.125)), material=sc.NeoHookean(youngs_modulus=2e5))
    floor = sc.Collider(sc.Box(center=(1.0, top - 0.05), size=(0.1, 1.9)), rotation=90.0, contact=sc.Coulomb(friction))
    scene = sc.Scene(
        name="slope",
        domain=sc.Domain(size=(2.0, 0.5), cells=(32, 8)),
        gravity=(G * math.sin(angle), -G * math.cos(angle)),
        entities={"block": block, "floor": floor},
        time=sc.Time(end=1.0),
        method=implicit(),
    )
    solver, state, params = lab.compiled(scene)
    end, time = lab.march(solver, state, params, 14, 8 * explicit_bound(scene))
    speed = float(end.velocity[0, :, 0].mean())
    if friction > math.tan(angle):
        assert abs(speed) < 2e-3
    else:
        assert speed == pytest.approx(G * (math.sin(angle) - friction * math.cos(angle)) * float(time), rel=0.01)


@pytest.mark.parametrize("stiffness", [1e6, 1e8])
def test_a_stiff_block_comes_to_rest_on_a_fixed_ball(lab, stiffness):
    """It meets the round surface within one long step, sticks by friction, and lies where it fell."""
    entities = {
        "block": lab.box_of((0.36, 0.52), (0.3, 0.15), sc.NeoHookean(youngs_modulus=stiffness), velocity=(0.0, -0.5)),
        "ball": sc.Collider(sc.Sphere(center=(0.51, 0.3), radius=0.2), contact=sc.Coulomb(0.8)),
    }
    scene = lab.scene_of(2, 24, gravity=(0.0, -G), entities=entities, method=implicit())
    solver, state, params = lab.compiled(scene)
    end, _ = lab.march(solver, state, params, 30, 0.01)
    assert 0.01 / explicit_bound(scene) > (9 if stiffness == 1e6 else 90)
    moved = (end.position - state.position)[0].mean(0)
    assert -0.025 < float(moved[1]) < -0.005
    assert abs(float(moved[0])) < 0.005
    assert float(end.velocity.abs().max()) < 0.01


@pytest.mark.parametrize("contact", [sc.Stick(), sc.Slip()], ids=lambda contact: contact.kind)
def test_what_clings_to_a_collider_moves_with_it(lab, contact):
    """A ceiling that sinks and drifts takes along what sticks to it; what slips on it sinks, but does not drift."""
    block = lab.box_of((0.35, 0.4), (0.25, 0.25), sc.NeoHookean(youngs_modulus=1e7))
    ceiling = sc.Collider(
        sc.Box(center=(0.5, 0.75), size=(0.8, 0.2)), contact=contact, motion=sc.Moving(velocity=(0.2, -0.1))
    )
    scene = lab.scene_of(2, entities={"block": block, "ceiling": ceiling}, method=implicit())
    solver, state, params = lab.compiled(scene)
    end, time = lab.march(solver, state, params, 25, 0.02)
    moved = (end.position - state.position)[0].mean(0) / float(time)
    assert float(moved[1]) == pytest.approx(-0.1, rel=0.03)
    assert float(moved[0]) == pytest.approx(0.2 if isinstance(contact, sc.Stick) else 0.0, abs=0.01)


CONTACTS = {"coulomb": sc.Coulomb(sc.Parameter(0.3)), "stick": sc.Stick(), "slip": sc.Slip()}


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["coulomb", "stick", pytest.param("slip", marks=pytest.mark.slow)])
def test_gradients_by_everything_agree_with_differences(lab, kind, dim):
    """Beyond the explicit bound: matter, gravity, the place of the collider, its table, its turning and friction."""
    scene = landing(CONTACTS[kind], dim, sc.Parameter, method=implicit(tolerance=1e-12, creep=0.05))
    steps, dt = (22, 8e-3) if dim == 2 else (14, 1.2e-2)
    assert dt > 1.5 * explicit_bound(scene)
    solver, state, params = lab.compiled(scene)
    end, _ = lab.march(solver, state, params, steps, dt)
    strain = (end.deformation - torch.eye(dim)).abs().max()
    assert float(strain) > 0.02, "they have hardly met"
    lab.differentiates_at_once(scene, steps, dt)


@pytest.mark.slow
def test_gradient_by_each_parameter_and_by_a_sampled_shape(lab):
    shape = sc.Sphere(center=(0.45, 0.34), radius=0.1) | sc.Sphere(center=(0.6, 0.36), radius=0.08)
    scene = landing(sc.Coulomb(sc.Parameter(0.3)), 2, sc.Parameter, method=implicit(tolerance=1e-12, creep=0.05))
    bar = scene.entities["bar"].model_copy(update={"shape": shape})
    lab.differentiates(scene, steps=22, dt=8e-3)
    lab.differentiates(scene.model_copy(update={"entities": {**scene.entities, "bar": bar}}), steps=22, dt=8e-3)


def test_members_of_a_batch_have_colliders_of_their_own(lab):
    scene = landing(sc.Coulomb(0.3), method=implicit())
    other = scene.replace({"bar.motion.velocity.0": -0.4, "bar.shape.center": (0.45, 0.38)})
    together = rollout(*compile_scene([scene, other], "cpu", "float64"), until=0.1, controller=Fixed(8e-3)).state
    for index, alone in enumerate((scene, other)):
        single = rollout(*compile_scene(alone, "cpu", "float64"), until=0.1, controller=Fixed(8e-3)).state
        for name, field in vars(single).items():
            assert torch.equal(getattr(together, name)[index : index + 1], field), name
