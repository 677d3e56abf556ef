"""Bodies with grids of their own meet where cells become finer."""

import pytest
import torch

import scenegrad.scenes as sc

STIFF = sc.NeoHookean(youngs_modulus=1e6, poisson_ratio=0.3, density=1000.0)


def colliding(lab, contact, **fields):
    """Two soft blocks meet off their middles, slide along each other and part, half of it in fine cells."""
    soft = sc.NeoHookean(youngs_modulus=sc.Parameter(2e4), poisson_ratio=0.3, density=1000.0)
    one = lab.box_of((0.2, 0.35), (0.25, 0.25), soft, velocity=sc.Parameter((1.0, 0.3)))
    other = lab.box_of((0.5, 0.45), (0.25, 0.25), lab.jelly, velocity=(-1.0, 0.0))
    finer = sc.Finer(size=(0.25, 0.15), around=(0.5, 0.6), blend=0.12)
    method = sc.MaterialPoint(contact=contact, refine=finer, **fields)
    return lab.scene_of(2, entities={"one": one, "other": other}, method=method, time=sc.Time(end=0.1))


@pytest.mark.parametrize("grid", [sc.Dense(), pytest.param(sc.Sparse(), marks=pytest.mark.slow)])
def test_meetings_keep_momentum_and_angular_momentum(lab, grid):
    solver, state, params = lab.compiled(colliding(lab, sc.Apart(0.5), grid=grid))
    before = solver.observe(state, params)
    after = solver.observe(lab.march(solver, state, params, 150, 1e-3)[0], params)
    for name in ("momentum", "angular_momentum"):
        assert float((after[name] - before[name]).abs().max()) < 1e-12 * float(before["mass"])
    assert float(after["kinetic_energy"]) < 0.99 * float(before["kinetic_energy"])


def test_bodies_that_touch_come_apart_without_a_pull(lab):
    """Their surface runs through coarse cells, the blend and fine cells; it parts everywhere."""
    one = lab.box_of((0.25, 0.3), (0.25, 0.4), STIFF, velocity=(-0.1, 0.0))
    other = lab.box_of((0.5, 0.3), (0.25, 0.4), STIFF, velocity=(0.1, 0.0))
    finer = sc.Finer(size=(0.2, 0.1), around=(0.5, 0.5), blend=0.1)
    strain = {}
    for name, contact in (("together", sc.Together()), ("apart", sc.Apart(0.5))):
        method = sc.MaterialPoint(contact=contact, refine=finer)
        solver, state, params = lab.compiled(lab.scene_of(2, entities={"one": one, "other": other}, method=method))
        after, _ = lab.march(solver, state, params, 100)
        strain[name] = float((after.deformation - torch.eye(2)).abs().max())
    assert strain["apart"] < 1e-13
    assert strain["together"] > 1e-3


def test_bodies_pressed_together_feel_each_other_alike_in_fine_and_coarse_cells(lab):
    """A slab falls on another: the lower one gains the same speed with and without fine cells along a part of it."""
    soft = sc.NeoHookean(youngs_modulus=1e5, poisson_ratio=0.0, density=1000.0)
    lower, upper = (
        lab.box_of((0.0, 0.2), (1.0, 0.25), soft),
        lab.box_of((0.0, 0.45), (1.0, 0.25), soft, velocity=(0.0, -0.5)),
    )
    speeds = []
    for refine in (None, sc.Finer(size=(0.2, 0.1), around=(0.5, 0.45), blend=0.125)):
        method = sc.MaterialPoint(contact=sc.Apart(0.0), refine=refine)
        around = sc.Boundary(x=sc.Periodic(), default=sc.Separate())
        scene = lab.scene_of(2, entities={"lower": lower, "upper": upper}, boundary=around, method=method)
        solver, state, params = lab.compiled(scene)
        seen = []
        for _ in range(12):
            state, _ = lab.march(solver, state, params, 10, 5e-4)
            seen.append(state.velocity[0, solver.matter.bodies[0].slice, 1].mean())
        speeds.append(torch.stack(seen))
    assert float((speeds[1] - speeds[0]).abs().max()) < 0.08 * float(speeds[0].abs().max())


def test_gradients_agree_with_central_differences(lab):
    lab.differentiates(colliding(lab, sc.Apart(sc.Parameter(0.3))), 100, 1e-3)
