"""Colliders: what they hold, push, brake and let go, and gradients by where they are and how they move."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene

G = 9.81
STIFF = sc.NeoHookean(youngs_modulus=2e5, poisson_ratio=0.3, density=1000.0)
MODULUS = 2e5 * 0.7 / (1.3 * 0.4)  # of STIFF against compression from one side


def followed(lab, scene, end, share=0.5):
    """Mean velocity of the particles after each step [step, dim], the times of the steps, and the last state."""
    solver, state, params = lab.compiled(scene)
    dt = share * solver.max_dt(state, params)
    time, speeds = torch.zeros_like(dt), []
    for _ in range(int(end / float(dt))):
        state = solver.step(state, params, time, dt).state
        time = time + dt
        speeds.append(state.velocity[0].mean(0))
    return torch.stack(speeds), float(dt) * torch.arange(1, len(speeds) + 1, dtype=torch.float64), state


def incline(kind, angle, friction, height=0.125):
    """A flat block that has come to rest on a slope; gravity is turned instead of the slope."""
    top = 0.125 + 1000 * G * math.cos(angle) * height / 16 / MODULUS  # as deep as its weight presses it
    floors = {
        "wall": sc.Wall(normal=(0, 1), offset=top, contact=sc.Coulomb(friction)),
        "plane": sc.Collider(sc.HalfSpace(normal=(0, 1), offset=top), contact=sc.Coulomb(friction)),
        "box": sc.Collider(sc.Box(center=(1.0, top - 0.05), size=(1.9, 0.1)), contact=sc.Coulomb(friction)),
        "turned box": sc.Collider(
            sc.Box(center=(1.0, top - 0.05), size=(0.1, 1.9)), rotation=90.0, contact=sc.Coulomb(friction)
        ),
    }
    block = sc.Body(shape=sc.Box(center=(0.55, 0.125 + height / 2), size=(0.5, height)), material=STIFF)
    return sc.Scene(
        name="slope",
        domain=sc.Domain(size=(2.0, 0.5), cells=(32, 8)),
        gravity=(G * math.sin(angle), -G * math.cos(angle)),
        entities={"block": block, "floor": floors[kind]},
        time=sc.Time(end=1.0),
    )


@pytest.mark.parametrize("kind", ["wall", "plane", "box", "turned box"])
def test_block_slides_down_an_incline_with_its_friction(lab, kind):
    """a = g (sin theta - mu cos theta), whatever the slope is made of."""
    angle, friction = math.radians(35), 0.3
    speeds, times, _ = followed(lab, incline(kind, angle, friction), 0.35)
    gained = float((speeds[:, 0] * times).sum() / times.square().sum())
    assert gained == pytest.approx(G * (math.sin(angle) - friction * math.cos(angle)), rel=0.01)


@pytest.mark.parametrize("kind", ["wall", "box"])
def test_block_sticks_below_the_angle_of_friction(lab, kind):
    angle = math.radians(20)
    speeds, times, _ = followed(lab, incline(kind, angle, 0.5), 0.35)
    assert abs(float(speeds[-1, 0])) < 2e-3 * G * math.sin(angle) * float(times[-1])


def cube_mesh(path, half, triangles=12):
    """A cube as a surface mesh, of 12 triangles if it is whole."""
    import meshio

    corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half) for z in (-half, half)])
    sides = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = np.array([corner for a, b, c, d in sides for corner in ((a, b, c), (a, c, d))])
    meshio.Mesh(corners, [("triangle", faces[:triangles])]).write(path)
    return str(path)


def test_sampled_mesh_is_the_box_it_shows(lab, tmp_path):
    """A ball dropped on a cube: from its mesh and in closed form, the same to a small part of the sampling distance."""
    path = cube_mesh(tmp_path / "cube.stl", 0.15)
    shapes = {"mesh": sc.Mesh(path, center=(0.5, 0.5, 0.2)), "box": sc.Box(center=(0.5, 0.5, 0.2), size=(0.3,) * 3)}
    ends = {}
    for kind, shape in shapes.items():
        falling = sc.Sphere(center=(0.52, 0.5, 0.48), radius=0.12)
        ball = sc.Body(shape=falling, velocity=(0.0, 0.0, -1.0), material=lab.jelly)
        block = sc.Collider(shape, rotation=(10.0, 0.0, 30.0))
        scene = lab.scene_of(3, 12, gravity=(0.0, 0.0, -G), entities={"ball": ball, "cube": block})
        solver, state, params = lab.compiled(scene)
        ends[kind] = lab.march(solver, state, params, 60, dt=2e-3)[0]
    apart = (ends["mesh"].position - ends["box"].position).norm(dim=-1)
    fallen = (ends["box"].position - state.position).norm(dim=-1)
    assert float(fallen.mean()) > 0.08
    assert float(apart.max()) < 0.1 * (1 / 24)


def test_collider_pushes_a_block_at_its_speed(lab):
    """A plate with a table for its velocity drives a block along; where it stops, the block goes on."""
    plate = sc.Collider(
        sc.Box(center=(0.1, 0.2), size=(0.1, 0.3)),
        motion=sc.Moving(velocity=(sc.Table(0.25, (0.0, 0.4, 0.4, 0.4)), 0.0)),
    )
    block = sc.Body(shape=sc.Box(center=(0.25, 0.2), size=(0.2, 0.2)), material=STIFF)
    scene = sc.Scene(
        name="push",
        domain=sc.Domain(size=(1.0, 0.5), cells=(32, 16)),
        entities={"plate": plate, "block": block},
        outputs={"plate": sc.RigidPose("plate", every=0.1)},
        time=sc.Time(end=1.0),
    )
    speeds, times, state = followed(lab, scene, 1.0)
    late = times > 0.7
    assert float(speeds[late, 0].mean()) == pytest.approx(0.4, rel=0.05)  # it swings
    assert float(state.rigid[0, 0, 0]) == pytest.approx(0.1 + 0.4 * (float(times[-1]) - 0.125), rel=1e-6)
    pose = rollout(*compile_scene(scene, "cpu", "float64"), until=0.2).outputs["plate"]
    assert pose["position"][0, -1].tolist() == pytest.approx([0.1 + 0.5 * 1.6 * 0.2**2, 0.2], rel=1e-6)


def test_belt_takes_a_block_along(lab):
    """On a belt with friction a block gains mu g t, and no more than the speed of the belt."""
    friction, speed = 0.3, 0.5
    top = 0.125 + 1000 * G * 0.125 / 16 / MODULUS
    belt = sc.Collider(
        sc.Box(center=(1.0, top - 0.05), size=(3.0, 0.1)),
        contact=sc.Coulomb(friction),
        motion=sc.Moving(velocity=(speed, 0.0)),
    )
    block = sc.Body(shape=sc.Box(center=(0.55, 0.1875), size=(0.5, 0.125)), material=STIFF)
    scene = sc.Scene(
        name="belt",
        domain=sc.Domain(size=(2.0, 0.5), cells=(32, 8)),
        gravity=(0.0, -G),
        entities={"belt": belt, "block": block},
        time=sc.Time(end=1.0),
    )
    speeds, times, _ = followed(lab, scene, 0.3)
    early = times < 0.8 * speed / (friction * G)
    gained = float((speeds[early, 0] * times[early]).sum() / times[early].square().sum())
    assert gained == pytest.approx(friction * G, rel=0.02)
    assert float(speeds[times > 0.25, 0].mean()) == pytest.approx(speed, rel=0.02)


@pytest.mark.parametrize("contact", [sc.Stick(), sc.Slip()], ids=["stick", "slip"])
def test_what_clings_to_a_collider_moves_with_it(lab, contact):
    """A ceiling that sinks and drifts takes along what sticks to it; what slips on it sinks, but does not drift."""
    block = lab.box_of((0.35, 0.4), (0.25, 0.25), STIFF)
    ceiling = sc.Collider(
        sc.Box(center=(0.5, 0.75), size=(0.8, 0.2)), contact=contact, motion=sc.Moving(velocity=(0.2, -0.1))
    )
    speeds, _, _ = followed(lab, lab.scene_of(2, entities={"block": block, "ceiling": ceiling}), 0.5)
    mean = speeds[len(speeds) // 2 :].mean(0)
    assert float(mean[1]) == pytest.approx(-0.1, rel=0.05)
    assert float(mean[0]) == pytest.approx(0.2 if isinstance(contact, sc.Stick) else 0.0, abs=0.02)


def test_turning_collider_carries_matter_round(lab):
    """A drum that turns about its centre drags the ring of matter that sticks to it along."""
    ring = sc.Sphere(center=(0.5, 0.5), radius=0.25) - sc.Sphere(center=(0.5, 0.5), radius=0.15)
    drum = sc.Collider(
        sc.Sphere(center=(0.5, 0.5), radius=0.17), contact=sc.Stick(), motion=sc.Moving(angular_velocity=2.0)
    )
    scene = lab.scene_of(2, 20, entities={"ring": sc.Body(shape=ring, material=STIFF), "drum": drum})
    _, _, state = followed(lab, scene, 0.4)
    out = state.position[0] - 0.5
    turning = (out[:, 0] * state.velocity[0, :, 1] - out[:, 1] * state.velocity[0, :, 0]) / out.square().sum(1)
    assert float(turning.mean()) == pytest.approx(2.0, rel=0.05)


def colliding(contact):
    """A block falls on a bar that moves by a table, turns, and has friction."""
    return sc.Scene(
        name="bar",
        domain=sc.Domain(size=(1.0, 1.0), cells=(20, 20)),
        gravity=sc.Parameter((0.5, -G)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.5, 0.58), size=(0.3, 0.2)),
                velocity=sc.Parameter((0.2, -1.0)),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(2e4)),
            ),
            "bar": sc.Collider(
                sc.Box(center=sc.Parameter((0.5, 0.37)), size=(0.5, 0.1)),
                rotation=8.0,
                contact=contact,
                motion=sc.Moving(
                    velocity=(sc.Parameter(0.1), sc.Table(0.05, sc.Parameter((0.0, 0.2, 0.4, 0.1)))),
                    angular_velocity=sc.Sine(amplitude=sc.Parameter(1.5), frequency=4.0),
                ),
            ),
        },
        time=sc.Time(end=110 * 1.5e-3),
    )


def test_gradient_by_the_motion_of_a_collider(lab):
    """By the entries of its table, the amplitude of its turning, its place and friction."""
    lab.differentiates(colliding(sc.Coulomb(sc.Parameter(0.3))), steps=110, dt=1.5e-3)


@pytest.mark.slow
def test_gradient_by_the_motion_of_a_collider_that_matter_sticks_to(lab):
    lab.differentiates(colliding(sc.Stick()), steps=110, dt=1.5e-3)


def test_gradient_by_the_place_of_a_sampled_shape(lab):
    """The spline of the distance is smooth enough for an exact derivative."""
    shape = sc.Sphere(center=(0.45, 0.3), radius=0.1) | sc.Sphere(center=(0.6, 0.32), radius=0.08)
    scene = colliding(sc.Stick())
    bar = scene.entities["bar"]
    motion = sc.Moving(velocity=(sc.Parameter(0.1), sc.Parameter(0.5)), angular_velocity=sc.Parameter(1.0))
    lab.differentiates(
        scene.model_copy(
            update={"entities": {**scene.entities, "bar": bar.model_copy(update={"shape": shape, "motion": motion})}}
        ),
        steps=100,
        dt=1.5e-3,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": sc.Box(center=(0.5, 0.5), size=(0.3, 0.3))}, r"starts .* deep in bar"),
        ({"contact": sc.NoSlip()}, "no_slip is not possible here"),
    ],
)
def test_collider_that_cannot_be_is_refused(lab, change, message):
    bar = sc.Collider(sc.Box(center=(0.5, 0.2), size=(0.3, 0.1))).model_copy(update=change)
    with pytest.raises(SceneError, match=message):
        compile_scene(lab.scene_of(2, entities={"block": lab.box_of((0.35, 0.4), (0.25, 0.25)), "bar": bar}))


def test_open_mesh_is_refused(lab, tmp_path):
    """A cube without one of its triangles encloses nothing."""
    path = cube_mesh(tmp_path / "open.stl", 0.15, triangles=11)
    ball = sc.Body(shape=sc.Sphere(center=(0.5, 0.5, 0.7), radius=0.12), material=lab.jelly)
    for solid in (sc.Collider(sc.Mesh(path, center=(0.5, 0.5, 0.2))), sc.RigidBody(sc.Mesh(path, center=(0.5,) * 3))):
        with pytest.raises(SceneError, match="not watertight"):
            compile_scene(lab.scene_of(3, 12, entities={"ball": ball, "cube": solid}))


def test_negative_friction_is_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        sc.Collider(sc.Sphere(center=(0.5, 0.5), radius=0.1), contact=sc.Coulomb(-0.1))


def test_members_of_a_batch_have_colliders_of_their_own(lab):
    scene = colliding(sc.Coulomb(0.3))
    other = scene.replace({"bar.motion.velocity.0.value": -0.4, "bar.shape.center.value": (0.45, 0.3)})
    together = rollout(*compile_scene([scene, other], "cpu", "float64"), controller=Fixed(1.5e-3)).state
    for index, alone in enumerate((scene, other)):
        single = rollout(*compile_scene(alone, "cpu", "float64"), controller=Fixed(1.5e-3)).state
        for name, field in vars(single).items():
            assert torch.equal(getattr(together, name)[index : index + 1], field), name


def test_state_is_left_as_it_was(lab):
    solver, state, params = lab.compiled(colliding(sc.Coulomb(0.3)))
    before = replace(state, **{name: field.clone() for name, field in vars(state).items()})
    lab.march(solver, state, params, 3, dt=1e-3)
    for name, field in vars(before).items():
        assert torch.equal(getattr(state, name), field), name


FLOORS = {
    "plane": sc.HalfSpace(normal=(0, 1), offset=0.2),
    "box": sc.Box(center=(0.5, 0.1), size=(0.9, 0.2)),
    "capsule": sc.Capsule(center=(0.5, 0.0), radius=0.2, height=0.8, axis=(1.0, 0.0)),
    "sampled": sc.Box(center=(0.5, 0.1), size=(0.7, 0.2)) | sc.Box(center=(0.5, 0.05), size=(0.9, 0.1)),
}


@pytest.mark.parametrize("kind", FLOORS)
def test_energy_of_a_bounce_is_that_of_a_wall(lab, kind):
    """A jelly bounces off a floor: what the contact stores is counted, so that the total hardly changes."""
    jelly = sc.Body(shape=sc.Box(center=(0.5, 0.36), size=(0.3, 0.2)), velocity=(0.0, -0.6), material=lab.jelly)
    measured = {}
    for name, floor in (
        ("wall", sc.Wall(normal=(0, 1), offset=0.2)),
        (kind, sc.Collider(FLOORS[kind])),
    ):
        scene = lab.scene_of(
            2, 20, entities={"jelly": jelly, "floor": floor}, outputs={"energy": sc.Energy(every=0.01)},
            time=sc.Time(end=0.25, dt=1e-3),
        )  # fmt: skip
        measured[name] = rollout(*compile_scene(scene, "cpu", "float64")).outputs["energy"]
    for name in ("contact", "total"):
        exact, found = measured["wall"][name][0], measured[kind][name][0]
        near = 3e-3 if kind == "sampled" else 1e-9
        assert float((found - exact).abs().max()) < near * float(measured["wall"]["total"][0, 0]), name
    assert float(measured["wall"]["contact"].max()) > 0.05 * float(measured["wall"]["total"][0, 0])
