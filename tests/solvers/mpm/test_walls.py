"""Walls: what rests, slides, sticks, comes off, or goes through."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.errors import Diverged, EngineError, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.mpm.marching import Braked

FRAME = 0.01  # [s]
STIFF = sc.NeoHookean(youngs_modulus=2e5, poisson_ratio=0.3, density=1000.0)


def sliding(lab, friction, angle, velocity, end=0.3):
    """Velocity of the middle of a flat block on a wall with friction, gravity turned by `angle`: [frame, dim]."""
    block = lab.box_of((0.3, 0.125), (0.5, 0.125), STIFF, velocity=(velocity, 0.0))
    scene = sc.Scene(
        name="slide",
        domain=sc.Domain(size=(2.0, 0.5), cells=(32, 8)),
        gravity=(9.81 * math.sin(angle), -9.81 * math.cos(angle)),
        entities={"block": block, "floor": sc.Wall(normal=(0.0, 1.0), offset=0.125, contact=sc.Coulomb(friction))},
        outputs={"momentum": sc.Momentum(every=FRAME)},
        time=sc.Time(end=end),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    outputs = rollout(solver, state, params).outputs
    return outputs["momentum"]["momentum"][0] / (1000.0 * 0.5 * 0.125)


@pytest.mark.parametrize("friction", [0.0, 0.2, 0.5])
def test_block_slides_down_an_incline(lab, friction):
    """a = g (sin theta - mu cos theta); while the block still bobs, mu times whatever the wall presses."""
    angle, end = math.radians(35), 0.3
    speeds = sliding(lab, friction, angle, 0.0, end)
    gained, lifted = (float(v) for v in speeds[-1] - speeds[0])
    pressed = 9.81 * math.cos(angle) * end + lifted
    assert gained == pytest.approx(9.81 * math.sin(angle) * end - friction * pressed, rel=0.02)
    assert gained / end == pytest.approx(9.81 * (math.sin(angle) - friction * math.cos(angle)), rel=0.03)


def test_friction_brakes_and_then_holds(lab):
    """a = -mu g until the block stands, then nothing; on a slope below the angle of friction nothing from the start."""
    friction, speed = 0.4, 0.6
    speeds = sliding(lab, friction, 0.0, speed)
    frames = int(0.8 * speed / (friction * 9.81) / FRAME)
    lost, lifted = float(speeds[0, 0] - speeds[frames, 0]), float(speeds[frames, 1])
    assert lost == pytest.approx(friction * (9.81 * frames * FRAME + lifted), rel=5e-3)
    assert float(speeds[-5:, 0].abs().max()) < 0.02 * speed
    creep = sliding(lab, 0.5, math.radians(20), 0.0)
    assert float(creep[-10:, 0].mean().abs()) < 0.01 * 9.81 * math.sin(math.radians(20)) * 0.3


def test_elastic_body_bounces_off_and_keeps_its_energy(lab):
    """A soft body thrown at a wall without friction comes back with most of its speed, and no energy is made."""
    soft = sc.NeoHookean(youngs_modulus=2e4, poisson_ratio=0.3, density=1000.0)
    block = lab.box_of((0.15, 0.4), (0.2, 0.2), soft, velocity=(-0.5, 0.0))
    scene = lab.scene_of(
        2,
        32,
        entities={"block": block},
        outputs={"energy": sc.Energy(every=0.02), "p": sc.Momentum(every=0.02)},
        time=sc.Time(end=0.8),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    outputs = rollout(solver, state, params).outputs
    total = outputs["energy"]["total"][0]
    assert float(total.max()) < float(total[0]) * (1 + 1e-6)
    assert float(total[-1]) > 0.6 * float(total[0])  # what is lost goes into vibrations, which the grid damps
    assert float(outputs["energy"]["contact"].max()) > 0.01 * float(total[0])
    assert float(outputs["p"]["momentum"][0, -1, 0]) > 0.7 * float(-outputs["p"]["momentum"][0, 0, 0])


@pytest.mark.parametrize(("contact", "stays"), [(sc.Stick(), True), (sc.Slip(), True), (sc.Separate(), False)])
def test_what_clings_to_the_ceiling_does_not_fall(lab, contact, stays):
    block = lab.box_of((0.4, 0.75), (0.25, 0.25), STIFF)
    boundary = sc.Boundary(y_hi=contact, default=sc.Separate())
    scene = lab.scene_of(2, gravity=(0.0, -9.81), entities={"block": block}, boundary=boundary)
    solver, state, params = lab.compiled(scene)
    after, time = lab.march(solver, state, params, 150)
    fallen = float((state.position - after.position)[0, :, 1].mean())
    free = 9.81 * float(time) ** 2 / 2
    assert (fallen < 0.02) if stays else (fallen == pytest.approx(free, rel=0.02))


def test_stick_holds_what_slip_lets_go(lab):
    """On a wall to which matter sticks, a block thrown along it stays; where it slips, it goes on unhindered."""
    moved = {}
    for contact in (sc.Stick(), sc.Slip()):
        block = lab.box_of((0.2, 0.0), (0.25, 0.125), STIFF, velocity=(0.3, 0.0))
        boundary = sc.Boundary(y_lo=contact, default=sc.Separate())
        solver, state, params = lab.compiled(lab.scene_of(2, entities={"block": block}, boundary=boundary))
        after, time = lab.march(solver, state, params, 400)
        moved[contact.kind] = float((after.position - state.position)[0, :, 0].mean() / (0.3 * time))
    assert moved["slip"] == pytest.approx(1.0, abs=1e-9)
    assert abs(moved["stick"]) < 0.1


def test_inclined_wall_that_clings_lets_nothing_through_it(lab):
    """Nodes behind an inclined wall with Slip move along it only; where two walls meet, along neither normal."""
    wall = sc.Wall(normal=(1.0, 1.0), offset=0.5, contact=sc.Slip())
    block = lab.box_of((0.4, 0.4), (0.25, 0.25), velocity=(-1.0, 0.0))
    solver, state, params = lab.compiled(lab.scene_of(2, entities={"block": block, "wall": wall}))
    lab.march(solver, state, params, 60)
    places = torch.from_numpy(solver.work.layout.positions)
    velocity = solver.work.nodes["velocity"][0]
    behind = (places.sum(1) / math.sqrt(2) <= 0.5 + 1e-9) & (velocity.abs().sum(1) > 0)
    assert int(behind.sum()) > 5
    assert float((velocity[behind].sum(1)).abs().max()) < 1e-14
    assert float(velocity[behind].abs().max()) > 0.01


def test_a_particle_that_leaves_the_box_is_named(lab):
    """Matter too soft for its speed is pressed through the side: the run ends, and says which particle went where."""
    jelly = sc.NeoHookean(youngs_modulus=1.0, density=1000.0)
    scene = lab.scene_of(2, entities={"jelly": lab.box_of((0.1, 0.4), (0.2, 0.2), jelly, velocity=(-5.0, 0.0))})
    solver, state, params = compile_scene(scene, "cpu", "float64")
    with pytest.raises(
        Diverged, match=r"left the domain through x_lo: particle \d+ of member 0 \(jelly\) is at \(-0\."
    ):
        rollout(solver, state, params)
    with pytest.raises(Diverged, match="left the domain through x_lo"):
        lab.march(solver, *lab.compiled(scene)[1:], 2000)


def test_a_step_beyond_the_bound_is_refused(lab):
    scene = lab.scene_of(2, time=sc.Time(end=1.0, dt=0.05))
    solver, state, params = compile_scene(scene, "cpu", "float64")
    with pytest.raises(StabilityError, match="times the stability bound"):
        rollout(solver, state, params)


@pytest.mark.parametrize("number", [0.5, 1.0])
def test_steps_up_to_the_bound_are_stable(lab, number):
    """Water falls into a corner and splashes, a block bounces: energy never grows."""
    entities = {
        "water": lab.box_of((0.0, 0.0), (0.3, 0.6), lab.water),
        "block": lab.box_of((0.5, 0.3), (0.3, 0.2), velocity=(-1.0, -1.0)),
    }
    scene = lab.scene_of(
        2,
        24,
        gravity=(0.0, -9.81),
        entities=entities,
        outputs={"energy": sc.Energy(every=0.02)},
        time=sc.Time(end=0.6, cfl=number),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    total = rollout(solver, state, params).outputs["energy"]["total"][0]
    assert float(total.diff().max()) < 2e-3 * float(total[0])
    assert float(total[-1]) < float(total[0])


@pytest.mark.parametrize("spline", ["quadratic", "cubic"])
def test_water_presses_by_its_depth_up_to_the_walls(lab, spline):
    """p = rho g (H - y) within 2 % of rho g H in every particle, the first rows and columns too, and each rests where
    its share of rho g H^2 / 2K lets it sink, to 0.05 dx."""
    height, density, pull = 1.0, 1000.0, 9.81
    bulk, dx = density * 30.0**2, 1 / 16
    scene = sc.Scene(
        name="column",
        domain=sc.Domain(size=(0.25, 1.25), cells=(4, 20)),
        gravity=(0.0, -pull),
        entities={
            "water": lab.box_of((0.0, 0.0), (0.25, height), sc.WeaklyCompressible(bulk_modulus=bulk, density=density))
        },
        boundary=sc.Boundary(x=sc.Slip(), y_lo=sc.Slip(), y_hi=sc.Separate()),
        time=sc.Time(end=2.0, cfl=0.8),
        method=sc.MaterialPoint(spline=spline),
    )
    solver, state, params = lab.compiled(scene)
    after = rollout(Braked(solver, 8.0), state, params, until=1.5, probes=[]).state
    J = torch.linalg.det(after.deformation)
    first = state.position[..., 1]
    apart = bulk / 7 * (J**-7 - 1) - density * pull * (height - first)
    assert float(apart.abs().max()) < 0.02 * density * pull * height
    rest = first - density * pull * (height * first - first.square() / 2) / bulk
    assert float((after.position[..., 1] - rest).abs().max()) < 0.05 * dx


@pytest.mark.parametrize("what", ["boundary.y_lo", "post.contact", "method.contact"])
def test_friction_that_became_negative_is_refused(lab, what):
    """Of a side, a collider and bodies with grids of their own; an optimiser may step there."""
    scene = lab.scene_of(
        2,
        entities={
            "block": lab.box_of((0.3, 0.05), (0.25, 0.2)),
            "post": sc.Collider(shape=sc.Sphere(center=(0.7, 0.4), radius=0.1), contact=sc.Coulomb(0.3)),
            "other": lab.box_of((0.3, 0.3), (0.25, 0.2)),
        },
        boundary=sc.Boundary(y_lo=sc.Coulomb(0.3), default=sc.Separate()),
        method=sc.MaterialPoint(contact=sc.Apart(0.3)),
    )
    solver, state, params = lab.compiled(scene)
    address = f"{what}.friction"
    with pytest.raises(EngineError, match=rf"{address} is -0.1 in member 0.*Keep it at 0"):
        rollout(solver, state, params.replace({address: params[address] - 0.4}), until=0.01)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_particle_that_is_nowhere_is_named(lab, number):
    solver, state, params = lab.compiled(lab.scene_of(2))
    state.position[0, 5, 0] = number
    with pytest.raises(Diverged, match=rf"where the numbers end: particle 5 of member 0 \(block\) is at \({number}"):
        rollout(solver, state, params, until=0.01)


@pytest.mark.parametrize("felt", [False, True])
def test_members_of_a_batch_have_mirrors_of_their_own(lab, felt):
    """Floors to slip on at other nodes, and between nodes, where they are none, each as if alone."""

    def scene(offset):
        block = lab.box_of((0.3, 0.34), (0.25, 0.2), velocity=(0.2, -1.0))
        floor = sc.Wall(normal=(0.0, 1.0), offset=offset, contact=sc.Slip())
        post = sc.Collider(shape=sc.Sphere(center=(0.7, 0.4), radius=0.1), contact=sc.Coulomb(0.3))
        outputs = {"push": sc.Force("floor", every=0.01)} if felt else {}
        return lab.scene_of(
            2, entities={"block": block, "floor": floor} | ({"post": post} if felt else {}), outputs=outputs
        )

    offsets = (0.3125, 0.25, 0.325)
    together, _ = lab.march(*lab.compiled([scene(offset) for offset in offsets]), 60, 1e-3)
    for member, offset in enumerate(offsets):
        alone, _ = lab.march(*lab.compiled(scene(offset)), 60, 1e-3)
        for name, field in vars(alone).items():
            assert torch.equal(getattr(together, name)[member], field[0]), f"{name} of the member at {offset}"
    assert not torch.equal(together.velocity[0], together.velocity[2]), "only one of their floors is a mirror"
