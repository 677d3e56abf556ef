"""Gravity: its derivatives, the orbits that it makes, and the methods that follow them."""

import json
import math
import time
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.solvers.md.gravity import tree_sum
from scenegrad.solvers.md.gravity.tree_sum import TreeSum
from scenegrad.solvers.md.motions.pace import Stride, paced

TABLE = json.loads((files("scenegrad.assets") / "reference" / "md" / "nbody.json").read_text())


def scattered(dim=3, bodies=5, also=None, **changes):
    rng = np.random.default_rng(4)
    x, v = rng.standard_normal((2, bodies, dim)).round(6)
    names = {"a": slice(0, 2), "b": slice(2, bodies)}
    entities = {
        name: sg.Atoms(
            lattice=sg.Sites(tuple(map(tuple, x[part].tolist())), velocities=tuple(map(tuple, v[part].tolist()))),
            mass=sg.Parameter(0.7 + 0.6 * n),
        )
        for n, (name, part) in enumerate(names.items())
    }
    scene = sg.Scene(
        name="few",
        units="nbody",
        domain=sg.Domain.unbounded(dim=dim),
        entities={
            **entities,
            "pull": sg.Gravity(constant=sg.Parameter(1.3), softening=sg.Parameter(0.3)),
            **(also or {}),
        },
        time=sg.Time(end=1.0),
    )
    return scene.replace(changes)


def compiled(scene, dtype="float64"):
    solver, state, params = sg.compile(scene, device="cpu", dtype=dtype)
    return solver, map_tensors(torch.Tensor.detach, state), params


def run(scene, dtype="float64"):
    solver, state, params = compiled(scene, dtype)
    with torch.no_grad():
        return solver, state, params, rollout(solver, state, params)


@pytest.mark.parametrize("dim", [2, 3])
def test_force_and_virial_are_derivatives_of_the_energy(dim):
    solver, state, params = compiled(scattered(dim))
    field, box, x = solver.system.forces, solver.system.box, state.position
    force, sums = field.force(x, box, params), field.sums(x, box, params)[0]
    mass = solver.system.masses(params)[0]
    apart = x[0, :, None] - x[0, None]
    s = (apart.square().sum(-1) + 0.09).sqrt()
    energy = -1.3 * (mass[:, None] * mass / s).triu(1).sum()
    assert float(sums[0].detach()) == pytest.approx(float(energy.detach()), rel=1e-14)
    h, aim = 1e-5, torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    up, down = (float(field.sums(x + s * h * aim, box, params)[0, 0].detach()) for s in (1, -1))
    assert (up - down) / (2 * h) == pytest.approx(-float((force * aim).sum().detach()), rel=1e-8)
    strain = torch.randn(dim, dim, dtype=x.dtype, generator=torch.Generator().manual_seed(2))
    up, down = (float(field.sums(x + s * h * x @ strain.T, box, params)[0, 0].detach()) for s in (1, -1))
    assert (up - down) / (2 * h) == pytest.approx(-float((sums[1:].view(dim, dim) * strain).sum().detach()), rel=1e-7)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("dynamics", [sg.NVE(), sg.Hermite(), sg.SymmetricLeapfrog()], ids=lambda d: d.kind)
def test_gradients_agree_with_central_differences(dynamics, dim):
    scene = scattered(dim, dynamics=dynamics)
    addresses = {"a.mass": 0.7, "b.mass": 1.3, "pull.constant": 1.3, "pull.softening": 0.3}

    def loss(values, shift=0.0):
        solver, state, params = sg.compile(scene.replace(values), device="cpu", dtype="float64")
        state = map_tensors(torch.Tensor.detach, state)
        x, v = (value.clone().requires_grad_() for value in (state.position, state.velocity))
        aim = torch.linspace(-1.0, 1.0, x.numel(), dtype=x.dtype).view_as(x)
        moved = type(state)(**{**vars(state), "position": x + shift * aim, "velocity": v + shift * aim.flip(1)})
        end = rollout(solver, moved, params, 0.2, controller=Fixed(0.004), probes=()).state
        seen = solver.observe(end, params)
        total = (aim * end.position).sum() + (aim.cos() * end.velocity).sum() + 0.1 * seen["potential_energy"].sum()
        return total + 0.1 * seen["virial"].square().sum(), params, x, v, aim

    value, params, x, v, aim = loss({})
    value.backward()
    h = 1e-5
    for address, at in addresses.items():
        exact = float(params[address].grad)
        up, down = (float(loss({f"{address}.value": at + s * h})[0].detach()) for s in (1, -1))
        assert (up - down) / (2 * h) == pytest.approx(exact, rel=1e-6), address
    exact = float((x.grad * aim).sum() + (v.grad * aim.flip(1)).sum())
    up, down = (float(loss({}, s * h)[0].detach()) for s in (1, -1))
    assert (up - down) / (2 * h) == pytest.approx(exact, rel=1e-6)


