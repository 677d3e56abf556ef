"""Errors of functions of series."""

import numpy as np
import pytest

from scenegrad.engine.errors import EngineError
from scenegrad.engine.jackknife import Estimate, jackknife


def test_a_variance_has_the_error_of_its_spread_over_many_runs():
    rng = np.random.default_rng(0)
    x = np.empty((4000, 100))
    x[0] = rng.standard_normal(100)
    for n in range(1, len(x)):
        x[n] = 0.5 * x[n - 1] + rng.standard_normal(100)
    found = [jackknife(np.var, column) for column in x.T]
    spread = np.std([one.mean for one in found])
    assert np.sqrt(np.mean([one.error**2 for one in found])) == pytest.approx(spread, rel=0.2)
    ratio = jackknife(lambda a, b: a.mean() / b.mean(), x[:, 0] ** 2, x[:, 0] ** 2)
    assert (ratio.mean, ratio.error) == (1.0, 0.0)
    with pytest.raises(EngineError, match="at least 40; these have 30"):
        jackknife(np.var, np.ones(30))


def test_estimates_are_written_as_in_tables():
    assert str(Estimate(-6.08061, 0.0036)) == "-6.0806(36)"
    assert str(Estimate(9.95, 0.3)) == "9.95(30)"
