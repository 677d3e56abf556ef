"""Forces on what is rigid: what matter loses is what it gets, weights rest, plates feel the stress they make."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.mpm.marching import Braked, started

G = 9.81
STIFF = sc.NeoHookean(youngs_modulus=2e5, poisson_ratio=0.3, density=1000.0)
CONTACTS = [sc.Separate(), sc.Coulomb(0.3), sc.Slip(), sc.Stick()]


def kinds(contact):
    return contact.kind


def braked(scene, rate):
    """Outputs of a scene whose matter moves through a syrup."""

    class Setting:
        device, dtype = "cpu", "float64"

    solver, state, params = started(scene, Setting)
    return rollout(Braked(solver, rate), state, params, probes=solver.program.probes).outputs


@pytest.mark.parametrize("on", ["boundary.y_lo", "floor", "table"])
@pytest.mark.parametrize("contact", CONTACTS, ids=kinds)
def test_what_matter_loses_its_floor_gets(lab, contact, on):
    """A block thrown on a floor: the force times the time is gravity's impulse less what momentum the block gained, to
    rounding, and so is the torque on a table in relation to the angular momentum."""
    level = 0.0 if on == "boundary.y_lo" else 0.1875
    entities = {"block": lab.box_of((0.3, level), (0.375, 0.25), STIFF, velocity=(0.7, -0.5))}
    boundary = sc.Boundary(y_lo=contact, default=sc.Separate())
    if on == "floor":
        entities["floor"] = sc.Wall(normal=(0.0, 1.0), offset=level, contact=contact)
    if on == "table":
        entities["table"] = sc.Collider(sc.Box(center=(0.5, level - 0.1), size=(0.9, 0.2)), contact=contact)
    scene = lab.scene_of(
        2,
        gravity=(0.0, -G),
        entities=entities,
        boundary=boundary,
        outputs={"force": sc.Force(on, every=0.02), "matter": sc.Momentum(every=0.02)},
        time=sc.Time(end=0.1),
    )
    outputs = rollout(*compile_scene(scene, "cpu", "float64")).outputs
    weight = 1000.0 * 0.375 * 0.25 * G
    gained = outputs["matter"]["momentum"][0].diff(dim=0) / 0.02
    force = outputs["force"]["force"][0]
    assert not bool(force[0].any())
    assert float((force[1:] + gained + torch.tensor([0.0, weight], dtype=torch.float64)).abs().max()) < 1e-11 * weight
    assert float(force[1:, 1].abs().max()) > weight
    if not isinstance(contact, sc.Separate | sc.Slip):
        assert float(force[1:, 0].abs().max()) > 0.2 * weight


@pytest.mark.parametrize("pair", [("slip", "slip"), ("stick", "slip"), ("stick", "stick")], ids="-".join)
def test_walls_that_meet_share_what_they_take(lab, pair):
    """A block thrown into a corner: both forces together are what it loses, and so are both torques about the
    origin."""
    conditions = [{"slip": sc.Slip(), "stick": sc.Stick()}[kind] for kind in pair]
    scene = lab.scene_of(
        2,
        entities={"block": lab.box_of((0.0, 0.0), (0.25, 0.375), STIFF, velocity=(-0.7, -0.5))},
        boundary=sc.Boundary(x_lo=conditions[0], y_lo=conditions[1], default=sc.Separate()),
        outputs={
            "left": sc.Force("boundary.x_lo", every=0.02),
            "floor": sc.Force("boundary.y_lo", every=0.02),
            "matter": sc.Momentum(every=0.02),
        },
        time=sc.Time(end=0.06),
    )
    outputs = rollout(*compile_scene(scene, "cpu", "float64")).outputs
    for what, quantity in (("force", "momentum"), ("torque", "angular_momentum")):
        lost = -outputs["matter"][quantity][0].diff(dim=0) / 0.02
        found = (outputs["left"][what] + outputs["floor"][what])[0, 1:]
        assert float(lost.abs().max()) > 10.0
        assert float((found - lost).abs().max()) < 1e-11 * float(lost.abs().max()), what


@pytest.mark.parametrize(
    ("on", "contact"), [("boundary.y_lo", sc.Slip()), ("scales", sc.Coulomb(0.5))], ids=["side", "box"]
)
def test_a_block_at_rest_weighs_what_it_weighs(lab, on, contact):
    """Its weight, and the moment of it about the origin, or about the middle of the scales."""
    level = 0.0 if on == "boundary.y_lo" else 0.3
    entities = {"block": lab.box_of((0.375, level), (0.375, 0.25), STIFF)}
    if on == "scales":
        entities["scales"] = sc.Collider(sc.Box(center=(0.5, level - 0.1), size=(0.9, 0.2)), contact=contact)
    scene = lab.scene_of(
        2,
        gravity=(0.0, -G),
        entities=entities,
        boundary=sc.Boundary(y_lo=contact, default=sc.Separate()),
        outputs={"scales": sc.Force(on, every=0.1)},
        time=sc.Time(end=0.4),
    )
    found = braked(scene, 40.0)["scales"]
    weight, arm = 1000.0 * 0.375 * 0.25 * G, 0.5625 - (0.0 if on == "boundary.y_lo" else 0.5)
    assert found["force"][0, -1].tolist() == pytest.approx([0.0, -weight], rel=5e-4, abs=1e-3 * weight)
    assert float(found["torque"][0, -1]) == pytest.approx(-weight * arm, rel=2e-3)


def test_plate_feels_the_stress_that_it_makes(lab):
    """A plate presses a block between slippery sides together: force = width * (mu (s^2 - 1) + lambda ln s) / s, s the
    stretch of a neo-Hookean solid; the floor feels as much, and either side height * lambda ln s."""
    speed, width, height = 0.1, 0.25, 0.5
    plate = sc.Collider(
        sc.HalfSpace(normal=(0, -1), offset=-height),
        motion=sc.Moving(velocity=(0.0, sc.Table(0.25, (-speed, -speed, 0.0, 0.0, 0.0)))),
    )
    scene = sc.Scene(
        name="press",
        domain=sc.Domain(size=(width, 0.75), cells=(8, 24)),
        entities={"block": lab.box_of((0.0, 0.0), (width, height), STIFF), "plate": plate},
        boundary=sc.Boundary(x=sc.Slip(), y_lo=sc.Slip(), y_hi=sc.Separate()),
        outputs={
            name: sc.Force(on, every=0.25)
            for name, on in (("plate", "plate"), ("floor", "boundary.y_lo"), ("left", "boundary.x_lo"))
        }
        | {"block": sc.Particles("deformation", every=1.0)},
        time=sc.Time(end=1.0),
    )
    outputs = braked(scene, 20.0)
    mu, lam = 2e5 / 2.6, 2e5 * 0.3 / (1.3 * 0.4)
    stretch = outputs["block"]["deformation"][0, -1, :, 1, 1]
    s = float(stretch.median())  # the last row below the plate feels the missing half of its cell
    assert s == pytest.approx(1 - speed * 0.375 / height, abs=0.01)
    axial, across = (mu * (s * s - 1) + lam * math.log(s)) / s, lam * float(stretch.log().mean())
    assert float(outputs["floor"]["force"][0, -1, 1]) == pytest.approx(width * axial, rel=5e-3)
    assert float(outputs["left"]["force"][0, -1, 0]) == pytest.approx(height * across, rel=5e-3)
    assert float(outputs["plate"]["force"][0, -1, 1]) == pytest.approx(-width * axial, rel=5e-3)


@pytest.mark.parametrize("contact", [sc.Coulomb(0.4), sc.Stick()], ids=kinds)
def test_force_on_a_rigid_body_is_what_moves_it(lab, contact):
    """A jelly and a ball push a brick, which rests on a table: its force is the change of its momentum without gravity,
    and what the brick gets in all, jelly, ball and table lose."""
    entities = {
        "jelly": sc.Body(shape=sc.Sphere(center=(0.25, 0.42), radius=0.12), velocity=(1.0, 0.0), material=lab.jelly),
        "brick": sc.RigidBody(sc.Box(center=(0.5, 0.35), size=(0.2, 0.3)), contact=contact),
        "ball": sc.RigidBody(sc.Sphere(center=(0.75, 0.4), radius=0.12), velocity=(-0.5, 0.0)),
        "table": sc.Collider(sc.Box(center=(0.5, 0.1), size=(0.9, 0.2)), contact=sc.Coulomb(0.3)),
    }
    names = ("brick", "ball", "table")
    scene = lab.scene_of(
        2,
        gravity=(0.0, -G),
        entities=entities,
        outputs={name: sc.Force(name, every=0.02) for name in names}
        | {f"{name}_pose": sc.RigidPose(name, every=0.02) for name in names[:2]}
        | {"all": sc.Momentum(every=0.02)},
        time=sc.Time(end=0.2),
    )
    solver, state, params = compile_scene(scene, "cpu", "float64")
    outputs = rollout(solver, state, params).outputs
    for name in names[:2]:
        row = solver.matter.obstacles.all[names.index(name)].mass.row(params)[0]
        pose, force = outputs[f"{name}_pose"], outputs[name]
        gained = row[0] * (pose["velocity"][0].diff(dim=0) / 0.02 + torch.tensor([0.0, G], dtype=torch.float64))
        assert float((force["force"][0, 1:] - gained).abs().max()) < 1e-9 * float(gained.abs().max())
        turned = row[3] * pose["angular_velocity"][0].diff() / 0.02
        assert float((force["torque"][0, 1:] - turned).abs().max()) < 1e-9 * float(turned.abs().max())
    total = 1000 * (0.2 * 0.3 + math.pi * 0.12**2) + float(solver.observe(state, params)["mass"])
    lost = -outputs["all"]["momentum"][0].diff(dim=0) / 0.02 + torch.tensor([0.0, -G * total], dtype=torch.float64)
    table = outputs["table"]["force"][0, 1:]
    assert float((table - lost).abs().max()) < 1e-9 * float(table.abs().max())
    assert float(table[:, 0].abs().max()) > 1.0


def thrown(lab, **outputs):
    """A block thrown into a corner, under a bar that turns."""
    return lab.scene_of(
        2,
        gravity=sc.Parameter((0.3, -G)),
        entities={
            "block": lab.box_of(
                (0.0, 0.0),
                (0.3125, 0.25),
                sc.NeoHookean(youngs_modulus=sc.Parameter(2e4), density=sc.Parameter(900.0)),
                velocity=sc.Parameter((-0.6, -0.5)),
            ),
            "bar": sc.Collider(
                sc.Box(center=sc.Parameter((0.25, 0.305)), size=(0.4, 0.1)),
                contact=sc.Coulomb(sc.Parameter(0.3)),
                motion=sc.Moving(velocity=(0.4, sc.Parameter(-0.3))),
            ),
        },
        boundary=sc.Boundary(x_lo=sc.Stick(), y_lo=sc.Slip(), default=sc.Separate()),
        outputs=outputs,
        time=sc.Time(end=1.0),
    )


def test_gradient_of_forces(lab):
    """What a bar with friction, a side that holds and one to slip on have felt, by all parameters and the first
    state."""
    forces = {
        name: sc.Force(on, every=10.0) for name, on in (("bar", "bar"), ("a", "boundary.x_lo"), ("b", "boundary.y_lo"))
    }
    lab.differentiates(thrown(lab, **forces), steps=100, dt=1.5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("contact", [sc.Stick(), sc.Slip()], ids=kinds)
def test_gradient_of_the_force_on_what_matter_clings_to(lab, contact):
    scene = thrown(lab, bar=sc.Force("bar", every=10.0))
    bar = scene.entities["bar"].model_copy(update={"contact": contact})
    lab.differentiates(scene.model_copy(update={"entities": {**scene.entities, "bar": bar}}), steps=100, dt=1.5e-3)


def test_gradient_of_a_mean_force_through_its_frames(lab):
    """Of the force in each of several frames, every one of which forgets what was before."""
    dt, frames = 1.5e-3, 4

    def force(angle, grad=False):
        scene = thrown(lab, bar=sc.Force("bar", every=20 * dt)).replace({"bar.contact.friction.value": angle})
        solver, state, params = compile_scene(scene, "cpu", "float64")
        roll = rollout(solver, state, params, until=20 * frames * dt, controller=Fixed(dt))
        weights = torch.arange(1.0, frames + 2, dtype=torch.float64)[:, None] * torch.tensor([1.0, 0.3])
        loss = (weights * roll.outputs["bar"]["force"][0]).sum()
        if not grad:
            return float(loss.detach())
        loss.backward()
        return float(params["bar.contact.friction"].grad)

    exact, h = force(0.3, grad=True), 1e-5
    assert abs(exact) > 1.0
    assert (force(0.3 + h) - force(0.3 - h)) / (2 * h) == pytest.approx(exact, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("spline", ["quadratic", "cubic"])
def test_forces_in_space_are_what_matter_loses(lab, spline):
    """A block thrown into a corner of which one side slips, one holds and one rubs, and at a plate that it clings to:
    all forces together are what it loses, about the origin too."""
    plate = sc.Collider(sc.Box(center=(0.25, 0.2, 0.55), size=(0.4, 0.3, 0.2)), contact=sc.Stick())
    names = {"plate": "plate", "x": "boundary.x_lo", "y": "boundary.y_lo", "z": "boundary.z_lo"}
    scene = lab.scene_of(
        3,
        8,
        entities={
            "block": lab.box_of((0.0, 0.0, 0.0), (0.25, 0.375, 0.4), STIFF, velocity=(-0.7, -0.5, -0.6)),
            "plate": plate,
        },
        boundary=sc.Boundary(x_lo=sc.Slip(), y_lo=sc.Stick(), z_lo=sc.Coulomb(0.3), default=sc.Separate()),
        outputs={name: sc.Force(on, every=0.02) for name, on in names.items()} | {"all": sc.Momentum(every=0.02)},
        time=sc.Time(end=0.06),
        method=sc.MaterialPoint(spline=spline),
    )
    outputs = rollout(*compile_scene(scene, "cpu", "float64")).outputs
    force = {name: outputs[name]["force"][0, 1:] for name in names}
    torque = {name: outputs[name]["torque"][0, 1:] for name in names}
    middle = torch.tensor([0.25, 0.2, 0.55], dtype=torch.float64).expand(3, 3)
    torque["plate"] = torque["plate"] + torch.linalg.cross(middle, force["plate"])
    for found, quantity in ((force, "momentum"), (torque, "angular_momentum")):
        lost = -outputs["all"][quantity][0].diff(dim=0) / 0.02
        assert all(float(one.abs().max()) > 1.0 for one in found.values())
        assert float((sum(found.values()) - lost).abs().max()) < 1e-10 * float(lost.abs().max()), quantity


def test_force_on_what_is_not_there_is_refused(lab):
    with pytest.raises(SceneError, match=r"'floor' is no collider, .* boundary.y_lo"):
        compile_scene(lab.scene_of(2, outputs={"lift": sc.Force("floor", every=0.1)}))
