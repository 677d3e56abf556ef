"""Sampling targets: energies by their formulas, derivatives by differences, published least energies."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import scenegrad as sg
from scenegrad.scenes.library import dw4, lj_cluster


def compiled(scene):
    return sg.compile(scene, device="cpu", dtype="float64")


def disturbed(state, by=0.1):
    noise = torch.from_numpy(np.random.default_rng(3).normal(size=state.position.shape))
    return replace(state, position=state.position + by * noise)


def distances(state):
    x = state.position[0]
    return torch.stack([(x[i] - x[j]).norm() for i, j in combinations(range(len(x)), 2)])


def test_dw4_has_the_energy_of_its_formula_and_stays_above_its_bound():
    solver, state, params = compiled(dw4())
    state = disturbed(state, 0.5)
    q = distances(state) - 4.0
    expected = float((0.9 * q**4 - 4.0 * q**2).sum())
    assert float(solver.observe(state, params)["potential_energy"]) == pytest.approx(expected, rel=1e-13)
    assert expected > -26.6666667


@pytest.mark.parametrize(("pairs", "weight"), [("unordered", 1.0), ("ordered", 2.0)])
def test_lennard_jones_counts_a_pair_once_or_twice_and_its_oscillator_once(pairs, weight):
    solver, state, params = compiled(lj_cluster(13, pairs, stiffness=0.7))
    state = disturbed(state, 0.05)
    s = distances(state) ** -6
    spread = state.position[0] - state.position[0].mean(dim=0)
    expected = weight * float((s**2 - 2.0 * s).sum()) + 0.35 * float(spread.square().sum())
    assert float(solver.observe(state, params)["potential_energy"]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("atoms", "least"), [(13, -44.326801), (38, -173.928427), (55, -279.248470)])
def test_clusters_start_next_to_their_published_least_energy(atoms, least):
    solver, state, params = compiled(lj_cluster(atoms, "unordered", stiffness=1e-12))

    def energy_and_slope(x):
        here = replace(state, position=torch.from_numpy(x).view_as(state.position).clone())
        slope = -solver.system.force(here, params).flatten().numpy()
        return float(solver.observe(here, params)["potential_energy"]), slope

    start = state.position.flatten().numpy()
    found = minimize(energy_and_slope, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-8})
    assert found.fun == pytest.approx(least, abs=1e-6)


P = sg.Parameter


def everything():
    """All targets, wells and biases at once, each number of them a parameter."""
    return dw4().model_copy(
        update={
            "entities": {
                **dw4().entities,
                "pair": sg.DoubleWellPairs(a=P(0.9), b=P(-4.0), c=P(0.1), d0=P(4.0)),
                "cluster": sg.LennardJonesPairs(pairs="ordered", epsilon=P(0.8), rm=P(2.5)),
                "oscillator": sg.Oscillator(stiffness=P(0.6)),
                "well": sg.HarmonicWell(stiffness=P(0.3), center=P((0.2, -0.1)), of="atoms"),
                "wall": sg.Confinement(radius=P(1.8), stiffness=P(3.0)),
                "bias": sg.DistanceBias(atoms=(0, 2), center=P(3.5), stiffness=P(2.0)),
            }
        }
    )


def test_force_virial_and_their_transposes_agree_with_differences():
    solver, state, params = compiled(everything())
    field, box = solver.system.forces, solver.system.box
    x, step = disturbed(state, 0.3).position, 1e-6

    def sums(x, p):
        return field.sums(x, box, p)[0]

    force = field.force(x, box, params)
    rng = np.random.default_rng(5)
    w = torch.from_numpy(rng.normal(size=x.shape))
    bar = torch.from_numpy(rng.normal(size=(1, 5)))
    x_bar, bars = field.product(x, box, params, w)
    s_bar, s_bars = field.sums_adjoint(x, box, params, bar)
    assert "well.center" in bars
    assert "pair.a" in bars

    for place in [(0, 0, 0), (0, 1, 1), (0, 3, 0)]:
        shift = torch.zeros_like(x)
        shift[place] = step
        slope = (sums(x + shift, params) - sums(x - shift, params)) / (2 * step)
        assert float(slope[0]) == pytest.approx(-float(force[place]), rel=1e-6, abs=1e-6)
        assert float(slope @ bar[0]) == pytest.approx(float(s_bar[place]), rel=1e-6, abs=1e-6)
        bent = field.force(x + shift, box, params) - field.force(x - shift, box, params)
        assert float((w * bent).sum()) / (2 * step) == pytest.approx(float(x_bar[place]), rel=1e-6, abs=1e-6)

    for address in field.addresses:
        up, down = params.detach(), params.detach()
        turn = torch.zeros_like(params[address].detach())
        turn.view(-1)[0] = step
        up, down = up.replace({address: up[address] + turn}), down.replace({address: down[address] - turn})
        by_force = float((w * (field.force(x, box, up) - field.force(x, box, down))).sum()) / (2 * step)
        by_sums = float((sums(x, up) - sums(x, down)) @ bar[0]) / (2 * step)
        zero = torch.zeros_like(params[address])
        assert by_force == pytest.approx(float(bars.get(address, zero).view(-1)[0]), rel=1e-6, abs=2e-6), address
        assert by_sums == pytest.approx(float(s_bars.get(address, zero).view(-1)[0]), rel=1e-6, abs=2e-6), address

    for a in range(2):
        for c in range(2):
            strain = torch.eye(2, dtype=torch.float64)
            strain[a, c] += step
            back = torch.eye(2, dtype=torch.float64)
            back[a, c] -= step
            slope = float((sums(x @ strain.T, params) - sums(x @ back.T, params))[0]) / (2 * step)
            assert slope == pytest.approx(-float(sums(x, params)[1 + 2 * a + c]), rel=1e-6, abs=1e-6)


def test_targets_without_images_are_refused_in_a_box_that_repeats():
    with pytest.raises(sg.SceneError, match=r"Domain\.unbounded"):
        sg.compile(dw4().replace({"domain": sg.Domain.periodic(size=(20.0, 20.0))}))
    with pytest.raises(sg.SceneError, match="there are clusters of"):
        lj_cluster(14)
    with pytest.raises(sg.SceneError, match="no two of the atoms"):
        sg.compile(everything().replace({"bias.atoms": (0, 9)}))
