"""Bodies with grids of their own press and rub each other, and part without a pull."""

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.scenes.errors import SceneError

STIFF = sc.NeoHookean(youngs_modulus=1e6, poisson_ratio=0.3, density=1000.0)


def pair(lab, contact, one, other, **fields) -> sc.Scene:
    return lab.scene_of(2, entities={"one": one, "other": other}, method=sc.MaterialPoint(contact=contact), **fields)


def colliding(lab, contact, dim=2) -> sc.Scene:
    """Two soft blocks meet off their middles, slide along each other and part."""
    soft = sc.NeoHookean(youngs_modulus=sc.Parameter(2e4), poisson_ratio=0.3, density=1000.0)
    flat = (0.4,) * (dim - 2)
    one = lab.box_of((0.2, 0.35, *flat), (0.25,) * dim, soft, velocity=sc.Parameter((1.0, 0.3, *(0.0,) * (dim - 2))))
    other = lab.box_of((0.5, 0.45, *flat), (0.25,) * dim, lab.jelly, velocity=(-1.0,) + (0.0,) * (dim - 1))
    entities = {"one": one, "other": other}
    return lab.scene_of(dim, entities=entities, method=sc.MaterialPoint(contact=contact), time=sc.Time(end=0.1))


@pytest.mark.parametrize("friction", [0.0, 0.5])
def test_meetings_keep_momentum_and_angular_momentum(lab, friction):
    solver, state, params = lab.compiled(colliding(lab, sc.Apart(friction)))
    before = solver.observe(state, params)
    after = solver.observe(lab.march(solver, state, params, 150, 1e-3)[0], params)
    for name in ("momentum", "angular_momentum"):
        assert float((after[name] - before[name]).abs().max()) < 1e-12 * float(before["mass"])
    assert float(after["kinetic_energy"]) < 0.99 * float(before["kinetic_energy"])


def test_bodies_that_touch_come_apart_without_a_pull(lab):
    """On one grid they stick; with grids of their own each goes on as if the other was not there."""
    one = lab.box_of((0.25, 0.4), (0.25, 0.25), STIFF, velocity=(-0.1, 0.0))
    other = lab.box_of((0.5, 0.4), (0.25, 0.25), STIFF, velocity=(0.1, 0.0))
    strain = {}
    for name, contact in (("together", sc.Together()), ("apart", sc.Apart(0.5))):
        solver, state, params = lab.compiled(pair(lab, contact, one, other))
        after, _ = lab.march(solver, state, params, 100)
        strain[name] = float((after.deformation - torch.eye(2)).abs().max())
    assert strain["apart"] < 1e-14
    assert strain["together"] > 1e-3


def test_a_block_on_another_slows_down_as_coulomb_says(lab, measure):
    """Its impulse along the surface is mu times that across it; the lower body is held by the floor."""
    friction, gravity, dx = 0.3, 9.81, 1 / 32
    floor = lab.box_of((0.0, 0.0), (3.0, 2 * dx), STIFF)
    block = lab.box_of((0.4, 2 * dx), (0.5, 0.125), STIFF, velocity=(1.5, 0.0))
    scene = sc.Scene(
        name="sliding",
        domain=sc.Domain(size=(3.0, 0.5), cells=(96, 16)),
        gravity=(0.0, -gravity),
        entities={"floor": floor, "block": block},
        boundary=sc.Boundary(y_lo=sc.Stick(), default=sc.Separate()),
        method=sc.MaterialPoint(contact=sc.Apart(friction)),
        time=sc.Time(end=0.4),
    )
    solver, state, params = lab.compiled(scene)
    part = solver.matter.bodies[1].slice
    state, _ = lab.march(solver, state, params, 400)
    early = state.velocity[0, part].mean(0)
    state, passed = lab.march(solver, state, params, 600)
    gained = state.velocity[0, part].mean(0) - early
    found = -float(gained[0] / (gained[1] + gravity * passed))
    measure("error of the friction between two bodies", abs(found / friction - 1), "0.03")
    assert found == pytest.approx(friction, rel=0.03)


def test_gradients_agree_with_central_differences(lab, dim):
    scene = colliding(lab, sc.Apart(sc.Parameter(0.3)), dim=dim)
    assert set(scene.parameters()) == {"one.material.youngs_modulus", "one.velocity", "method.contact.friction"}
    lab.differentiates(scene, 100, 1e-3)


def test_a_group_shares_a_grid(lab):
    one, other = lab.box_of((0.25, 0.4), (0.25, 0.25)), lab.box_of((0.5, 0.4), (0.25, 0.25), velocity=(0.2, 0.0))
    ends = []
    for contact in (sc.Together(), sc.Apart(0.5, groups=(("one", "other"),))):
        solver, state, params = lab.compiled(pair(lab, contact, one, other))
        ends.append(lab.march(solver, state, params, 20, 1e-3)[0].position)
    assert torch.equal(*ends)


def test_sparse_and_dense_grids_agree_to_rounding(lab):
    scene = colliding(lab, sc.Apart(0.3))
    ends = []
    for grid in (sc.Dense(), sc.Sparse()):
        method = sc.MaterialPoint(contact=sc.Apart(0.3), grid=grid)
        solver, state, params = lab.compiled(scene.model_copy(update={"method": method}))
        ends.append(lab.march(solver, state, params, 120, 1e-3)[0].position)
    torch.testing.assert_close(*ends, rtol=0.0, atol=1e-11)  # of kernels whose sums may be ordered differently


def test_groups_of_strangers_are_refused(lab):
    one, other = lab.box_of((0.25, 0.4), (0.25, 0.25)), lab.box_of((0.5, 0.4), (0.25, 0.25))
    contact = sc.Apart(0.5, groups=(("one", "othr"), ("one",)))
    with pytest.raises(SceneError, match=r"'othr' is no body.*other") as caught:
        lab.compiled(pair(lab, contact, one, other))
    assert "names one 2 times" in str(caught.value)
