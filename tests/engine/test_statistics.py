"""Error bars of correlated series against an autoregressive process, whose memory is known."""

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.statistics import autocorrelation_time, blocking

PHI = 0.9  # x' = PHI x + noise: rho(t) = PHI^t, 2 tau = (1 + PHI) / (1 - PHI) = 19


def autoregressive(frames=1 << 14, members=16, seed=1):
    rng = np.random.default_rng(seed)
    x = np.empty((frames, members))
    x[0] = rng.normal(size=members)
    for t in range(1, frames):
        x[t] = PHI * x[t - 1] + np.sqrt(1 - PHI**2) * rng.normal(size=members)
    return torch.from_numpy(x)


def test_the_error_of_a_mean_is_that_of_independent_blocks():
    series = autoregressive()
    exact = (19.0 / len(series)) ** 0.5
    found = blocking(series)
    assert bool(found.converged.all())
    assert float(found.error.square().mean().sqrt()) == pytest.approx(exact, rel=0.1)
    assert float(found.inefficiency.mean()) == pytest.approx(19.0, rel=0.2)
    assert float(found.errors[0].mean()) == pytest.approx(1.0 / len(series) ** 0.5, rel=0.02)  # too small by 4
    assert float((found.mean / found.error).square().mean()) < 2.5


def test_independent_frames_need_no_blocks():
    series = torch.from_numpy(np.random.default_rng(2).normal(size=(4096, 4)))
    found = blocking(series)
    torch.testing.assert_close(found.error, torch.full((4,), 1 / 64.0, dtype=torch.float64), rtol=0.2, atol=0.0)
    assert float(autocorrelation_time(series).max()) < 0.65


def test_the_autocorrelation_time_is_that_of_the_process():
    tau = autocorrelation_time(autoregressive())
    assert float(tau.mean()) == pytest.approx(9.5, rel=0.06)
    assert float(autocorrelation_time(torch.ones(64, dtype=torch.float64))) == 0.5


def test_a_series_shorter_than_its_memory_is_told():
    series = torch.linspace(0.0, 1.0, 64, dtype=torch.float64)
    assert not bool(blocking(series).converged)
    with pytest.raises(EngineError, match="4 frames"):
        blocking(series[:3])
