"""Rigid bodies: momentum, rolling, spinning, falling, resting, turning about a hinge; gradients through them."""

import math

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm.rigid.clinging import mass_matrix
from scenegrad.solvers.mpm.rigid.mass import filled, summed, surface_points

G = 9.81
AWAY = sc.Body(shape=sc.Box(center=(0.9, 0.9), size=(0.1, 0.1)), material=sc.NeoHookean(youngs_modulus=1e4))


def place(dim, x, y, z=0.5):
    return (x, y) if dim == 2 else (x, z, y)


CONTACTS = (sc.Separate(), sc.Coulomb(0.4), sc.Slip(), sc.Stick())
FLAT = [pytest.param(2, contact, id=f"2d-{contact.kind}") for contact in CONTACTS]
SPATIAL = [pytest.param(3, sc.Coulomb(0.4), id="3d-coulomb"), pytest.param(3, sc.Stick(), marks=pytest.mark.slow)]


@pytest.mark.parametrize(("dim", "contact"), FLAT + SPATIAL)
def test_collision_keeps_momentum_and_angular_momentum(lab, dim, contact):
    """A jelly hits a turned brick off its middle: what the one loses the other gains, whatever the contact."""
    jelly = sc.Body(
        shape=sc.Sphere(center=place(dim, 0.3, 0.5), radius=0.14),
        velocity=place(dim, 1.0, 0.0, 0.1),
        material=lab.jelly,
    )
    brick = sc.RigidBody(
        sc.Box(center=place(dim, 0.58, 0.58), size=place(dim, 0.2, 0.25, 0.2)),
        rotation=20.0 if dim == 2 else (10.0, 20.0, 30.0),
        contact=contact,
        velocity=place(dim, -0.5, 0.0, 0.0),
        angular_velocity=3.0 if dim == 2 else (1.0, 3.0, 2.0),
    )
    scene = lab.scene_of(dim, 16 if dim == 2 else 12, entities={"jelly": jelly, "brick": brick})
    solver, state, params = lab.compiled(scene)
    after, _ = lab.march(solver, state, params, 120 if dim == 2 else 60, dt=2e-3)
    first, last = solver.observe(state, params), solver.observe(after, params)
    passed = (after.rigid - state.rigid)[0, 0, 7:].abs()
    assert float(passed[:3].max()) > 0.2, "they have not met"
    assert float(passed[3:].max()) > 0.2, "it does not turn"
    for name in ("momentum", "angular_momentum"):
        assert float((last[name] - first[name]).abs().max()) < 1e-11 * float(first[name].abs().max()), name


def test_rigid_bodies_keep_their_momentum_when_they_collide(lab):
    """Two bricks with friction hit each other askew; without damping they keep their energy but for what rubs."""
    bricks = {
        name: sc.RigidBody(
            sc.Box(center=center, size=(0.3, 0.15)),
            rotation=turn,
            velocity=velocity,
            contact=sc.Coulomb(rub),
            damping=0.0,
        )
        for name, center, turn, velocity, rub in (
            ("one", (0.3, 0.5), 15.0, (0.6, 0.0), 0.3),
            ("other", (0.65, 0.55), 70.0, (-0.4, -0.1), 0.2),
        )
    }
    solver, state, params = lab.compiled(lab.scene_of(2, entities={"away": AWAY, **bricks}))
    after, _ = lab.march(solver, state, params, 150, dt=2e-3)
    first, last = solver.observe(state, params), solver.observe(after, params)
    assert float((after.rigid - state.rigid)[0, :, 7].abs().min()) > 0.2, "they have not met"
    for name in ("momentum", "angular_momentum"):
        assert float((last[name] - first[name]).abs().max()) < 1e-12 * float(state.rigid[0, 0, 7] * 45), name
    kept = float(last["kinetic_energy"] / first["kinetic_energy"])
    assert 0.7 < kept < 1.001


