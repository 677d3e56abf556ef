"""Colliders and rigid bodies within, beyond and across the border of a region of finer cells."""

import math
from dataclasses import replace

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene

G = 9.81


def place(dim, x, y, z=0.5):
    return (x, y) if dim == 2 else (x, z, y)


def onto_bar(contact, around, **method):
    """A block falls on a bar that moves by a table, turns, and crosses the border of the region."""
    bar = sc.Collider(
        sc.Box(center=sc.Parameter((0.5, 0.37)), size=(0.5, 0.1)),
        rotation=8.0,
        contact=contact,
        motion=sc.Moving(
            velocity=(sc.Parameter(0.1), sc.Table(0.05, sc.Parameter((0.0, 0.2, 0.4, 0.1)))),
            angular_velocity=sc.Sine(amplitude=sc.Parameter(1.5), frequency=4.0),
        ),
    )
    block = sc.Body(
        shape=sc.Box(center=(0.5, 0.57), size=(0.3, 0.16)),
        velocity=sc.Parameter((0.2, -1.0)),
        material=sc.NeoHookean(youngs_modulus=sc.Parameter(2e4)),
    )
    return sc.Scene(
        name="bar",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        gravity=sc.Parameter((0.5, -G)),
        entities={"block": block, "bar": bar},
        method=sc.MaterialPoint(refine=sc.Finer(size=(0.3, 0.3), around=around, blend=0.12), **method),
        time=sc.Time(end=0.12),
    )


def onto_ball(dim, contact, around, particles="finer", **method):
    """A block falls on a rigid ball, which lies on a rough floor."""
    flat = dim == 2
    block = sc.Body(
        shape=sc.Box(center=place(dim, 0.4, 0.46, 0.3), size=(0.3, 0.2) if flat else (0.2, 0.2, 0.15)),
        velocity=sc.Parameter(place(dim, 0.3, -2.0, 0.1)),
        material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e4)),
    )
    ball = sc.RigidBody(
        sc.Sphere(center=sc.Parameter(place(dim, 0.38, 0.22, 0.28)), radius=0.13),
        contact=contact,
        density=sc.Parameter(700.0),
        velocity=sc.Parameter(place(dim, 0.2, -0.3, 0.1)),
        angular_velocity=sc.Parameter(2.0 if flat else (2.0, 1.0, -0.5)),
    )
    floor = sc.Wall(
        normal=place(dim, 0.1, 1.0, 0.05),
        offset=sc.Parameter(0.09 if flat else 0.08),
        contact=sc.Coulomb(sc.Parameter(0.3)),
    )
    return sc.Scene(
        name="onto",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)) if flat else sc.Domain(size=(0.6,) * 3, cells=(8,) * 3),
        gravity=sc.Parameter(place(dim, 0.5, -G, 0.3)),
        entities={"block": block, "ball": ball, "floor": floor},
        method=sc.MaterialPoint(
            refine=sc.Finer(size=(0.25,) * dim, around=around, blend=0.1, particles=particles), **method
        ),
        time=sc.Time(end=0.12),
    )