def test_single_precision_pulls_alike():
    forces = []
    for dtype in ("float32", "float64"):
        solver, state, params = compiled(scattered(), dtype)
        forces.append(solver.system.force(state, params).double())
    torch.testing.assert_close(forces[0], forces[1], rtol=1e-5, atol=1e-6)


def on_ellipse(time, e):
    """Position and velocity of a body at unit half axis and mass, by Kepler's equation M = E - e sin E."""
    angle = time if e < 0.8 else math.pi
    for _ in range(60):
        angle -= (angle - e * math.sin(angle) - time) / (1 - e * math.cos(angle))
    root, rate = math.sqrt(1 - e * e), 1 / (1 - e * math.cos(angle))
    return np.array([math.cos(angle) - e, root * math.sin(angle)]), rate * np.array(
        [-math.sin(angle), root * math.cos(angle)]
    )


@pytest.mark.parametrize("e", TABLE["kepler"]["eccentricities"])
def test_planets_move_as_kepler_says(e):
    end = 2.0
    scene = sg.library.kepler(eccentricity=e, accuracy=1e-3).replace({"outputs": {}, "time.end": end})
    *_, result = run(scene)
    apart = (result.state.position[0, 1] - result.state.position[0, 0]).numpy()
    swift = (result.state.velocity[0, 1] - result.state.velocity[0, 0]).numpy()
    place, speed = on_ellipse(end, e)
    assert np.abs(apart - place).max() < 2e-7
    assert np.abs(swift - speed).max() < 2e-7


def test_hermite_is_of_fourth_order():
    errors = []
    for dt in (0.04, 0.02, 0.01):
        scene = sg.library.kepler(eccentricity=0.3, accuracy=1.0).replace(
            {"outputs": {}, "time.end": 2.0, "time.dt": dt, "dynamics.corrections": 3}
        )
        *_, result = run(scene)
        apart = (result.state.position[0, 1] - result.state.position[0, 0]).numpy()
        errors.append(np.abs(apart - on_ellipse(2.0, 0.3)[0]).max())
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(3.8 < order < 4.3 for order in orders), orders


def test_the_step_follows_the_encounter():
    """On an eccentric orbit steps at the pericentre are as (1 - e)^(3/2) to those at the apocentre, and a few hundred
    do for a period."""
    scene = sg.library.kepler(eccentricity=0.99, accuracy=0.01).replace({"outputs": {}})
    solver, state, params, result = run(scene)
    assert int(result.state.step[0]) < 1500
    before, after = (float(solver.observe(one, params)["total_energy"]) for one in (state, result.state))
    assert after == pytest.approx(before, rel=1e-4)


def test_symmetric_steps_lose_no_energy_over_many_orbits():
    """Beside the same rule without symmetry, whose energy goes away."""
    scene = sg.library.kepler(eccentricity=0.9, orbits=4.5).replace({"outputs": {}})
    lost = []
    for iterations in (0, 3):
        solver, state, params = compiled(scene.replace({"dynamics": sg.SymmetricLeapfrog(accuracy=0.15)}))
        motion = type(solver.motion)(solver.motion.motion, solver.motion.rule, iterations)
        one = type(solver)(solver.system, motion, solver.program)
        with torch.no_grad():
            ends = [rollout(one, state, params, 2 * math.pi * orbits).state for orbits in (0.5, 4.5)]
        energies = [float(solver.observe(s, params)["total_energy"]) for s in ends]
        lost.append(abs(energies[1] / energies[0] - 1))
    assert lost[1] < 0.05 * lost[0], lost


