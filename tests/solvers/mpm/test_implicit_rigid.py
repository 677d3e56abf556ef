"""Rigid bodies in implicit steps: momentum is kept, loads rest, the motion is the explicit one's, exact gradients."""

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.compile import compile_scene

G = 9.81


def implicit(**settings):
    return sc.MaterialPoint(integrator=sc.Implicit(**settings))


def explicit_bound(scene):
    solver, state, params = compile_scene(scene.replace({"method": sc.MaterialPoint()}), device="cpu", dtype="float64")
    return float(solver.max_dt(map_tensors(torch.Tensor.detach, state), params))


@pytest.mark.parametrize("contact", [sc.Separate(), sc.Coulomb(0.4)], ids=lambda contact: contact.kind)
def test_momentum_and_spin_are_kept(lab, contact):
    """A jelly hits a turned brick off its middle: what the one loses the other gains."""
    jelly = sc.Body(shape=sc.Sphere(center=(0.3, 0.5), radius=0.14), velocity=(1.0, 0.0), material=lab.jelly)
    brick = sc.RigidBody(
        sc.Box(center=(0.58, 0.58), size=(0.2, 0.25)), rotation=20.0, contact=contact, velocity=(-0.5, 0.0),
        angular_velocity=3.0,
    )  # fmt: skip
    scene = lab.scene_of(2, 16, entities={"jelly": jelly, "brick": brick}, method=implicit(tolerance=1e-12, creep=0.05))
    solver, state, params = lab.compiled(scene)
    after, _ = lab.march(solver, state, params, 50, dt=4e-3)
    first, last = solver.observe(state, params), solver.observe(after, params)
    passed = (after.rigid - state.rigid)[0, 0, 7:].abs()
    assert float(passed[:3].max()) > 0.2, "they have not met"
    assert float(passed[3:].max()) > 0.2, "it does not turn"
    assert float((last["momentum"] - first["momentum"]).abs().max()) < 1e-8 * float(first["momentum"].abs().max())


def loaded(stiffness, plate=2000.0):
    """A plate lies on a stiff block, which lies on a floor."""
    return sc.Scene(
        name="press",
        domain=sc.Domain(size=(1.0, 1.0), cells=(16, 16)),
        gravity=(0.0, -G),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.5, 0.2), size=(0.4, 0.2)), material=sc.NeoHookean(youngs_modulus=stiffness)
            ),
            "plate": sc.RigidBody(sc.Box(center=(0.5, 0.35), size=(0.6, 0.1)), density=plate, contact=sc.Coulomb(0.4)),
            "floor": sc.Wall(normal=(0.0, 1.0), offset=0.1, contact=sc.Coulomb(0.4)),
        },
        time=sc.Time(end=1.0),
    )


def test_a_plate_on_a_block_moves_as_with_explicit_steps(lab):
    """Heavy, and at twice the explicit step."""
    scene = loaded(1e6, plate=20000.0)
    heights = {}
    for method, times in ((sc.MaterialPoint(), 0.4), (implicit(), 2.0)):
        solver, state, params = lab.compiled(scene.replace({"method": method}))
        dt = times * explicit_bound(scene)
        assert dt < float(solver.max_dt(state, params))
        end, _ = lab.march(solver, state, params, round(0.06 / dt), dt)
        heights[times] = float(end.rigid[0, 0, 1] - state.rigid[0, 0, 1])
    assert heights[0.4] < -2e-3
    assert heights[2.0] == pytest.approx(heights[0.4], rel=0.1)


def test_gradients_through_a_rigid_body_agree_with_differences(lab):
    """A block falls on a heavy ball that lies on a rough floor: by its mass, place, first motion, friction, and by all
    that meets it."""
    scene = sc.Scene(
        name="onto",
        domain=sc.Domain(size=(1.0, 1.0), cells=(16, 16)),
        gravity=sc.Parameter((0.5, -G)),
        entities={
            "block": sc.Body(
                shape=sc.Box(center=(0.4, 0.46), size=(0.3, 0.2)),
                velocity=sc.Parameter((0.3, -2.0)),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e5)),
            ),
            "ball": sc.RigidBody(
                sc.Sphere(center=sc.Parameter((0.38, 0.22)), radius=0.13),
                contact=sc.Coulomb(sc.Parameter(0.4)),
                density=sc.Parameter(9000.0),
                velocity=sc.Parameter((0.2, -0.3)),
                angular_velocity=sc.Parameter(2.0),
            ),
            "floor": sc.Wall(normal=(0.1, 1.0), offset=sc.Parameter(0.09), contact=sc.Coulomb(sc.Parameter(0.3))),
        },
        time=sc.Time(end=1.0),
        method=implicit(tolerance=1e-12, creep=0.05),
    )
    lab.differentiates_at_once(scene, steps=16, dt=4e-3)


def test_the_forces_on_what_bears_a_block_are_its_weight(lab):
    """A stiff block on a wall, and on a collider: felt as means over each frame once it rests."""
    weight = 0.4 * 0.2 * 1000 * G
    for floor in (
        sc.Wall(normal=(0.0, 1.0), offset=0.1, contact=sc.Coulomb(0.4)),
        sc.Collider(sc.Box(center=(0.5, 0.05), size=(0.8, 0.1)), contact=sc.Coulomb(0.4)),
    ):
        scene = loaded(1e7)
        scene = scene.model_copy(
            update={
                "entities": {"block": scene.entities["block"], "floor": floor},
                "outputs": {"floor": sc.Force("floor", every=0.1)},
                "time": sc.Time(end=0.4, dt=0.01),
                "method": implicit(),
            }
        )
        force = rollout(*compile_scene(scene, "cpu", "float64")).outputs["floor"]["force"][0, -1]
        assert float(force[1]) == pytest.approx(-weight, rel=1e-3)
        assert abs(float(force[0])) < 1e-3 * weight
