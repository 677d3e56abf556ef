"""Measures of a learned solver, each against a case whose answer is known."""

import math
import time

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import FNO, BreakEven, RelativeL2, Split, Windows, break_even, compare
from scenegrad.surrogates.evaluation.cost import Spent
from scenegrad.surrogates.evaluation.errors import vrmse
from scenegrad.surrogates.evaluation.metrics import judge
from scenegrad.surrogates.evaluation.rollouts import correlation
from scenegrad.surrogates.evaluation.spectrum import power_spectrum, spectrum_error
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.resampling import fourier_resample

U = Names(("u",), ("u",), (), {})


class Known(torch.nn.Module):
    """A model whose step is a given function of u."""

    def __init__(self, function):
        super().__init__()
        self.names, self.function, self.dt = U, function, 0.2
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, state, params, dt):
        return {"u": self.function(state["u"])}


@pytest.fixture
def turning(make_burgers):
    """u = sin(x - t) and its like: a wave that turns by 0.1 a frame, known at all times."""
    data = make_burgers(20, frames=41)
    x, t = 2 * np.pi * np.arange(64) / 64, 0.1 * np.arange(41)
    phase = np.arange(20)[:, None, None]
    data.fields["u"] = np.sin(x - t[:, None] + phase).astype(np.float32)
    return Windows(data, stride=2, split=Split(0.1, 0.2)).bind(U, 1)


def turned(angle):
    def step(u):
        u_hat = torch.fft.rfft(u)
        k = torch.arange(u_hat.shape[1])
        return torch.fft.irfft(u_hat * torch.exp(-1j * k * angle), n=u.shape[1])

    return Known(step)


def test_persistence_and_one_step_errors_are_relative(turning):
    """|sin(x - d) - sin(x)| / |sin| = 2 sin(d / 2)."""
    report = judge(turned(0.15), turning, ["one_step", "persistence"])
    assert report["persistence"] == pytest.approx(2 * math.sin(0.1), rel=1e-4)
    assert report["one_step"] == pytest.approx(2 * math.sin(0.025), rel=1e-3)
    assert "persistence" in str(report)
    assert judge(turned(0.2), turning, ["one_step"])["one_step"] < 1e-5


def test_data_cut_into_other_steps_than_the_model_makes_are_refused(turning):
    finer = Windows(turning.how.data, stride=1, split=turning.how.split).bind(U, 1)
    with pytest.raises(EngineError, match=r"steps of 0\.2, and these data are cut into steps of 0\.1"):
        judge(turned(0.2), finer, ["one_step"])


def test_correlation_time_counts_the_steps_above_the_threshold(turning):
    """A wave that lags 0.1 more each step correlates as cos(0.1 n): 0.8 is passed after 6.4 steps."""
    report = judge(turned(0.1), turning, ["correlation_time"])
    assert report["correlation_steps"] == 6
    assert report["correlation_time"] == pytest.approx(6 * 0.2)
    seen = compare(turned(0.1), turning)
    assert seen.steps == 20
    np.testing.assert_allclose(seen.correlated.mean(0), np.cos(0.1 * np.arange(1, 21)), atol=1e-5)
    np.testing.assert_allclose(seen.error.mean(0), 2 * np.sin(0.05 * np.arange(1, 21)), atol=1e-4)
    assert compare(turned(0.2), turning).correlation_steps() == 20
    with pytest.raises(EngineError, match="30 steps are more than the 20"):
        compare(turned(0.2), turning, steps=30)


def test_vrmse_of_the_mean_is_one(turning):
    assert judge(Known(torch.zeros_like), turning, ["vrmse"])["vrmse"] == pytest.approx(1.0, rel=0.02)
    assert judge(turned(0.15), turning, ["vrmse"])["vrmse"] == pytest.approx(2 * math.sin(0.025), rel=0.02)


def test_vrmse_of_the_mean_wind_is_one_too():
    """Each component varies about a mean of its own: to say the mean of a wind is no skill."""
    u = torch.randn(3, 6, 5, 2, generator=torch.Generator().manual_seed(0)) + torch.tensor([10.0, 0.0])
    torch.testing.assert_close(vrmse(u.mean(dim=(1, 2), keepdim=True).expand_as(u), u, 2), torch.ones(3))


def test_correlation_ignores_offsets_and_scales():
    a = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(correlation(a, 3 * a + 5), torch.ones(3))
    torch.testing.assert_close(correlation(a, -a), -torch.ones(3))
    wind = torch.stack([a, -a], dim=-1) + torch.tensor([10.0, 0.0])
    other = wind.flip(1)
    torch.testing.assert_close(correlation(wind, other, 2), correlation(a, a.flip(1)), msg="a mean wind is no skill")


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_power_spectrum_sums_to_the_mean_square(dim):
    axes = torch.meshgrid(*[2 * math.pi * torch.arange(16, dtype=torch.float64) / 16] * dim, indexing="ij")
    wave = 3 * torch.cos(4 * axes[0]) + torch.sin(2 * axes[-1])
    shells = power_spectrum(wave[None], dim)[0]
    assert shells[4].item() == pytest.approx(4.5)
    assert shells[2].item() == pytest.approx(0.5)
    assert shells.sum().item() == pytest.approx(wave.square().mean().item())
    vector = power_spectrum(torch.stack([wave, wave], dim=-1)[None], dim)[0]
    torch.testing.assert_close(vector, 2 * shells)