def test_symmetric_steps_lead_back_to_where_they_began():
    scene = sg.library.kepler(eccentricity=0.6).replace(
        {"outputs": {}, "dynamics": sg.SymmetricLeapfrog(iterations=15)}
    )
    solver, state, params = compiled(scene)
    there, lengths = state, []

    def one_step(state):
        dt = solver.max_dt(state, params)
        return solver.step(state, params, torch.zeros_like(dt), dt).state, float(dt)

    for _ in range(60):
        there, dt = one_step(there)
        lengths.append(dt)
    back = type(there)(**{**vars(there), "velocity": -there.velocity})
    for dt in reversed(lengths):
        back, again = one_step(back)
        assert again == pytest.approx(dt, rel=1e-9)
    torch.testing.assert_close(back.position, state.position, rtol=0.0, atol=1e-9)


def test_a_policy_says_how_long_steps_are():
    """dt from a function of the state; members keep steps of their own."""
    solver, state, params = compiled([sg.library.kepler(eccentricity=0.5).replace({"outputs": {}})] * 2)
    asked = []

    def policy(state, params):
        apart = (state.position[:, 0] - state.position[:, 1]).norm(dim=1)
        asked.append(apart)
        return 0.02 * apart**1.5

    one = paced(solver, policy)
    assert isinstance(one.program.controller, Stride)
    with torch.no_grad():
        end = rollout(one, state, params).state
    assert len(asked) > 300
    assert torch.allclose(
        end.position[:, 0] - end.position[:, 1], state.position[:, 0] - state.position[:, 1], atol=0.01
    )
    with pytest.raises(sg.EngineError, match="positive"):
        rollout(paced(solver, lambda state, params: torch.zeros(2)), state, params)


def test_a_member_does_not_feel_its_companions():
    one = sg.library.kepler(eccentricity=0.5).replace({"outputs": {}})
    scenes = [one, one.replace({"pull.constant": 0.7})]
    *_, both = run(scenes)
    *_, alone = run(scenes[1])
    assert torch.equal(both.state.position[1], alone.state.position[0])


def test_the_figure_of_eight_closes():
    scene = sg.library.figure_eight(accuracy=2e-3).replace({"outputs": {}})
    solver, state, params, result = run(scene)
    assert float((result.state.position - state.position).abs().max()) < 1e-7
    seen = [solver.observe(one, params) for one in (state, result.state)]
    assert float(seen[0]["total_energy"]) == pytest.approx(TABLE["figure8"]["refined_ic"]["energy"], rel=1e-14)
    assert float(seen[1]["total_energy"]) == pytest.approx(float(seen[0]["total_energy"]), rel=1e-8)
    third = rollout(solver, state, params, scene.time.end / 3).state.position[0]
    assert (
        float((third[0] - state.position[0, 1]).abs().max().minimum((third[0] - state.position[0, 2]).abs().max()))
        < 1e-8
    )


def test_the_virial_of_a_cluster_is_its_potential_energy():
    scene = sg.library.star_cluster(bodies=200, softening=0.0)
    solver, state, params = compiled(scene)
    seen = solver.observe(state, params)
    assert float(seen["virial"][0].trace()) == pytest.approx(float(seen["potential_energy"]), rel=1e-12)
    assert float(seen["kinetic_energy"] / seen["potential_energy"]) == pytest.approx(-0.5, rel=1e-12)


def test_what_gravity_cannot_do_is_refused():
    with pytest.raises(sg.SceneError, match=r"Domain\.unbounded"):
        sg.compile(scattered(domain=sg.Domain.periodic(size=(9.0, 9.0, 9.0))))
    with pytest.raises(sg.SceneError, match="second gravity"):
        sg.compile(scattered(also={"other": sg.Gravity()}))
    with pytest.raises(sg.SceneError, match="rate at which forces change"):
        sg.compile(scattered(also={"pair": sg.LennardJones()}, dynamics=sg.Hermite()))


