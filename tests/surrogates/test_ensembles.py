"""Scores of ensembles against closed forms, and quantities of flows that are known by hand."""

import math

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import Split, Windows
from scenegrad.surrogates.evaluation.conserved import (
    Enstrophy,
    KineticEnergy,
    Mean,
    Momentum,
    VortexEnergy,
    quantities_of,
)
from scenegrad.surrogates.evaluation.ensembles import crps, rank_distance, ranks, spread_skill
from scenegrad.surrogates.evaluation.examination import examine
from scenegrad.surrogates.evaluation.metrics import judge
from scenegrad.surrogates.evaluation.samplers import judge_sampler
from scenegrad.surrogates.operators.names import Names

U = Names(("u",), ("u",), (), {})


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_crps_of_normal_draws_is_the_closed_form_whatever_their_number():
    """sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)), z = (y - mu) / sigma [Gneiting & Raftery 2007]."""
    mean, sigma, y = 1.0, 2.0, torch.tensor([1.5, -3.0], dtype=torch.float64)
    z = (y - mean) / sigma
    phi = (-0.5 * z.square()).exp() / math.sqrt(2 * math.pi)
    expected = sigma * (z * torch.erf(z / math.sqrt(2)) + 2 * phi - 1 / math.sqrt(math.pi))
    for count in (2, 5, 16):
        draws = mean + sigma * normal(count, 200_000, 2, seed=count)
        found = crps(draws, y.expand(200_000, 2)).mean(dim=0)
        torch.testing.assert_close(found, expected, rtol=0.01, atol=0.0)


def test_crps_is_that_of_all_pairs_and_of_one_forecast_its_absolute_error():
    draws, true = normal(7, 3, 4), normal(3, 4, seed=1)
    pairs = (draws[:, None] - draws[None]).abs().sum(dim=(0, 1)) / (7 * 6)
    torch.testing.assert_close(crps(draws, true), (draws - true).abs().mean(dim=0) - 0.5 * pairs)
    same = draws[:1].expand(5, 3, 4)
    torch.testing.assert_close(crps(same, true), (draws[0] - true).abs())


def test_draws_of_the_truths_own_distribution_are_calibrated():
    middle = normal(50_000)
    draws, true = middle + normal(8, 50_000, seed=1), middle + normal(50_000, seed=2)
    assert spread_skill(draws, true) == pytest.approx(1.0, abs=0.01)
    histogram = ranks(draws, true)
    assert histogram.shape == (9,)
    assert float(histogram.sum()) == 50_000
    chi = float(((histogram - 50_000 / 9).square() / (50_000 / 9)).sum())
    assert chi < 26.1  # 0.001 of flat histograms are beyond it: chi-squared of 8 degrees of freedom
    assert rank_distance(histogram) < 0.01
    narrow = middle + 0.5 * normal(8, 50_000, seed=1)
    assert spread_skill(narrow, true) < 0.6
    assert rank_distance(ranks(narrow, true)) > 0.15
    ends = ranks(narrow, true)
    assert min(float(ends[0]), float(ends[-1])) > 1.5 * 50_000 / 9, "too narrow an ensemble leaves the truth outside"
    shifted = ranks(draws + 1.0, true)
    assert float(shifted[0]) > 3.0 * float(shifted[-1])


def test_an_ensemble_of_one_is_refused():
    for score in (crps, spread_skill, ranks):
        with pytest.raises(EngineError, match="An ensemble of 1 has no spread"):
            score(torch.zeros(1, 4), torch.zeros(4))