def test_elastic_collision_gives_back_most_of_the_speed(lab):
    """A jelly of the ball's mass, thrown at it head on, hands most of its speed over, and no energy is made."""
    jelly = sc.Body(shape=sc.Sphere(center=(0.3, 0.5), radius=0.12), velocity=(1.0, 0.0), material=lab.jelly)
    ball = sc.RigidBody(sc.Sphere(center=(0.56, 0.5), radius=0.12))
    scene = lab.scene_of(
        2, 24, entities={"jelly": jelly, "ball": ball}, outputs={"energy": sc.Energy(every=0.02)}, time=sc.Time(end=0.3)
    )
    roll = rollout(*compile_scene(scene, "cpu", "float64"))
    speed = float(roll.state.rigid[0, 0, 7])
    rebound = speed - float(roll.state.velocity[0, :, 0].mean())
    assert 0.5 < rebound < 1.0  # of the speed of approach: what is missing is heat and swinging of the jelly
    kinetic = roll.outputs["energy"]["total"][0]
    assert float(kinetic[-1]) < float(kinetic[0]) * (1 + 1e-3)


@pytest.mark.parametrize(("degrees", "kind"), [(20, "wall"), (40, "box"), (60, "wall")])
def test_disk_rolls_or_slips_down_an_incline(lab, degrees, kind):
    """a = 2/3 g sin theta while tan theta <= 3 mu, and g (sin theta - mu cos theta) beyond."""
    friction, angle, radius, dt, steps = 0.3, math.radians(degrees), 0.2, 8e-4, 400
    sunk = math.pi * radius**2 * 1000 * G * math.cos(angle) / (1e5 * radius * 16)
    floor = {
        "wall": sc.Wall(normal=(0, 1), offset=0.1, contact=sc.Coulomb(friction)),
        "box": sc.Collider(sc.Box(center=(1.0, 0.05), size=(1.8, 0.1)), contact=sc.Coulomb(friction)),
    }[kind]
    disk = sc.RigidBody(sc.Sphere(center=(0.5, 0.3 - sunk), radius=radius), damping=0.0)
    away = sc.Body(shape=sc.Box(center=(1.85, 0.6), size=(0.15, 0.15)), material=lab.jelly)
    scene = sc.Scene(
        name="roll",
        domain=sc.Domain(size=(2.0, 1.0), cells=(32, 16)),
        gravity=(G * math.sin(angle), -G * math.cos(angle)),
        entities={"away": away, "disk": disk, "floor": floor},
        time=sc.Time(end=1.0),
    )
    solver, state, params = lab.compiled(scene)
    end, time = lab.march(solver, state, params, steps, dt=dt)
    speed, spin = float(end.rigid[0, 0, 7]), float(end.rigid[0, 0, 12])
    rolls = math.tan(angle) <= 3 * friction
    slope = 2 / 3 * math.sin(angle) if rolls else math.sin(angle) - friction * math.cos(angle)
    assert speed / float(time) == pytest.approx(G * slope, rel=1e-6)
    assert (abs(speed + spin * radius) < 1e-9) is rolls