def crowds(bodies):
    """Plummer's sphere, a ball of even density, and two clusters of different size."""
    rng = np.random.default_rng(5)

    def ball(count, radius):
        aim = rng.standard_normal((count, 3))
        return radius[:, None] * aim / np.linalg.norm(aim, axis=1, keepdims=True)

    def plummer(count):
        return ball(count, 1.0 / np.sqrt(rng.uniform(0.0, 0.97, count) ** (-2.0 / 3.0) - 1.0))

    half = bodies // 2
    return {
        "plummer": plummer(bodies),
        "even": ball(bodies, rng.uniform(size=bodies) ** (1.0 / 3.0)),
        "two": np.concatenate([0.3 * plummer(half), 0.1 * plummer(bodies - half) + 5.0]),
    }


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4, 1e-6])
@pytest.mark.parametrize("kind", ["plummer", "even", "two"])
def test_a_tree_keeps_its_tolerance(kind, tolerance):
    """For 99 bodies of 100, beside the sum over all pairs; and momentum to rounding."""
    x = torch.from_numpy(crowds(3000)[kind])
    mass = torch.from_numpy(np.random.default_rng(6).uniform(0.5, 1.5, len(x)))
    found, value = TreeSum(x, mass, 1e-3, tolerance, 48).field()
    exact = torch.empty_like(x)
    for some in range(0, len(x), 500):
        apart = x[None] - x[some : some + 500, None]
        inv = (apart.square().sum(dim=2) + 1e-6).rsqrt()
        exact[some : some + 500] = torch.einsum("ij,ijk->ik", mass * inv**3, apart)
        torch.testing.assert_close(
            value[some : some + 500], (mass * inv).sum(1) - 1e3 * mass[some : some + 500], rtol=tolerance, atol=0.0
        )
    off = ((found - exact).norm(dim=1) / exact.norm(dim=1)).sort().values
    assert float(off[int(0.99 * len(off))]) <= tolerance
    assert float(off[-1]) > 1e-12, "nothing was left out: this is no test of a tree"
    assert float((mass[:, None] * found).sum(dim=0).norm()) < 1e-12 * float((mass * exact.norm(dim=1)).sum())


def test_a_tree_that_was_too_coarse_is_asked_again(monkeypatch):
    """Its first attempt is spoilt; what it returns keeps the tolerance."""
    monkeypatch.setattr(tree_sum, "ALIKE", 4e3)
    x = torch.from_numpy(crowds(3000)["plummer"])
    mass, asked = torch.ones(len(x), dtype=torch.float64), []
    plain = TreeSum.summed

    def counted(self, described, sharpness, w):
        asked.append(sharpness)
        return plain(self, described, 1e3 * sharpness if len(asked) == 1 else sharpness, w)

    monkeypatch.setattr(TreeSum, "summed", counted)
    found, _ = TreeSum(x, mass, 1e-3, 1e-5, 48).field()
    assert len(asked) > 1
    monkeypatch.undo()
    exact, _ = TreeSum(x, mass, 1e-3, 1e-9, 3000).field()
    off = ((found - exact).norm(dim=1) / exact.norm(dim=1)).sort().values
    assert float(off[int(0.99 * len(off))]) <= 1e-5


def test_a_tree_that_never_keeps_its_tolerance_is_refused(monkeypatch):
    plain = TreeSum.balanced
    monkeypatch.setattr(TreeSum, "balanced", lambda self, slope: plain(self, 1.001 * slope))
    x = torch.from_numpy(crowds(300)["plummer"])
    with pytest.raises(EngineError, match=r"still off by 0\.001"):
        TreeSum(x, torch.ones(len(x), dtype=torch.float64), 1e-3, 1e-5, 48).field()


def test_a_tree_costs_little_more_for_each_body_where_there_are_many():
    """As N^2 it would cost eight times as much for each of eight times as many bodies; it is less than half of that."""
    work = {}
    for bodies in (300, 2000, 16000):  # the first loads kernels
        x = torch.from_numpy(crowds(bodies)["even"])
        tree = TreeSum(x, torch.ones(bodies, dtype=torch.float64), 0.0, 1e-3, 48)
        spent = []
        for _ in range(4):  # what disturbs a processor seldom does so every time
            began = time.process_time()
            tree.field()
            spent.append(time.process_time() - began)
        work[bodies] = min(spent) / bodies
    assert work[16000] < 4.0 * work[2000], work