def test_quantities_of_a_taylor_green_vortex():
    """u = cos x sin y, v = -sin x cos y: <|u|^2> / 2 = 1/4, <omega^2> / 2 = 1/2 with omega = -2 cos x cos y."""
    x = 2 * math.pi * torch.arange(16, dtype=torch.float64) / 16
    x, y = torch.meshgrid(x, x, indexing="ij")
    velocity = torch.stack([x.cos() * y.sin(), -x.sin() * y.cos()], dim=-1)[None]
    omega, density = (-2 * x.cos() * y.cos())[None], 2.0 + x.sin()[None]
    assert KineticEnergy().value({"velocity": velocity}).item() == pytest.approx(0.25)
    assert Enstrophy().value({"vorticity": omega}).item() == pytest.approx(0.5)
    assert VortexEnergy().value({"vorticity": omega}).item() == pytest.approx(0.25)
    assert VortexEnergy(size=(1.0, 1.0)).value({"vorticity": omega}).item() == pytest.approx(0.25 / (4 * math.pi**2))
    assert Mean("density").value({"density": density}).item() == pytest.approx(2.0)
    fields = {"density": density, "velocity": velocity + 1.0}
    momentum = Momentum().value(fields)
    # <rho u> = 2 <u> + <sin x u>: sin x is at right angles to cos x sin y, and to sin x cos y
    torch.testing.assert_close(momentum, torch.tensor([[2.0, 2.0]], dtype=torch.float64))
    names = Names(("density", "velocity"), ("density", "velocity"), (), {"velocity": 2})
    assert [q.name for q in quantities_of(names, 2)] == ["mass", "mean velocity", "kinetic energy", "momentum"]
    gas = ("density", "velocity", "pressure")
    names = Names(gas, gas, (), {"velocity": 2})
    *_, energy = quantities_of(names, 2, gamma=1.4)
    assert energy.name == "total energy"
    calm = {"density": density, "velocity": velocity, "pressure": 0.4 * torch.ones_like(density)}
    kinetic = 0.5 * (density[0] * velocity[0].square().sum(dim=-1)).mean().item()
    assert energy.value(calm).item() == pytest.approx(1.0 + kinetic)
    names = Names(("vorticity",), ("vorticity",), (), {})
    assert [q.name for q in quantities_of(names, 2)] == ["mean vorticity", "enstrophy", "kinetic energy"]
    assert [q.name for q in quantities_of(names, 3)] == ["mean vorticity", "enstrophy"]


class Jittering(torch.nn.Module):
    """A model that adds noise of a given strength to what a function says."""

    def __init__(self, function, noise):
        super().__init__()
        self.names, self.function, self.noise, self.dt = U, function, noise, 0.2
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, state, params, dt):
        u = self.function(state["u"])
        return {"u": u + self.noise * torch.randn(len(u), *[1] * (u.ndim - 1)) if self.noise else u}


@pytest.fixture
def walking(make_burgers):
    """Trajectories that rise by white noise of 1 at each step, everywhere alike: the forecast of them is a normal
    distribution whose variance grows by one a step."""
    data = make_burgers(200, frames=11, points=8)
    steps = np.random.default_rng(0).normal(size=(200, 11, 1)).cumsum(axis=1)
    data.fields["u"] = (steps + 3 * np.sin(2 * np.pi * np.arange(8) / 8)).astype(np.float32)
    return Windows(data, stride=1, split=Split(0.1, 0.8)).bind(U, 1)


def test_an_ensemble_that_walks_like_the_truth_is_calibrated_at_every_step(walking):
    """160 trajectories: spread over skill is known to about 1 / sqrt(2 * 160)."""
    found = examine(Jittering(lambda u: u, 1.0), walking, draws=24)
    np.testing.assert_allclose(found.along.spread_skill, 1.0, atol=0.2)
    assert found.numbers["draws"] == 24
    assert found.numbers["rank_distance"] < 0.15
    # the mean of the draws is the best forecast: sqrt(2) nearer than one of them after a step
    one, mean = float(found.along.error[:, -1].mean()), float(found.along.of_mean[:, -1].mean())
    assert one > 1.2 * mean
    sure = examine(Jittering(lambda u: u, 0.2), walking, draws=24)
    assert sure.numbers["spread_skill"] < 0.3
    assert sure.numbers["rank_distance"] > 0.3
    assert sure.numbers["crps_end"] > found.numbers["crps_end"]


def test_draws_are_made_of_models_that_draw_alone(walking):
    assert "crps" in examine(Jittering(lambda u: u, 1.0), walking).numbers
    quiet = examine(Jittering(lambda u: u, 0.0), walking)
    assert quiet.along.draws == 1
    assert "crps" not in quiet.numbers
    again = [examine(Jittering(lambda u: u, 1.0), walking).numbers for _ in range(2)]
    assert again[0] == again[1], "an examination draws from a seed of its own"