def test_spectrum_error_is_in_decades():
    field = torch.randn(4, 32, 32, generator=torch.Generator().manual_seed(0))
    assert spectrum_error(field, field, 2) == 0.0
    assert spectrum_error(10 * field, field, 2) == pytest.approx(2.0, rel=1e-5)


def test_resampling_keeps_the_waves_that_fit():
    x = {n: 2 * math.pi * torch.arange(n, dtype=torch.float64) / n for n in (12, 24)}
    fields = {n: torch.sin(3 * x[n])[:, None] * torch.cos(5 * x[n])[None] for n in x}
    torch.testing.assert_close(fourier_resample(fields[24][None], (12, 12))[0], fields[12])
    torch.testing.assert_close(fourier_resample(fields[12][None], (24, 24))[0], fields[24])
    beyond = torch.cos(7 * x[24])[:, None].expand(24, 24)
    assert float(fourier_resample(beyond[None], (12, 12)).abs().max()) < 1e-12


def test_break_even_finds_the_cheapest_solver_of_equal_error(turning, monkeypatch):
    """Solvers whose error halves and whose time doubles with the resolution; the model's error lies in between. A
    millisecond passes by itself whenever the clock is looked at."""
    angles, now = {8: 0.28, 16: 0.24, 32: 0.22, 64: 0.21}, 0.0

    def looked_at():
        nonlocal now
        now += 0.001
        return now

    monkeypatch.setattr(time, "perf_counter", looked_at)

    def coarse(cells, window):
        model, steps = turned(angles[cells]), len(window.targets)

        def run():
            nonlocal now
            u, frames = window.inputs["u"], []
            for _ in range(steps):
                now += 0.001 * cells
                u = model.function(u)
                frames.append({"u": u})
            return frames

        return run

    cost = break_even(turned(0.23), turning, coarse, list(angles), steps=2, repeats=1)
    assert cost.error == pytest.approx(2 * math.sin(0.03), rel=1e-3)
    assert cost.solver[32][0] == pytest.approx(2 * math.sin(0.02), rel=1e-3)
    assert cost.cheapest == 32
    assert cost.speed_up == pytest.approx(cost.solver[32][1] / cost.seconds)
    assert cost.speed_up == pytest.approx(1 + 32 * 2)  # two steps of 32 ms against none
    repaid = cost.steps_to_repay(10.0)
    assert repaid == pytest.approx(10.0 / (cost.solver[32][1] - cost.seconds))
    spent = Spent(data=6.0, training=4.0)
    assert cost.solves_to_repay(spent, 50) == pytest.approx(repaid / 50)
    assert cost.solves_to_repay(spent, 50, cost.finest) == pytest.approx(0.2 / (cost.solver[64][1] - cost.seconds))
    assert "<- the cheapest of equal error" in str(cost)
    exact = break_even(turned(0.2), turning, coarse, list(angles), repeats=1)
    assert exact.cheapest is None
    assert exact.speed_up is None
    assert exact.steps_to_repay(1.0) is None
    assert exact.solves_to_repay(spent, 50) is None
    report = judge(turned(0.23), turning, [BreakEven(coarse, (16, 32))])
    assert report["cheapest_cells"] == 32


def test_metrics_that_cannot_be_measured_are_refused(turning):
    with pytest.raises(EngineError, match=r"no metric 'vrsme'\. Did you mean 'vrmse'\?"):
        judge(turned(0.1), turning, ["vrsme"])
    with pytest.raises(EngineError, match=r"needs a solver to compare with: BreakEven"):
        judge(turned(0.1), turning, ["break_even"])
    nothing = Windows(turning.how.data, stride=2, split=Split(0.1, 0.0)).bind(U, 1)
    with pytest.raises(EngineError, match=r"Split\(test=0.1\)"):
        judge(turned(0.1), nothing, ["one_step"])


def test_relative_l2_is_a_number_for_each_member():
    true = {"u": torch.tensor([[3.0, 4.0], [1.0, 0.0]]), "v": torch.tensor([[1.0], [1.0]])}
    predicted = {"u": torch.tensor([[3.0, 3.0], [0.0, 0.0]]), "v": torch.tensor([[1.0], [2.0]])}
    torch.testing.assert_close(RelativeL2()(predicted, true), torch.tensor([0.1, 1.0]))


def test_a_model_between_different_fields_cannot_be_carried(turning):
    model = FNO((4,), 4, ["a"], outputs=["u"])
    assert not model.names.carries_forward
    other = Known(lambda u: u)
    other.names = model.names
    with pytest.raises(EngineError, match="cannot be carried"):
        compare(other, turning)