@pytest.mark.parametrize("dim", [2, 3])
def test_a_tree_is_the_sum_over_all_pairs_in_both_precisions(dim):
    scene = sg.library.star_cluster(bodies=700, softening=0.01)
    if dim == 2:
        flat = tuple(row[:2] for row in scene.at("star.lattice.positions"))
        scene = scene.replace({"star.lattice": sg.Sites(flat), "domain.dimensions": 2})
    solver, state, params = compiled(scene)
    scene = scene.replace({"pull.tree": sg.Tree(tolerance=1e-7, leaf=8)})
    for dtype, tolerance in (("float64", 1e-6), ("float32", 1e-4)):
        tree, same, given = compiled(scene, dtype)
        exact, found = solver.system.force(state, params), tree.system.force(same, given).double()
        torch.testing.assert_close(found, exact, rtol=tolerance, atol=tolerance * float(exact.abs().mean()))
        known = solver.system.forces.sums(state.position, solver.system.box, params)
        sums = tree.system.forces.sums(same.position, tree.system.box, given)
        torch.testing.assert_close(sums, known, rtol=tolerance, atol=tolerance)


def test_a_tree_with_one_leaf_is_the_sum_over_all_pairs():
    scene = sg.library.star_cluster(bodies=40)
    solver, state, params = compiled(scene)
    tree, *_ = compiled(scene.replace({"pull.tree": sg.Tree(leaf=40)}))
    torch.testing.assert_close(
        tree.system.force(state, params), solver.system.force(state, params), rtol=1e-12, atol=1e-15
    )
    for one in (tree, solver):
        assert float(one.max_dt(state, params)) == pytest.approx(float(solver.max_dt(state, params)), rel=1e-12)


def test_derivatives_by_a_tree_are_those_of_the_sum_over_all_pairs():
    """Of forces, energies and the virial, by positions, masses and the constant; and of a rollout."""
    rng = np.random.default_rng(8)
    x = tuple(map(tuple, rng.standard_normal((300, 3)).tolist()))
    few, many = sg.Sites(x[:20]), sg.Sites(x[20:])
    scene = sg.Scene(
        name="crowd",
        units="nbody",
        domain=sg.Domain.unbounded(dim=3),
        entities={
            "big": sg.Atoms(lattice=few, mass=sg.Parameter(0.02)),
            "small": sg.Atoms(lattice=many, mass=sg.Parameter(0.002)),
            "pull": sg.Gravity(constant=sg.Parameter(1.1), softening=0.05),
        },
        time=sg.Time(end=0.2, dt=0.02),
    )
    found = []
    for tree in (None, sg.Tree(tolerance=1e-7, leaf=8)):
        solver, state, params = compiled(scene.replace({"pull.tree": tree}))
        at, field, box = state.position.clone().requires_grad_(), solver.system.forces, solver.system.box
        aim = torch.linspace(-1.0, 1.0, at.numel(), dtype=at.dtype).view_as(at).sin()
        sums = field.differentiable_sums(at, box, params)
        weight = torch.linspace(0.3, 1.7, sums.shape[1], dtype=sums.dtype)
        loss = (field.differentiable_force(at, box, params) * aim).sum() + (sums * weight).sum()
        learnt = [at, *(value for value in params.values() if value.requires_grad)]
        first = torch.autograd.grad(loss, learnt)
        end = rollout(solver, type(state)(**{**vars(state), "position": at}), params, 0.2).state
        found.append([*first, *torch.autograd.grad((end.position * aim).sum(), learnt)])
    assert len(found[0]) == 8
    for tree, pairs in zip(found[1], found[0], strict=True):
        assert float((tree - pairs).norm()) < 1e-5 * float(pairs.norm())


def test_a_tree_has_no_derivative_by_its_softening():
    with pytest.raises(sg.SceneError, match="no derivative by it"):
        sg.compile(scattered(**{"pull.tree": sg.Tree()}))
