"""Active Brownian particles: how far free ones go, how they turn, what entropy they make, and derivatives by it all."""

import math

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene

NOTHING = sc.Yukawa(strength=0.0, screening=1.0, cutoff=1.5)
LATTICE = {2: sc.Square(cells=(50, 50)), 3: sc.SimpleCubic(cells=(14, 14, 14))}


def swarm(dim, outputs, density=0.4, crowded=False, end=4.0, dt=0.02, lattice=None, **dynamics):
    given = {"temperature": 0.3, "speed": 3.0, "rotation": 0.8, "friction": 2.0} | dynamics
    return sc.Scene(
        name="swarm",
        units="lj",
        domain=sc.Domain.periodic(density=density),
        entities={"A": sc.Atoms(lattice=lattice or LATTICE[dim]), "pair": sc.WCA() if crowded else NOTHING},
        dynamics=sc.ActiveBrownian(**given),
        outputs=outputs,
        time=sc.Time(end=end, dt=dt),
    )


def compiled(scene):
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    return solver, map_tensors(torch.Tensor.detach, state), params


@pytest.mark.parametrize("dim", [2, 3])
def test_free_particles_go_as_far_as_the_formula_says(dim):
    """From ballistic to diffusive; its slope at the end is that of D + v^2 tau / d."""
    made = rollout(*compiled(swarm(dim, {"msd": sc.MSD(every=0.4, lags=10)}))).outputs["msd"][0, -1]
    time, tau = 0.4 * torch.arange(11, dtype=torch.float64), 1 / ((dim - 1) * 0.8)
    known = 2 * dim * 0.3 / 2.0 * time + 2 * 9.0 * tau**2 * (time / tau - 1 + torch.exp(-time / tau))
    assert float((made[1:] / known[1:] - 1).abs().max()) < 5 * math.sqrt(2.0 / (dim * 2500))
    slope = float(known[-1] - known[-2]) / 0.4 / (2 * dim)
    assert slope == pytest.approx(0.15 + 9.0 * tau / dim, rel=0.05)


@pytest.mark.parametrize("dim", [2, 3])
def test_directions_stay_unit_vectors_and_forget_as_their_diffusion_asks(dim):
    solver, state, params = compiled(swarm(dim, {}))
    after = rollout(solver, state, params, 1.0).state.heading
    torch.testing.assert_close(after.norm(dim=2), torch.ones_like(after[..., 0]))
    kept = float((after * state.heading).sum(dim=2).mean())
    assert kept == pytest.approx(math.exp(-(dim - 1) * 0.8), abs=5 / math.sqrt(2500))
    assert float(state.heading.mean(dim=1).abs().max()) < 5 / math.sqrt(dim * 2500)


def test_free_particles_make_the_entropy_of_their_drag():
    """m friction v^2 / T each; in a crowd, which stands in their way, less."""
    outputs = {"entropy": sc.EntropyProduction(every=1.0)}
    free = rollout(*compiled(swarm(2, outputs, end=1.0))).outputs["entropy"]["per_particle"]
    torch.testing.assert_close(free, torch.full_like(free, 2.0 * 9.0 / 0.3))
    crowd = swarm(2, outputs, density=0.8, crowded=True, end=1.0, dt=0.001, lattice=sc.Square(cells=(16, 16)))
    dense = rollout(*compiled(crowd)).outputs["entropy"]["per_particle"][0, -1]
    assert 0.0 < float(dense) < 0.7 * 60.0


@pytest.mark.parametrize(
    "address", ["dynamics.speed", "dynamics.rotation", "dynamics.temperature", "dynamics.friction"]
)
def test_gradients_are_those_of_central_differences(address):
    crowd = swarm(2, {}, density=0.8, crowded=True, end=0.05, dt=0.001, lattice=sc.Square(cells=(6, 6)))
    given = crowd.at(address)
    solver, state, params = compiled(crowd.replace({address: sc.Parameter(given).model_dump(mode="json")}))
    way = torch.randn(state.position.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def loss(value):
        return (rollout(solver, state, params.replace({address: value}), 0.05).state.position * way).sum()

    value = torch.tensor([given], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(value), value)
    with torch.no_grad():
        h = 1e-5
        known = (loss(value + h) - loss(value - h)) / (2 * h)
    assert float(slope) == pytest.approx(float(known), rel=1e-6)


def test_a_run_taken_up_again_goes_on_with_the_same_bits():
    solver, state, params = compiled(swarm(3, {}, lattice=sc.SimpleCubic(cells=(5, 5, 5))))
    whole = rollout(solver, state, params, 0.4).state
    half = rollout(solver, state, params, 0.2).state
    rest = rollout(solver, map_tensors(torch.clone, half), params, 0.4, start=0.2).state
    assert torch.equal(rest.heading, whole.heading)
    assert torch.equal(rest.position, whole.position)


def test_entropy_of_passive_atoms_is_refused():
    scene = swarm(2, {"entropy": sc.EntropyProduction(every=1.0)})
    scene = scene.model_copy(update={"dynamics": sc.Brownian(temperature=0.3)})
    with pytest.raises(SceneError, match="that of active particles"):
        compiled(scene)


def test_the_step_follows_the_drive():
    """What pushes harder needs shorter steps. With the longest that are allowed before they meet, two that run into
    each other come to rest where repulsion holds the push, -u'(r) = m g v."""
    pair, bounds = sc.Sites(((4.0, 4.0), (6.0, 4.0))), []
    for speed in (3.0, 30.0, 300.0):
        scene = swarm(2, {}, crowded=True, lattice=pair, temperature=1e-9, rotation=1e-9, speed=speed)
        solver, state, params = compiled(scene.replace({"domain": sc.Domain.periodic(size=(8.0, 8.0))}))
        toward = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]], dtype=torch.float64)
        state = type(state)(**{**vars(state), "heading": toward})
        bounds.append(float(solver.max_dt(state, params)))
        end = rollout(solver, state, params, 1.5 / speed, controller=Fixed(bounds[-1])).state
        r = float((end.position[0, 1] - end.position[0, 0]).norm())
        assert 24.0 * (2.0 * r**-13 - r**-7) == pytest.approx(2.0 * speed, rel=1e-3), speed
    assert bounds[0] > 5.0 * bounds[1] > 25.0 * bounds[2]


def test_the_step_of_a_member_is_the_one_it_would_have_alone():
    """Also where discs of a batch differ in size, which bounds how far one goes in a step."""
    pair = sc.Sites(((4.0, 4.0), (12.0, 12.0)))
    scene = swarm(2, {}, crowded=True, lattice=pair, speed=300.0, rotation=1e-9).replace(
        {"domain": sc.Domain.periodic(size=(16.0, 16.0))}
    )
    members = [scene.replace({"pair.sigma": sigma}) for sigma in (1.0, 0.5)]
    solver, state, params = compiled(members)
    alone = [compiled(one) for one in members]
    bounds = torch.cat([one.max_dt(*rest) for one, *rest in alone])
    assert torch.equal(solver.max_dt(state, params), bounds)
    assert float(bounds[1]) < float(bounds[0])
