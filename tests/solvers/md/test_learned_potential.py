"""Torch modules as potentials: what they may not see, how their weights learn, and forces that they recover."""

import copy

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.state import Params
from scenegrad.surrogates.potentials import RadialNetwork

CUTOFF = 1.7


def liquid(*laws, cells=3, temperature=1.0):
    """Lennard-Jones atoms; the potentials are those named: "pair", "network"."""
    known = {
        "pair": sg.LennardJones(cutoff=CUTOFF, cut="switch"),
        "network": sg.LearnedPotential(law="radial", cutoff=CUTOFF),
    }
    return sg.Scene(
        name="liquid",
        units="lj",
        domain=sg.Domain.periodic(density=0.8),
        entities={
            "Ar": sg.Atoms(lattice=sg.FCC(cells=(cells,) * 3), temperature=temperature),
            **{law: known[law] for law in laws},
        },
        time=sg.Time(end=0.1, dt=0.004),
    )


@pytest.fixture
def network():
    torch.manual_seed(0)
    module = RadialNetwork(CUTOFF, first=0.8).double()
    sg.register_potential("radial", module)
    return module


def compiled(*laws):
    solver, state, params = sg.compile(liquid(*laws), device="cpu", dtype="float64")
    x = state.position.detach().clone()
    x += 0.05 * torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(x.shape)))
    return solver.system, x, params


def slope(function, h=1e-5):
    """At 0, by differences of fourth order."""
    near, far = (function(k * h) - function(-k * h) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * h)


def test_energy_does_not_know_how_the_box_lies_nor_which_atom_is_which(network):
    system, x, params = compiled("network")
    energy = system.forces.sums(x, system.box, params)[0, 0]
    turned = torch.stack([x[..., 1], -x[..., 0], x[..., 2]], dim=-1) + 0.37
    shuffled = x[:, torch.from_numpy(np.random.default_rng(1).permutation(x.shape[1]))].contiguous()
    for other in (turned.contiguous(), shuffled):
        assert float(system.forces.sums(other, system.box, params)[0, 0]) == pytest.approx(float(energy), rel=1e-10)
    assert float(system.forces.force(x, system.box, params).sum(dim=1).abs().max()) < 1e-10


def test_force_and_its_derivatives_by_differences(network):
    system, x, params = compiled("network")
    rng = np.random.default_rng(2)
    w, v = (torch.from_numpy(rng.standard_normal(tuple(x.shape))) for _ in range(2))

    def energy(y, given=params):
        return float(system.forces.sums(y, system.box, given)[0, 0])

    def pulled(y, given=params):
        return float((w * system.forces.force(y, system.box, given)).sum())

    found = -float((system.forces.force(x, system.box, params) * v).sum())
    assert found == pytest.approx(slope(lambda s: energy(x + s * v)), rel=1e-7)
    x_bar, bars = system.forces.product(x, system.box, params, w)
    assert float((x_bar * v).sum()) == pytest.approx(slope(lambda s: pulled(x + s * v)), rel=1e-6)
    address = "network.weights.inner.weight"
    lean = torch.from_numpy(rng.standard_normal(tuple(params[address].shape)))

    def leaning(s):
        return pulled(x, Params({**params, address: params[address].detach() + s * lean}))

    assert float((bars[address] * lean).sum()) == pytest.approx(slope(leaning), rel=1e-6)


def test_a_network_adds_to_a_pair_potential(network):
    """As forces, and through a rollout as gradients of weights."""
    (both, x, params), (pair, _, few), (alone, _, some) = (
        compiled("pair", "network"),
        compiled("pair"),
        compiled("network"),
    )
    parts = pair.forces.force(x, pair.box, few) + alone.forces.force(x, alone.box, some)
    torch.testing.assert_close(both.forces.force(x, both.box, params), parts, rtol=1e-10, atol=1e-10)
    solver, state, params = sg.compile(liquid("pair", "network"), device="cpu", dtype="float64")

    def end(given):
        after = sg.rollout(solver, state, given, 0.04, controller=sg.Fixed(0.004), probes=()).state
        return after.position.square().sum()

    address, h = "network.weights.linear.weight", 1e-4
    (bar,) = torch.autograd.grad(end(params), params[address])
    lean = torch.zeros_like(bar)
    lean[0, 0, 5] = 1.0
    up, down = (end(Params({**params, address: params[address].detach() + s * h * lean})).item() for s in (1.0, -1.0))
    assert float(bar[0, 0, 5]) == pytest.approx((up - down) / (2 * h), rel=1e-4)


def test_members_may_have_weights_of_their_own(network):
    scene = liquid("network")
    solver, state, params = sg.compile([scene, scene], device="cpu", dtype="float64")
    address = "network.weights.linear.weight"
    other = params[address].detach().clone()
    other[1] *= 2.0
    x = state.position.detach() * 1.01
    both = solver.system.forces.force(x, solver.system.box, Params({**params, address: other}))
    single, _, mine = sg.compile(scene, device="cpu", dtype="float64")
    for member in range(2):
        own = Params({**mine, address: other[member : member + 1]})
        alone = single.system.forces.force(x[member : member + 1].contiguous(), single.system.box, own)
        torch.testing.assert_close(both[member], alone[0], rtol=1e-10, atol=1e-10)


def test_force_matching_recovers_lennard_jones(network):
    """Gradients of a loss of forces are second derivatives of the energy; the network has not seen the last picture."""
    pictures = 6
    (system, params), (truth, known) = (
        (solver.system, params)
        for solver, _, params in (
            sg.compile([liquid(law, cells=2)] * pictures, device="cpu", dtype="float64") for law in ("network", "pair")
        )
    )
    x = sg.compile(liquid("pair", cells=2), device="cpu", dtype="float64")[1].position.detach()
    x = x + 0.08 * torch.from_numpy(np.random.default_rng(3).standard_normal((pictures, *x.shape[1:])))
    wanted = truth.forces.force(x, truth.box, known).clone()
    module = copy.deepcopy(network)
    optimiser = torch.optim.LBFGS(module.parameters(), max_iter=250, history_size=100, line_search_fn="strong_wolfe")

    def missed():
        """Mean square error of the forces in each picture, relative to all."""
        found = system.forces.differentiable_force(x, system.box, sg.with_potential(params, "network", module))
        return (found - wanted).square().mean(dim=(1, 2)) / wanted.square().mean()

    def closure():
        optimiser.zero_grad()
        loss = missed()[:-1].mean()
        loss.backward()
        return loss

    before = missed()[-1].item() ** 0.5
    optimiser.step(closure)
    after = missed()[-1].item() ** 0.5
    assert before > 0.5
    assert after < 0.05, f"forces are off by {after:.1%}"


def test_a_law_that_nobody_registered_is_refused():
    scene = liquid("network")
    entities = {**scene.entities, "network": sg.LearnedPotential(law="radical", cutoff=CUTOFF)}
    with pytest.raises(sg.SceneError, match="nobody registered"):
        sg.compile(scene.model_copy(update={"entities": entities}), device="cpu")