COULOMB, ACROSS = sc.Coulomb(sc.Parameter(0.3)), (0.4, 0.45)  # a border between the block and what it falls on
BAR = [
    pytest.param(COULOMB, ACROSS, sc.APIC(), id="coulomb"),
    pytest.param(sc.Stick(), "bar", sc.APIC(), id="stick, the region follows the bar", marks=pytest.mark.slow),
    pytest.param(COULOMB, "bar", sc.FLIP(0.95), id="coulomb, FLIP, the region follows the bar"),
    pytest.param(sc.Slip(), ACROSS, sc.APIC(), id="slip", marks=pytest.mark.slow),
    pytest.param(COULOMB, "block", sc.APIC(), id="coulomb, the region follows the block", marks=pytest.mark.slow),
    pytest.param(sc.Stick(), "block", sc.FLIP(0.9), id="stick, FLIP", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("contact", "around", "transfer"), BAR)
def test_gradient_by_the_motion_of_a_collider_at_the_border(lab, contact, around, transfer):
    """Through 100 steps in which block and bar are in part within the region."""
    lab.differentiates(onto_bar(contact, around, transfer=transfer), 100, 1.2e-3)


BALL = [
    pytest.param(2, COULOMB, "ball", id="coulomb, the region follows the ball"),
    pytest.param(2, sc.Stick(), ACROSS, id="stick", marks=pytest.mark.slow),
    pytest.param(3, COULOMB, "ball", id="3d", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("dim", "contact", "around"), BALL)
def test_gradient_through_a_rigid_body_at_the_border(lab, dim, contact, around):
    lab.differentiates(onto_ball(dim, contact, around), 100, 1.2e-3)


def hit(lab, dim, contact, transfer):
    """A jelly hits a turned brick off its middle, just where the region of finer cells ends."""
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
    finer = sc.Finer(size=(0.1,) * dim, around=place(dim, 0.43, 0.55), blend=0.1)
    method = sc.MaterialPoint(transfer=transfer, refine=finer)
    return lab.scene_of(dim, 12, entities={"jelly": jelly, "brick": brick}, method=method)


HITS = [
    pytest.param(dim, contact, transfer, id=f"{dim}d-{contact.kind}-{transfer.kind}", marks=marks)
    for dim, contact, transfer, marks in (
        (2, sc.Coulomb(0.4), sc.APIC(), ()),
        (2, sc.Stick(), sc.APIC(), ()),
        (2, sc.Slip(), sc.FLIP(0.9), ()),
        (3, sc.Coulomb(0.4), sc.APIC(), pytest.mark.slow),
        (3, sc.Stick(), sc.FLIP(0.9), pytest.mark.slow),
    )
]


@pytest.mark.parametrize(("dim", "contact", "transfer"), HITS)
def test_collision_at_the_border_keeps_momentum(lab, dim, contact, transfer):
    """What the jelly loses the brick gains, whichever grids carry them; FLIP keeps no angular momentum anywhere."""
    solver, state, params = lab.compiled(hit(lab, dim, contact, transfer))
    after, _ = lab.march(solver, state, params, 160 if dim == 2 else 80, dt=1e-3 if dim == 2 else 2e-3)
    for each in (state, after):
        share = solver.matter.refinement.share(each)
        assert bool((share == 0.0).any())
        assert bool((share > 0.5).any())
    first, last = solver.observe(state, params), solver.observe(after, params)
    assert float((after.rigid - state.rigid)[0, 0, 7:10].abs().max()) > 0.2, "they have not met"
    kept = ("momentum", "angular_momentum") if isinstance(transfer, sc.APIC) else ("momentum",)
    for name in kept:
        assert float((last[name] - first[name]).abs().max()) < 1e-11 * float(first[name].abs().max()), name


@pytest.mark.parametrize("contact", [sc.Coulomb(0.4), sc.Stick()], ids=["coulomb", "stick"])
def test_where_all_matter_is_in_the_region_the_fine_grid_alone_counts(lab, contact):
    """Contact with a collider and with a rigid body, and the bound of the step, are those of the fine cells."""
    coarse = onto_ball(2, contact, (0.5, 0.5), transfer=sc.FLIP(0.9))
    post = sc.Collider(sc.Capsule(center=(0.62, 0.3), radius=0.05, height=0.2, axis=(0.0, 1.0)), contact=contact)
    whole = sc.MaterialPoint(transfer=sc.FLIP(0.9), refine=sc.Finer(size=(3.0, 3.0), around=(0.5, 0.5)))
    coarse = coarse.model_copy(update={"entities": {**coarse.entities, "post": post}, "method": whole})
    fine = coarse.model_copy(
        update={
            "domain": sc.Domain(size=(1.0, 1.0), cells=(24, 24)),
            "method": sc.MaterialPoint(transfer=sc.FLIP(0.9)),
        }
    )
    ends, bounds = [], []
    for scene in (coarse, fine):
        solver, state, params = lab.compiled(scene)
        bounds.append(float(solver.max_dt(state, params)))
        ends.append(lab.march(solver, state, params, 60, 5e-4)[0])
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-12)
    assert float((ends[0].position - ends[1].position).abs().max()) < 1e-12
    assert float((ends[0].rigid - ends[1].rigid).abs().max()) < 1e-11


def test_the_region_goes_with_a_rigid_body_and_with_a_collider(lab):
    for scene, name in ((onto_ball(2, COULOMB, "ball"), "ball"), (onto_bar(COULOMB, "bar"), "bar")):
        solver, state, params = lab.compiled(scene)
        after, _ = lab.march(solver, state, params, 80, dt=1.2e-3)
        place = [o.name for o in solver.matter.obstacles.moving].index(name)
        moved = after.rigid[0, place, :2]
        assert float((moved - state.rigid[0, place, :2]).norm()) > 0.01
        assert torch.equal(solver.matter.refinement.center(after)[0], moved)
        assert torch.equal(solver.work.between["center"][0] + solver.work.between["drift"][0], moved)


def test_a_region_around_something_that_stands_is_refused(lab):
    scene = onto_bar(sc.Coulomb(0.3), "bar")
    still = scene.entities["bar"].model_copy(update={"motion": None})
    with pytest.raises(SceneError, match=r"'bar' stands; give its place"):
        lab.compiled(scene.model_copy(update={"entities": {**scene.entities, "bar": still}}))


def test_members_of_a_batch_have_regions_of_their_own(lab):
    scenes = [onto_ball(2, sc.Coulomb(0.4), "ball", particles) for particles in ("finer", "even")]
    others = [scene.replace({"ball.shape.center.value": (0.45, 0.25)}) for scene in scenes]
    with pytest.raises(SceneError, match=r'has \d+ to \d+ particles .* particles="even"'):
        lab.compiled([scenes[0], others[0]])
    scene, other = scenes[1], others[1]
    together, _ = lab.march(*lab.compiled([scene, other]), 60, dt=1e-3)
    for index, alone in enumerate((scene, other)):
        single, _ = lab.march(*lab.compiled(alone), 60, dt=1e-3)
        for name, field in vars(single).items():
            assert torch.equal(getattr(together, name)[index : index + 1], field), name


def test_the_state_is_left_as_it_was(lab):
    solver, state, params = lab.compiled(onto_ball(2, sc.Coulomb(0.4), "ball"))
    before = replace(state, **{name: field.clone() for name, field in vars(state).items()})
    lab.march(solver, state, params, 3, dt=1e-3)
    for name, field in vars(before).items():
        assert torch.equal(getattr(state, name), field), name


def pressed(thing, cells, refine):
    """Something pushed into a soft block."""
    jelly = sc.NeoHookean(youngs_modulus=3e4, poisson_ratio=0.3, density=1000.0)
    return sc.Scene(
        name="pressed",
        domain=sc.Domain(size=(1.0, 1.0), cells=(cells, cells)),
        entities={"block": sc.Body(shape=sc.Box(center=(0.5, 0.25), size=(0.75, 0.5)), material=jelly), "thing": thing},
        boundary=sc.Boundary(y_lo=sc.Stick(), default=sc.Separate()),
        method=sc.MaterialPoint(refine=refine),
        time=sc.Time(end=0.2),
    )


FINGER = sc.Collider(
    sc.Capsule(center=(0.5, 0.66), radius=0.04, height=0.2, axis=(0.0, 1.0)),
    contact=sc.Coulomb(0.3),
    motion=sc.Moving(velocity=(0.3, -0.6)),
)
PEBBLE = sc.RigidBody(
    sc.Sphere(center=(0.5, 0.58), radius=0.07), density=3000.0, velocity=(0.3, -1.5), contact=sc.Coulomb(0.3)
)


@pytest.mark.parametrize("thing", [FINGER, PEBBLE], ids=["finger", "pebble"])
def test_fine_cells_where_things_touch_are_nearly_as_good_as_everywhere(lab, measure, thing):
    """A finger, or a pebble of one coarse cell, in a soft block: energy, height and spin against cells that are fine
    everywhere. Coarse cells with a fine region have a part of the error of coarse ones, with half of the particles."""
    traces, counts = [], []
    finer = sc.Finer(size=(0.35, 0.4), around="thing", factor=3, blend=0.12)
    for cells, refine in ((48, None), (16, None), (16, finer)):
        solver, state, params = lab.compiled(pressed(thing, cells, refine))
        seen = []
        for _ in range(10):
            state, _ = lab.march(solver, state, params, 40, 5e-4)
            height, spin = float(state.rigid[0, 0, 1]), float(state.rigid[0, 0, 12])
            seen.append([float(solver.observe(state, params)["elastic_energy"]), height, spin])
        traces.append(torch.tensor(seen))
        counts.append(state.position.shape[1])
    exact, coarse, refined = traces
    assert counts[2] < 0.5 * counts[0]
    for place, name in enumerate(("energy", "height", "spin")):
        if float(exact[:, place].abs().max()) > 0 and (name == "energy" or thing is PEBBLE):
            far, near = ((found[:, place] - exact[:, place]).norm() for found in (coarse, refined))
            measure(f"{name} of a refined {thing.kind}, error by that of coarse cells", float(near / far), "0.5")
            assert float(near / far) < 0.5, name


def test_block_slides_down_a_slope_into_the_region(lab):
    """a = g (sin theta - mu cos theta) across the border: neither the surface nor the friction knows the cells."""
    angle, friction, stiff = math.radians(35), 0.3, sc.NeoHookean(youngs_modulus=2e5, poisson_ratio=0.3, density=1000.0)
    top = 0.125 + 1000 * G * math.cos(angle) * 0.125 / 64 / (2e5 * 0.7 / (1.3 * 0.4))  # as deep as it is pressed
    scene = sc.Scene(
        name="slope",
        domain=sc.Domain(size=(1.5, 0.5), cells=(24, 8)),
        gravity=(G * math.sin(angle), -G * math.cos(angle)),
        entities={
            "block": sc.Body(shape=sc.Box(center=(0.45, 0.1875), size=(0.5, 0.125)), material=stiff),
            "floor": sc.Collider(sc.Box(center=(0.75, top - 0.05), size=(1.4, 0.1)), contact=sc.Coulomb(friction)),
        },
        method=sc.MaterialPoint(refine=sc.Finer(size=(0.5, 0.6), around=(0.9, 0.15), blend=0.13, particles="even")),
        time=sc.Time(end=1.0),
    )
    solver, state, params = lab.compiled(scene)
    dt = float(0.5 * solver.max_dt(state, params))
    speeds = []
    for _ in range(45):
        state, _ = lab.march(solver, state, params, 10, dt)
        speeds.append(state.velocity[0, :, 0].mean())
    share = solver.matter.refinement.share(state)
    assert bool((share == 1.0).any())
    times, speeds = 10 * dt * torch.arange(1, 46), torch.stack(speeds)
    gained = float((speeds * times).sum() / times.square().sum())
    assert gained == pytest.approx(G * (math.sin(angle) - friction * math.cos(angle)), rel=0.02)


@pytest.mark.parametrize("contact", [sc.Coulomb(0.3), sc.Stick()], ids=["coulomb", "stick"])
def test_what_matter_loses_its_table_gets_from_both_grids(lab, contact):
    block = lab.box_of((0.3, 0.2), (0.375, 0.25), velocity=(0.7, -0.5))
    table = sc.Collider(sc.Box(center=(0.5, 0.1), size=(0.9, 0.2)), contact=contact)
    scene = lab.scene_of(
        2,
        12,
        gravity=(0.0, -G),
        entities={"block": block, "table": table},
        outputs={"force": sc.Force("table", every=0.02), "matter": sc.Momentum(every=0.02)},
        method=sc.MaterialPoint(refine=sc.Finer(size=(0.15, 0.2), around=(0.35, 0.3), blend=0.12)),
        time=sc.Time(end=0.1),
    )
    outputs, weight = rollout(*compile_scene(scene, "cpu", "float64")).outputs, 1000.0 * 0.375 * 0.25 * G
    gained = outputs["matter"]["momentum"][0].diff(dim=0) / 0.02
    force = outputs["force"]["force"][0, 1:]
    assert float((force + gained + torch.tensor([0.0, weight])).abs().max()) < 1e-11 * weight
    assert float(force[:, 1].abs().max()) > weight
