"""Diffusion constants of runs: a random walk has one that is known."""

import numpy as np
import pytest

import scenegrad as sg
from scenegrad.solvers.md.observables.transport import einstein, green_kubo, heat_capacity


def test_the_slope_of_a_random_walk_is_its_diffusion_constant():
    """Steps of variance 2 D dt an axis; walkers of many runs say how large the error is."""
    rng = np.random.default_rng(0)
    lag, found = 0.1 * np.arange(11), []
    for _ in range(40):
        x = np.cumsum(np.sqrt(2 * 0.7 * 0.1) * rng.standard_normal((400, 20, 3)), axis=0)
        msd = np.full((400, 11), np.nan)
        for k in range(11):
            msd[k:, k] = ((x[k:] - x[: len(x) - k]) ** 2).sum(axis=2).mean(axis=1)
        found.append(einstein(msd, lag, 3))
    means = np.array([one.mean for one in found])
    assert means.mean() == pytest.approx(0.7, abs=4 * means.std() / np.sqrt(40))
    assert np.mean([one.error for one in found]) == pytest.approx(means.std(), rel=0.35)


def test_lags_over_many_scales_have_the_slope_of_a_random_walk():
    """Long lags are known in every 2^k-th frame only, as `MSD(doublings=...)` writes them."""
    rng = np.random.default_rng(2)
    frames = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    raster, lag, found = [1] * 5 + [2, 2, 4, 4, 8, 8], 0.1 * np.array(frames), []
    for _ in range(30):
        x = np.cumsum(np.sqrt(2 * 0.7 * 0.1) * rng.standard_normal((603, 20, 3)), axis=0)
        msd = np.full((603, 11), np.nan)
        for column, (k, every) in enumerate(zip(frames, raster, strict=True)):
            ends = np.arange(603)[(np.arange(603) % every == 0) & (np.arange(603) >= k)]
            msd[ends, column] = ((x[ends] - x[ends - k]) ** 2).sum(axis=2).mean(axis=1)
        found.append(einstein(msd, lag, 3, after=0.8))
    means = np.array([one.mean for one in found])
    assert means.mean() == pytest.approx(0.7, abs=4 * means.std() / np.sqrt(30))
    assert np.mean([one.error for one in found]) == pytest.approx(means.std(), rel=0.4)


def test_the_integral_of_an_exponential_correlation_is_known():
    lag = 0.1 * np.arange(81)
    found = green_kubo(np.tile(3.0 * np.exp(-2.0 * lag), (8, 1)), lag, 3)
    assert found.mean[-1] == pytest.approx(0.5, rel=1e-4)
    assert found.error[-1] == pytest.approx(0.0, abs=1e-12)
    wide = 0.05 * np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64])
    found = green_kubo(np.tile(3.0 * np.exp(-2.0 * wide), (80, 1)), wide, 3)
    assert found.mean[-1] == pytest.approx(0.5, rel=2e-3)


def test_heat_capacities_are_those_of_gaussian_fluctuations():
    """K of f freedoms beside as many harmonic ones: C_V = f / N, at constant energy and in a bath."""
    rng, atoms, heat = np.random.default_rng(1), 100, 0.8
    f = 3 * atoms
    k, u = (0.5 * heat * (rng.standard_normal((4000, f)) ** 2).sum(axis=1) / atoms for _ in range(2))
    bath = heat_capacity(k, u, atoms, f, temperature=heat)
    assert bath.mean == pytest.approx(3.0, abs=4 * bath.error)
    assert bath.error < 0.2
    total = heat * f / atoms
    share = total * rng.beta(0.5 * f, 0.5 * f, 4000)  # of a constant energy, what is kinetic
    alone = heat_capacity(share, total - share, atoms, f)
    assert alone.mean == pytest.approx(3.0, abs=4 * alone.error)


def test_a_run_is_plotted_with_its_diffusion_constants(tmp_path):
    pytest.importorskip("matplotlib")
    outputs = {"msd": sg.MSD(every=0.05, lags=10), "vacf": sg.VelocityCorrelation(every=0.025, lags=20)}
    scene = sg.library.argon(cells=3, end=1.2, warmup=0.0).replace(
        {"outputs": {name: one.model_dump(mode="json") for name, one in outputs.items()}, "pair.cutoff": 2.0}
    )
    run = sg.run(scene, out=tmp_path / "run", device="cpu", progress=False).check()
    found = sg.diffusion(run)
    assert found.plot().is_file()
    assert found.by_slope.constant.mean > 0.0
    assert found.by_integral.limits[-1] == pytest.approx(0.5)
    with pytest.raises(sg.EngineError, match="has no msd_B"):
        sg.diffusion(run, of="B")


def test_of_several_outputs_of_a_kind_one_is_named(tmp_path):
    pytest.importorskip("matplotlib")
    outputs = {"near": sg.MSD(every=0.05, lags=4), "far": sg.MSD(every=0.02, lags=4, doublings=3)}
    scene = sg.library.argon(cells=3, end=3.0, warmup=0.0).replace(
        {"outputs": {name: one.model_dump(mode="json") for name, one in outputs.items()}, "pair.cutoff": 2.0}
    )
    run = sg.run(scene, out=tmp_path / "run", device="cpu", progress=False).check()
    with pytest.raises(sg.EngineError, match="near, far; name one"):
        sg.diffusion(run)
    found = sg.diffusion(run, outputs=["far"])
    assert found.by_slope.lag[-1] == pytest.approx(0.02 * 32)
    assert found.by_slope.values.error.shape == (11,)
    assert found.plot().is_file()
