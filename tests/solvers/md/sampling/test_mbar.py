"""MBAR against harmonic wells, whose free energies and averages are known, with the error bars that it claims."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError

STIFF = np.array([1.0, 2.0, 5.0, 9.0])
CENTER = np.array([0.0, 0.3, 0.6, 1.2])
EXACT = 0.5 * np.log(STIFF / STIFF[0])  # f = -ln Z, Z = sqrt(2 pi / k)
COUNTS = [300, 200, 150, 0]


def estimate(seed):
    rng = np.random.default_rng(seed)
    x = np.concatenate([c + rng.normal(size=n) / np.sqrt(k) for k, c, n in zip(STIFF, CENTER, COUNTS, strict=True)])
    u = 0.5 * STIFF[:, None] * (x - CENTER[:, None]) ** 2
    return sg.sampling.mbar(torch.from_numpy(u), COUNTS), torch.from_numpy(x)


def test_free_energies_of_harmonic_wells_are_exact_and_error_bars_are_earned():
    pulls = []
    for seed in range(120):
        found, x = estimate(seed)
        target = 0.5 * 3.0 * (x - 0.4) ** 2
        mean = found.average(target, torch.stack([x, x**2]))
        free, error = found.free_energy(target)
        exact = torch.tensor([0.4, 0.4**2 + 1 / 3.0])
        pulls.append(
            [
                *((found.free_energies - torch.from_numpy(EXACT))[1:] / found.errors[0, 1:]).tolist(),
                *((mean.mean - exact) / mean.error).tolist(),
                (free - 0.5 * np.log(3.0)) / error,
            ]
        )
    table = np.array(pulls)
    assert np.abs(table.mean(axis=0)).max() < 0.4
    assert np.all((table.std(axis=0) > 0.8) & (table.std(axis=0) < 1.25))  # they are neither too small nor too large


def test_the_equations_of_the_estimate_hold():
    found, _ = estimate(1)
    torch.testing.assert_close(found.log_weights.exp().sum(dim=1), torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(found.overlap.sum(dim=1), torch.ones(4, dtype=torch.float64))
    assert float(found.free_energies[0]) == 0.0
    torch.testing.assert_close(found.differences, -found.differences.T)


def test_one_state_gives_plain_averages_and_their_standard_error():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=500))
    found = sg.sampling.mbar(0.5 * x[None] ** 2, [500])
    mean = found.average(0.5 * x**2, x)
    assert float(mean.mean) == pytest.approx(float(x.mean()), rel=1e-12)
    assert float(mean.error) == pytest.approx(float(x.std(correction=0)) / 500**0.5, rel=1e-6)
    assert mean.samples == pytest.approx(500.0)
    assert float(sg.sampling.mbar(0.5 * x[None] ** 2, [500], inefficiency=4.0).average(0.5 * x**2, x).error) == (
        pytest.approx(2.0 * float(mean.error), rel=1e-9)
    )


def test_far_apart_states_converge_from_a_poor_start():
    rng = np.random.default_rng(2)
    k = np.geomspace(1e-3, 1e5, 24)
    x = np.concatenate([rng.normal(size=200) / np.sqrt(s) for s in k])
    u = 0.5 * k[:, None] * x**2 + np.linspace(0, 400, 24)[:, None]
    found = sg.sampling.mbar(torch.from_numpy(u), [200] * 24)
    exact = 0.5 * np.log(k / k[0]) + np.linspace(0, 400, 24)
    assert float(((found.free_energies - torch.from_numpy(exact))[1:] / found.errors[0, 1:]).abs().max()) < 4.0


def test_samples_that_do_not_fit_are_refused():
    with pytest.raises(EngineError, match="counts"):
        sg.sampling.mbar(torch.zeros(2, 5), [2, 2])
    bad = torch.zeros(2, 4)
    bad[1, 3] = torch.inf
    with pytest.raises(EngineError, match="sample 3 in state 1"):
        sg.sampling.mbar(bad, [2, 2])