def test_free_body_falls_and_spins_without_friction(lab):
    """X = X0 + V t + g t (t + dt) / 2 to rounding; angular momentum too, and the energy of a tumbling box nearly."""
    away = sc.Body(shape=sc.Box(center=(0.9, 0.1, 0.1), size=(0.18, 0.18, 0.18)), material=lab.jelly)
    box = sc.RigidBody(
        sc.Box(center=(0.4, 0.5, 0.6), size=(0.1, 0.2, 0.3)), rotation=(10.0, 20.0, 30.0), velocity=(0.2, 0.1, 0.3),
        angular_velocity=(4.0, 9.0, 2.0),
    )  # fmt: skip
    scene = lab.scene_of(3, 10, gravity=(0.0, 0.0, -1.0), entities={"away": away, "box": box})
    solver, state, params = lab.compiled(scene)
    steps, dt = 100, 2e-3
    after, time = lab.march(solver, state, params, steps, dt=dt)
    t = float(time)
    fallen = after.rigid[0, 0, :3] - state.rigid[0, 0, :3]
    assert fallen.tolist() == pytest.approx([0.2 * t, 0.1 * t, 0.3 * t - t * (t + dt) / 2], rel=1e-12)
    body = solver.matter.obstacles.all[0].mass
    row = body.row(params)

    def spin(pose):
        inertia, omega = mass_matrix(pose, row)[0, 3:, 3:], pose[0, 10:]
        return inertia @ omega, 0.5 * omega @ inertia @ omega

    (before, energy), (later, left) = spin(state.rigid[:, 0]), spin(after.rigid[:, 0])
    assert float((later - before).abs().max()) < 1e-12 * float(before.norm())
    assert float(left) == pytest.approx(float(energy), rel=1e-4)
    turned = float((after.rigid[0, 0, 3:7] * state.rigid[0, 0, 3:7]).sum().abs())
    assert turned < 0.8, "it has hardly turned"


def test_boxes_come_to_rest_on_each_other(lab):
    """Two rigid boxes dropped on a rough floor: they stop, one above the other, and do not drift or sink."""
    lower = sc.RigidBody(sc.Box(center=(0.4, 0.17), size=(0.3, 0.1)), contact=sc.Coulomb(0.5))
    upper = sc.RigidBody(sc.Box(center=(0.42, 0.29), size=(0.2, 0.1)), contact=sc.Coulomb(0.5), density=500.0)
    floor = sc.Wall(normal=(0.0, 1.0), offset=0.1, contact=sc.Coulomb(0.5))
    entities = {"away": AWAY, "lower": lower, "upper": upper, "floor": floor}
    solver, state, params = lab.compiled(lab.scene_of(2, gravity=(0.0, -G), entities=entities))
    end, _ = lab.march(solver, state, params, 500, dt=2e-3)
    assert end.rigid[0, :, 1].tolist() == pytest.approx([0.15, 0.25], abs=2e-3)
    assert end.rigid[0, :, 0].tolist() == pytest.approx([0.4, 0.42], abs=1e-3)
    assert float(end.rigid[0, :, 7:].abs().max()) < 1e-3


def test_hinged_wheel_turns_under_matter_that_falls_on_it(lab):
    """Water on one arm turns the wheel that way; its hinge stays where it is."""
    wheel = sc.RigidBody(
        sc.Box(center=(0.5, 0.4), size=(0.6, 0.08)) | sc.Box(center=(0.5, 0.4), size=(0.08, 0.6)),
        density=500.0,
        hinge=sc.Hinge((0.5, 0.4)),
    )
    water = sc.Body(shape=sc.Box(center=(0.68, 0.6), size=(0.15, 0.2)), velocity=(0.0, -1.0), material=lab.water)
    scene = lab.scene_of(2, 20, gravity=(0.0, -G), entities={"water": water, "wheel": wheel})
    solver, state, params = lab.compiled(scene)
    end, _ = lab.march(solver, state, params, 200, dt=1.5e-3)
    pose = end.rigid[0, 0]
    assert float(pose[12]) < -1.0
    assert pose[:2].tolist() == pytest.approx([0.5, 0.4], abs=1e-9)


def test_hinged_rod_swings_as_a_physical_pendulum(lab):
    """T = 2 pi sqrt(2 L / 3 g) for a thin rod on its end; here of width W, I = m (L^2 + W^2)/12 + m L^2/4."""
    length, width, start = 0.4, 0.06, 0.1
    rod = sc.RigidBody(
        sc.Box(center=(0.5 + length / 2 * math.sin(start), 0.8 - length / 2 * math.cos(start)), size=(width, length)),
        rotation=math.degrees(start),
        hinge=sc.Hinge((0.5, 0.8)),
    )
    scene = lab.scene_of(2, gravity=(0.0, -G), entities={"away": AWAY, "rod": rod})
    solver, state, params = lab.compiled(scene)
    moment = (length**2 + width**2) / 12 + length**2 / 4  # for each unit of mass
    period = 2 * math.pi * math.sqrt(moment / (G * length / 2)) * (1 + start**2 / 16)
    steps = 300
    end, _ = lab.march(solver, state, params, steps, dt=period / steps)
    assert end.rigid[0, 0, :2].tolist() == pytest.approx(state.rigid[0, 0, :2].tolist(), abs=5e-4)
    assert abs(float(end.rigid[0, 0, 12])) < 0.01 * start * 2 * math.pi / period


