"""Replica exchange: the distribution on every rung is that of its temperature, and swaps are accepted as often as exact
energies would have them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.scenes.errors import SceneError
from scenegrad.verification.md.small_systems import well

RUNGS = [0.5, 0.8, 1.3, 2.0]


@pytest.fixture(scope="module")
def harmonic():
    return sg.sampling.replica_exchange(
        well(), RUNGS, every=10, exchanges=200, ladders=24, warmup=100, seed=4, device="cpu", dtype="float64"
    )


def independent_means(values):
    """Mean and error [rung] of values [exchange, ladder, rung], of which ladders are independent."""
    by_ladder = values.mean(dim=0)
    return by_ladder.mean(dim=0), by_ladder.std(dim=0) / len(by_ladder) ** 0.5


def test_energies_of_a_harmonic_system_have_the_gamma_distribution_on_every_rung(harmonic):
    temperatures = torch.tensor(RUNGS, dtype=torch.float64)
    for power, exact in [(1, 2.0 * temperatures), (2, 6.0 * temperatures**2)]:  # four squares: Gamma(2, T)
        mean, error = independent_means(harmonic.energies**power)
        assert float(((mean - exact) / error).abs().max()) < 4.0
    thin = harmonic.energies[::5].reshape(-1, len(RUNGS)).numpy()
    for rung, temperature in enumerate(RUNGS):
        assert stats.kstest(thin[:, rung], stats.gamma(2.0, scale=temperature).cdf).pvalue > 1e-3


def test_swaps_are_accepted_as_often_as_exact_energies_would_have_them(harmonic):
    rng = np.random.default_rng(0)
    for rung, (cold, hot) in enumerate(pairwise(RUNGS)):
        low, high = rng.gamma(2.0, cold, 400_000), rng.gamma(2.0, hot, 400_000)
        exact = np.minimum(1.0, np.exp((1 / cold - 1 / hot) * (low - high))).mean()
        tried = float(harmonic.tried[rung])
        assert tried == 2400
        assert abs(float(harmonic.acceptance[rung]) - exact) < 5.0 * (exact * (1 - exact) / tried) ** 0.5


def test_every_replica_stands_on_one_rung_and_walks_the_ladder(harmonic):
    assert torch.equal(harmonic.at.sort(dim=2).values, torch.arange(4).expand_as(harmonic.at))
    assert float(harmonic.round_trips.double().mean()) > 2.0
    held = harmonic.members.temperature.view(-1, 4).gather(1, harmonic.at[-1])
    torch.testing.assert_close(held, torch.tensor(RUNGS, dtype=torch.float64).expand_as(held))


def test_a_run_that_goes_on_has_the_bits_of_one_that_never_stopped():
    def run(exchanges, **more):
        settings = {"every": 5, "ladders": 2, "seed": 3, "device": "cpu", "dtype": "float64", "keep_positions": True}
        return sg.sampling.replica_exchange(well(), RUNGS, exchanges=exchanges, **settings, **more)

    whole, half = run(8), run(3)
    rest = run(5, start=half)
    assert torch.equal(torch.cat([half.energies, rest.energies]), whole.energies)
    assert torch.equal(torch.cat([half.positions, rest.positions]), whole.positions)
    assert torch.equal(rest.at[-1], whole.at[-1])
    assert torch.equal(rest.accepted, whole.accepted)
    assert rest.done == 8


def test_positions_on_a_rung_have_the_energy_of_that_rung():
    run = sg.sampling.replica_exchange(
        well(), RUNGS, every=5, exchanges=6, ladders=2, seed=3, keep_positions=True, device="cpu", dtype="float64"
    )
    energy = 0.5 * run.positions.square().sum(dim=(3, 4))
    torch.testing.assert_close(energy, run.energies)


def test_a_solver_that_is_compiled_already_is_taken_as_it_is():
    scenes = [well().replace({"seed": k}) for k in range(4)]
    given = sg.compile(scenes, device="cpu", dtype="float64")
    run = sg.sampling.replica_exchange(given, RUNGS, every=5, exchanges=4)
    assert run.members.dt == 0.1
    assert bool(torch.isfinite(run.energies).all())
    with pytest.raises(EngineError, match="4 members"):
        sg.sampling.replica_exchange(given, RUNGS, ladders=2)
    with pytest.raises(EngineError, match="ascending"):
        sg.sampling.replica_exchange(given, RUNGS[::-1])
    with pytest.raises(sg.SceneError, match="no temperature"):
        sg.sampling.replica_exchange(well().replace({"dynamics": sg.NVE()}), RUNGS)


def test_the_heat_capacity_of_a_harmonic_system_is_half_of_its_squares(harmonic):
    found = sg.sampling.heat_capacity(harmonic, [0.6, 0.9, 1.1, 1.6])
    pulls = (found.capacity - 2.0) / found.error
    assert float(pulls.abs().max()) < 4.0
    assert float(found.error.max()) < 0.15
    exact = 2.0 * found.temperature
    assert float(((found.energy - exact) / found.energy_error).abs().max()) < 4.0
    free = harmonic.mbar()
    ratio = 2.0 * torch.log(torch.tensor(RUNGS, dtype=torch.float64) / RUNGS[0])  # ln Z_k / Z_0, Z ~ T^2
    assert float(((free.free_energies + ratio)[1:] / free.errors[0, 1:]).abs().max()) < 4.0


def test_the_peak_of_a_curve_is_found_between_its_points():
    t = torch.linspace(0.0, 1.0, 11, dtype=torch.float64)
    nothing = torch.zeros_like(t)
    found = sg.sampling.HeatCapacity(t, nothing, nothing, 3.0 - (t - 0.43) ** 2, nothing, nothing)
    assert found.peak == pytest.approx((0.43, 3.0))


@pytest.mark.parametrize(
    "dynamics",
    [sg.ConstantPressure(temperature=1.0, pressure=1.0), sg.ActiveBrownian(temperature=1.0, speed=1.0, rotation=1.0)],
    ids=["pressure", "active"],
)
def test_states_that_energies_alone_do_not_weigh_are_refused(dynamics):
    scene = sg.library.lj_fluid(cells=2, warmup=0.0).replace({"dynamics": dynamics, "outputs": {}})
    with pytest.raises(SceneError, match="whose states are not those of"):
        sg.sampling.replica_exchange(scene, [1.0, 1.2], every=1, exchanges=1, device="cpu")
