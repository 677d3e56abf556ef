"""Rigid bonds keep their length, their energy and their gradients."""

import math

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene


def chains(end=1.0, dt=0.002, dynamics=None, sigma=0.9):
    """Six rigid chains of five beads in a periodic box."""
    return sc.Scene(
        name="chains",
        units="lj",
        domain=sc.Domain.periodic(size=(4.6, 4.6, 4.6)),
        entities={
            "bead": sc.Atoms(lattice=sc.Chains(count=6, length=5), temperature=sc.Parameter(1.0)),
            "pair": sc.LennardJones(sigma=sc.Parameter(sigma), cutoff=2.2, cut="switch"),
            "rod": sc.RigidBond(of="bead"),
        },
        dynamics=dynamics or sc.NVE(),
        time=sc.Time(end=end, dt=dt),
        seed=3,
    )


def bonds(solver, state):
    d = solver.motion.bonds.apart(state.position, solver.system.box)
    v = solver.motion.bonds.between(state.velocity)
    return d.norm(dim=3), (d * v).sum(dim=3)


@pytest.mark.parametrize("dynamics", [None, sc.Langevin(temperature=1.0, friction=2.0)])
def test_lengths_and_velocities_fit_the_bonds(dynamics):
    solver, state, params = compile_scene(chains(0.4, 0.004, dynamics), device="cpu", dtype="float64")
    before, along = bonds(solver, state)
    assert float(along.detach().abs().max()) < 1e-12
    end = rollout(solver, state, params.detach()).state
    after, along = bonds(solver, end)
    torch.testing.assert_close(after, before, rtol=1e-10, atol=0)
    assert float(along.detach().abs().max()) < 1e-10
    assert float((end.position - state.position).detach().abs().max()) > 0.1


def test_energy_wavers_with_the_square_of_the_step():
    swings = []
    for dt in (0.004, 0.002):
        scene = chains(0.2, dt)
        solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
        params, energy = params.detach(), []
        time, step = torch.zeros(1, dtype=torch.float64), torch.full((1,), dt, dtype=torch.float64)
        state = type(state)(**{k: v.detach() if v is not None else None for k, v in vars(state).items()})
        for _ in range(round(0.2 / dt)):
            state = solver.step(state, params, time, step).state
            energy.append(float(solver.observe(state, params)["total_energy"]))
        swings.append(np.std(energy))
    assert 1.7 < math.log2(swings[0] / swings[1]) < 2.3, swings


def test_a_dumbbell_turns_as_a_rigid_body_and_pulls_on_its_bond():
    """Two masses about their middle: speed v at radius L/2; the bond bears m v^2 / (L/2)."""
    v, length, mass = 0.7, 1.3, 2.0
    start = sc.Sites(((0.0, 0.0, 0.0), (length, 0.0, 0.0)), velocities=((0.0, -v, 0.0), (0.0, v, 0.0)))
    scene = sc.Scene(
        name="dumbbell",
        units="lj",
        domain=sc.Domain.periodic(size=(9.0, 9.0, 9.0)),
        entities={"A": sc.Atoms(lattice=start, mass=mass), "rod": sc.RigidBond(groups=((0, 1),))},
        time=sc.Time(end=1.0, dt=0.001),
    )
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    assert float(solver.observe(state, params)["virial"][0, 0, 0]) == pytest.approx(-2.0 * mass * v**2)
    end = rollout(solver, state, params).state
    d = (end.position[0, 1] - end.position[0, 0]).tolist()
    turn = v / (0.5 * length)
    assert math.atan2(d[1], d[0]) == pytest.approx(turn, rel=1e-6)
    assert solver.freedoms() == pytest.approx(2)


def test_gradients_pass_through_the_bonds():
    def loss(sigma, heat):
        scene = chains(0.02, 0.002, sigma=sigma).replace({"bead.temperature.value": heat})
        solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
        end = rollout(solver, state, params).state
        weights = torch.linspace(-1.0, 1.0, end.position.numel(), dtype=torch.float64).view_as(end.position)
        return (weights * end.position).sum() + (weights * end.velocity.square()).sum(), params

    value, params = loss(0.9, 1.0)
    found = torch.autograd.grad(value, [params["pair.sigma"], params["bead.temperature"]])
    for k, slope in enumerate(found):
        h, ends = 1e-5, []
        for sign in (1, -1):
            at = [0.9, 1.0]
            at[k] += sign * h
            ends.append(float(loss(*at)[0].detach()))
        assert float(slope) == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)


def test_temperature_counts_the_freedoms_that_are_left():
    scenes = [chains().replace({"seed": seed}) for seed in range(3, 15)]
    seen = []
    for scene in scenes:
        solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
        assert solver.freedoms() == pytest.approx(3 * 30 - 3 - 24)
        seen.append(float(solver.observe(state, params)["temperature"].detach()))
    assert np.mean(seen) == pytest.approx(1.0, abs=4 * np.std(seen) / math.sqrt(len(seen)))


def test_rigid_bonds_are_refused_where_nothing_holds_them():
    with pytest.raises(SceneError, match=r"held by NVE\(\) and by Langevin"):
        compile_scene(chains(dynamics=sc.NoseHoover(temperature=1.0)), device="cpu", dtype="float64")