def test_courses_tell_what_a_model_loses(walking):
    """A model that shrinks its field by a tenth a step loses that much of the mean, on top of the noise of the walk."""
    walking.how.data.fields["u"][:] = 2.0 + np.sin(2 * np.pi * np.arange(8) / 8)
    found = examine(Jittering(lambda u: 0.9 * u, 0.0), walking).along.courses["mean u"]
    scale = math.sqrt(4.5)
    np.testing.assert_allclose(found.error.mean(dim=0), 2 * (1 - 0.9 ** np.arange(1, 11)) / scale, rtol=1e-4)
    report = judge(Jittering(lambda u: 0.9 * u, 0.0), walking_dt(walking), ["conserved"])
    assert report["error of mean u"] == pytest.approx(2 * (1 - 0.9**10) / scale, rel=1e-4)
    assert judge(Jittering(lambda u: u, 0.0), walking_dt(walking), ["conserved"])["W2 of mean u"] < 1e-3


def walking_dt(samples):
    samples.dt = 0.2
    return samples


def test_each_output_of_several_is_told(make_burgers):
    """A model that doubles the density and gets the velocity right is wrong by one in the one, and by half of it in
    the mean."""
    data = make_burgers(10, frames=3, points=8)
    rho = 2.0 + np.sin(2 * np.pi * np.arange(8) / 8) * np.ones((10, 3, 1))
    data.fields = {"density": rho.astype(np.float32), "velocity": np.ones((10, 3, 8, 1), np.float32)}
    names = Names(("density", "velocity"), ("density", "velocity"), (), {"velocity": 1})
    samples = Windows(data, split=Split(0.1, 0.4)).bind(names, 1)
    model = Jittering(None, 0.0)
    model.names = names
    model.forward = lambda state, params, dt: {"density": 2 * state["density"], "velocity": state["velocity"]}
    found = examine(model, samples).numbers
    assert found["one_step of density"] == pytest.approx(1.0)
    assert found["one_step of velocity"] == pytest.approx(0.0)
    assert found["one_step"] == pytest.approx(0.5)
    assert found["error of mass"] == pytest.approx(3 * 2 / math.sqrt(4.5), rel=1e-5)  # twice doubled
    assert found["error of momentum"] == pytest.approx(3.0, rel=1e-5)


def test_the_best_and_the_worst_trajectory_are_named(walking):
    found = examine(Jittering(lambda u: u, 0.0), walking)
    order = found.along.error.mean(dim=1)
    ranked = found.ranked()
    assert float(order[ranked["best"]]) == float(order.min())
    assert float(order[ranked["worst"]]) == float(order.max())
    assert float(order.min()) < float(order[ranked["median"]]) < float(order.max())


def test_a_sampler_between_gaussians_is_judged_in_closed_form():
    """Samples of N(0, s^2) for U = x^2 / 2: where s = 1 all weigh the same, W2 of the energies is its floor, and
    ln Z = ln(2 pi) / 2."""
    random = torch.Generator().manual_seed(0)
    reference = torch.randn(8000, 1, generator=random, dtype=torch.float64)

    def energy(x):
        return 0.5 * x.square().sum(dim=1)

    class Normal(torch.nn.Module):
        def __init__(self, std):
            super().__init__()
            self.std, self.like = std, torch.zeros((), dtype=torch.float64)

        def sample(self, count, random=None):
            x = self.std * torch.randn(count, 1, generator=random, dtype=torch.float64)
            return x, self.log_density(x)

        def log_density(self, x):
            return (-0.5 * (x / self.std).square() - math.log(self.std * math.sqrt(2 * math.pi))).sum(dim=1)

    exact = judge_sampler(Normal(1.0), energy, reference, random=random)
    assert exact["ess"] == pytest.approx(1.0)
    assert exact["forward_ess"] == pytest.approx(1.0)
    assert exact["log_z"] == pytest.approx(0.5 * math.log(2 * math.pi))
    assert exact["w2"] < exact["w2_floor"] + 5 * exact["w2_floor_spread"]
    wide = judge_sampler(Normal(1.5), energy, reference, random=random)
    # <w>^2 / <w^2> with w = s exp(-x^2 (1 - 1/s^2) / 2): sqrt(2 s^2 - 1) / s^2
    assert wide["ess"] == pytest.approx(math.sqrt(2 * 1.5**2 - 1) / 1.5**2, rel=0.03)
    assert wide["w2"] == pytest.approx(1.25 * math.sqrt(0.75), rel=0.1)  # W2 of U and 2.25 U is 1.25 sqrt(<U^2>)
    assert wide["w2_weighted"] < 0.2 * wide["w2"]
    assert wide["mean_energy"] == pytest.approx(0.5, abs=0.05)
    with pytest.raises(EngineError, match="Take count <= 4000"):
        judge_sampler(Normal(1.0), energy, reference, count=5000)