def test_light_body_floats_and_heavy_one_sinks(lab):
    """A ball lighter than water rises to its surface, one heavier goes to the bottom."""
    ends = {}
    for density in (300.0, 3000.0):
        ball = sc.RigidBody(sc.Sphere(center=(0.5, 0.25), radius=0.1), density=density)
        water = sc.Body(
            shape=sc.Box(center=(0.5, 0.25), size=(1.0, 0.5)) - sc.Sphere(center=(0.5, 0.25), radius=0.11),
            material=lab.water,
        )
        scene = lab.scene_of(2, 16, gravity=(0.0, -G), entities={"water": water, "ball": ball})
        solver, state, params = lab.compiled(scene)
        ends[density] = float(lab.march(solver, state, params, 300, dt=3e-3)[0].rigid[0, 0, 1])
    assert ends[300.0] > 0.35
    assert ends[3000.0] < 0.2


def falling(dim, contact, hinge=None):
    """A block falls on a rigid ball, which lies on a rough floor or turns about a hinge."""
    fine, free = dim == 2, float if hinge else sc.Parameter
    block = sc.Body(
        shape=sc.Box(center=place(dim, 0.4, 0.46, 0.3), size=(0.3, 0.2) if fine else (0.2, 0.2, 0.15)),
        velocity=sc.Parameter(place(dim, 0.3, -2.0, 0.1)),
        material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e4)),
    )
    ball = sc.RigidBody(
        sc.Sphere(center=sc.Parameter(place(dim, 0.38, 0.22, 0.28)), radius=0.13),
        contact=contact,
        density=sc.Parameter(700.0),
        velocity=None if hinge else sc.Parameter(place(dim, 0.2, -0.3, 0.1)),
        angular_velocity=sc.Parameter(2.0 if fine else (2.0, 1.0, -0.5)),
        hinge=hinge,
    )
    floor = sc.Wall(
        normal=place(dim, 0.1, 1.0, 0.05), offset=free(0.09 if fine else 0.08), contact=sc.Coulomb(free(0.3))
    )
    return sc.Scene(
        name="onto",
        domain=sc.Domain(size=(1.0, 1.0), cells=(20, 20)) if fine else sc.Domain(size=(0.6,) * 3, cells=(10,) * 3),
        gravity=sc.Parameter(place(dim, 0.5, -G, 0.3)),
        entities={"block": block, "ball": ball, "floor": floor},
        time=sc.Time(end=0.2),
    )


def test_gradient_through_a_rigid_body(lab):
    """By its mass, place, first motion, friction, and by all that meets it."""
    lab.differentiates(falling(2, sc.Coulomb(sc.Parameter(0.4))), steps=110, dt=1.5e-3)


@pytest.mark.slow
def test_gradient_through_a_rigid_body_that_matter_sticks_to(lab):
    lab.differentiates(falling(2, sc.Stick()), steps=100, dt=1.5e-3)


@pytest.mark.slow
def test_gradient_through_a_rigid_body_in_space(lab):
    lab.differentiates(falling(3, sc.Coulomb(sc.Parameter(0.4))), steps=100, dt=1.5e-3)


def test_gradient_through_a_hinge(lab):
    lab.differentiates(falling(2, sc.Stick(), sc.Hinge(sc.Parameter((0.33, 0.27)))), steps=100, dt=1.5e-3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (sc.RigidBody(sc.HalfSpace(normal=(0, 1), offset=0.2)), "has no end, and so no mass"),
        (sc.RigidBody(sc.Sphere(center=(0.5, 0.5), radius=0.1)), r"starts .* deep in ball"),
        (sc.RigidBody(sc.Sphere(center=(0.1, 0.1), radius=0.2)), r"deep in boundary.x_lo"),
        (sc.RigidBody(sc.Box(center=(0.5, 0.2), size=(0.4, 0.01))), "at least half a cell wide"),
    ],
)
def test_body_that_cannot_be_is_refused(lab, body, message):
    with pytest.raises(SceneError, match=message):
        compile_scene(lab.scene_of(2, entities={"block": lab.box_of((0.35, 0.4), (0.25, 0.25)), "ball": body}))


def test_hinge_and_velocity_exclude_each_other():
    with pytest.raises(ValueError, match="a hinged body turns only"):
        sc.RigidBody(sc.Sphere(center=(0.5, 0.5), radius=0.1), hinge=sc.Hinge((0.5, 0.5)), velocity=(1.0, 0.0))
    with pytest.raises(ValueError, match="in three dimensions give three numbers"):
        sc.RigidBody(sc.Sphere(center=(0.5, 0.5, 0.5), radius=0.1), rotation=20.0)


@pytest.mark.slow
def test_single_precision_follows_double(lab):
    scene = falling(2, sc.Coulomb(0.4))
    ends = {}
    for dtype in ("float64", "float32"):
        solver, state, params = lab.compiled(scene, dtype)
        ends[dtype] = lab.march(solver, state, params, 60, dt=1.5e-3)[0]
    assert float((ends["float32"].rigid - ends["float64"].rigid).abs().max()) < 1e-3
    assert torch.isfinite(ends["float32"].position).all()


def test_mass_and_inertia_can_be_given(lab):
    """Of a mass of its own, a ball falls with the same acceleration, and weighs what is said."""
    free = sc.RigidBody(sc.Sphere(center=(0.5, 0.5), radius=0.1), mass=3.0, inertia=0.5, angular_velocity=2.0)
    solver, state, params = lab.compiled(lab.scene_of(2, entities={"away": AWAY, "ball": free}))
    without = lab.compiled(lab.scene_of(2, entities={"away": AWAY}))
    seen = solver.observe(state, params)["angular_momentum"] - without[0].observe(*without[1:])["angular_momentum"]
    assert float(seen) == pytest.approx(2.0 * 0.5, rel=1e-12)
    body = solver.matter.obstacles.all[0].mass
    assert body is not None
    assert float(body.total(params)) == 3.0


@pytest.mark.parametrize(
    "shape",
    [
        sc.Sphere(center=(0.1, 0.2, 0.3), radius=0.3),
        sc.Cylinder(center=(0.1, 0.2, 0.3), radius=0.1, height=0.4, axis=(1.0, 1.0, 0.0)),
        sc.Capsule(center=(0.1, 0.2, 0.3), radius=0.1, height=0.4, axis=(1.0, 1.0, 0.0)),
        sc.Capsule(center=(0.1, 0.2), radius=0.1, height=0.4, axis=(1.0, 1.0)),
        sc.Box(center=(0.1, 0.2), size=(0.3, 0.4)),
    ],
    ids=["ball", "cylinder", "capsule", "stadium", "box"],
)
def test_moments_of_shapes_are_their_integrals(shape):
    """Closed forms against sums over a fine lattice; points of the surface lie on it."""
    dim = shape.dim()
    exact, sums = filled(shape, dim), summed(shape, dim)
    assert exact.volume == pytest.approx(sums.volume, rel=2e-3)
    assert np.abs(exact.center - sums.center).max() < 1e-3
    assert np.abs(exact.moments - sums.moments).max() < 3e-3 * np.abs(exact.moments).max()
    points = surface_points(shape, dim, 0.02)
    assert np.abs(shape.signed_distance(points[:, :dim]) + points[:, dim]).max() < 1e-6
