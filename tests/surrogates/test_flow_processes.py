"""Flows of constant acceleration, schedules, fields of charges and light bridges keep what is known of them."""

import math

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import (
    FNO,
    Accelerated,
    ConstantAcceleration,
    Euler,
    Flow,
    FromPoissonField,
    FromPresent,
    Heun,
    LightBridge,
    Linear,
    Next,
    Pairs,
    Reflow,
    Split,
    VariancePreserving,
    best_times,
    load_model,
    log_likelihood,
    remember,
    schedule,
    train,
)  # fmt: skip
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.guidance import Guided
from scenegrad.surrogates.flows.light_bridge import MixturePotential
from scenegrad.surrogates.training.losses import RelativeL2

QUIET = {"device": "cpu", "progress": False}
DOUBLE = torch.float64


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian_field(path, mean: float = 1.5, std: float = 0.5) -> Field:
    def velocity(x, s):
        a, b, _, a_slope, b_slope, _ = (v.view(-1, *[1] * (x.ndim - 1)) for v in path(s))
        gain = (a * a_slope + b * b_slope * std**2) / (a**2 + (b * std) ** 2)
        return b_slope * mean + gain * (x - b * mean)

    return Field(velocity, path)


# ---- constant acceleration


@pytest.mark.parametrize("steps", [1, 3])
def test_steps_of_constant_acceleration_are_exact_on_parabolas(steps):
    x = torch.randn(5, 1, 4, dtype=DOUBLE, generator=generator())
    field = Field(lambda x, s: 2.0 * x, Linear(), acceleration=lambda x, s, v0: -0.5 * v0 + 1.0)
    torch.testing.assert_close(Accelerated(steps)(field, x), x + 2.0 * x + 0.5 * (1.0 - x))
    assert Accelerated(steps).evaluations == steps + 1
    with pytest.raises(EngineError, match="has learnt to: objective=ConstantAcceleration"):
        Accelerated(1)(gaussian_field(Linear()), x)


class Sure:
    """Stands for a FlowStepper that knows the map x1 = 2 + 3 x0 / 5 of a teacher, and may be wrong in v0 or a."""

    def __init__(self, off_velocity: float = 0.0, off_acceleration: float = 0.0):
        network = FNO((1,), 2, ["u"], depth=1, predicts=Next())
        flow = Flow(network, start=FromPresent(), objective=ConstantAcceleration())
        dressed = flow.dressed(None, 1.0, (3,)).double()
        self.flow, self.scales, self.names, self.told = dressed.flow, dressed.scales, dressed.names, dressed.told
        self.begin, self.kept, self.frame = dressed.begin, dressed.kept, dressed.frame
        self.off = off_velocity, off_acceleration

    def velocity(self, x, s, inputs, constants):
        assert float(s.max()) == 0.0
        return 1.5 * (2.0 - 0.4 * x) + self.off[0]

    def acceleration(self, x, s, leaving, inputs, constants):
        """Of the parabola through x at s that begins with `leaving` and ends as the teacher says."""
        s = s[:, None, None]
        x0 = (x - s * leaving - s**2 * (2.0 - leaving)) / (1.0 - 0.4 * s**2)
        return 2.0 * (2.0 - 0.4 * x0 - leaving) + self.off[1]


def test_acceleration_makes_good_what_the_velocity_misses():
    """With the true velocity both parts vanish; with a wrong one the acceleration told of it still ends at the end.
    (Without statistics the scales take one from every field.)"""
    u = torch.randn(512, 3, dtype=DOUBLE, generator=generator())
    window = Window({"u": u + 1.0}, ({"u": 3.0 + 0.6 * u},), {}, torch.ones(512, dtype=DOUBLE))

    def value(model) -> float:
        return float(ConstantAcceleration(speed=1.5)(model, window, RelativeL2(), generator()))

    assert value(Sure()) < 1e-20
    assert value(Sure(off_velocity=0.2)) == pytest.approx(0.5 * 0.2**2), "the velocity's own half alone"
    assert value(Sure(off_acceleration=0.2)) == pytest.approx(0.5 * 0.2**2)
    wrong = Sure(off_velocity=0.2)
    field = Field(
        lambda x, s: wrong.velocity(x, s, None, None), Linear(),
        acceleration=lambda x, s, v0: wrong.acceleration(x, s, v0, None, None),
    )  # fmt: skip
    torch.testing.assert_close(Accelerated(2)(field, u[:, None]), 2.0 + 0.6 * u[:, None])


def levels(count: int = 512) -> Pairs:
    level = np.random.default_rng(0).normal(3.0, 0.7, (count, 1))
    return Pairs.from_arrays({}, {"u": np.repeat(level, 4, axis=1)}, split=Split(0.1, 0.1))


def test_one_step_methods_learn_the_pairs_of_their_teacher(tmp_path):
    torch.manual_seed(0)
    operator = FNO((1,), 16, [], outputs=["u"], depth=1)
    teacher = train(Flow(operator, sampler=Heun(8)), levels(), out=tmp_path / "teacher", epochs=60, batch_size=64,
                    learning_rate=5e-3, **QUIET)  # fmt: skip
    pairs = remember(teacher.model, teacher.samples, 512)
    noise = torch.randn(256, 1, 4, generator=generator(1))
    with torch.no_grad():
        wanted = teacher.model({}, {}, torch.ones(256), noise=noise)["u"]

        def missed(model) -> float:
            return float((model({}, {}, torch.ones(256), noise=noise)["u"] - wanted).square().mean().sqrt())

        teacher.model.flow.sampler = Euler(1)
        before = missed(teacher.model)
    straight = train(Flow(operator, sampler=Euler(1)), levels(), target=Reflow(pairs), out=tmp_path / "straight",
                     epochs=60, batch_size=64, learning_rate=5e-3, **QUIET)  # fmt: skip
    bent = train(Flow(operator, objective=ConstantAcceleration()), levels(), target=ConstantAcceleration(pairs),
                 out=tmp_path / "bent", epochs=60, batch_size=64, learning_rate=5e-3, **QUIET)  # fmt: skip
    with torch.no_grad():
        assert missed(straight.model) < 0.35 * before
        assert missed(bent.model) < 0.35 * before
    again = load_model(tmp_path / "bent")
    with torch.no_grad():
        assert missed(again) == missed(bent.model)
    assert bent.history[-1].validation < 0.5 * bent.history[0].validation
    with pytest.raises(EngineError, match="every way would end in the mean"):
        train(Flow(operator, objective=ConstantAcceleration()), levels(), out=tmp_path / "none", epochs=1, **QUIET)


# ---- schedules


@pytest.mark.parametrize(("sampler", "steps"), [(Euler, 4), (Euler, 8), (Heun, 4)])
def test_best_times_beat_even_ones_at_equal_cost(sampler, steps):
    """From N(0, 1) to N(1.5, 0.05^2) along the path of diffusion, where all happens near the end."""
    field = gaussian_field(VariancePreserving(), std=0.05)
    there, elsewhere = (torch.randn(64, 1, 2, dtype=DOUBLE, generator=generator(seed)) for seed in (0, 1))
    times = best_times(field, there, sampler(steps), among=48)
    assert len(times) == steps + 1
    truth = Heun(2000)(field, elsewhere)

    def error(chosen) -> float:
        return float((chosen(field, elsewhere) - truth).square().mean().sqrt())

    assert sampler(steps, times).evaluations == sampler(steps).evaluations
    assert error(sampler(steps, times)) < 0.5 * error(sampler(steps))


def test_the_shortest_path_is_the_least_of_all(monkeypatch):
    """Against all ways of 3 steps out of 6, for costs drawn at random."""
    from itertools import combinations, pairwise

    from scenegrad.surrogates.flows import schedules

    costs = torch.rand(7, 7, dtype=DOUBLE, generator=generator())
    costs = costs.masked_fill(torch.ones(7, 7).tril().bool(), math.inf)
    monkeypatch.setattr(schedules, "errors", lambda *_: costs)

    def total(places) -> float:
        return sum(float(costs[i, j]) for i, j in pairwise(places))

    best = min(((0, *inner, 6) for inner in combinations(range(1, 6), 2)), key=total)
    found = best_times(gaussian_field(Linear()), torch.zeros(1, 1, 1), Euler(3), among=6)
    assert [round(6 * s) for s in found] == list(best)
    with pytest.raises(EngineError, match="8 steps are to be found among 6; take among=32"):
        best_times(gaussian_field(Linear()), torch.zeros(1, 1, 1), Euler(8), among=6)


def test_a_schedule_is_kept_in_the_checkpoint(tmp_path):
    torch.manual_seed(0)
    flow = Flow(FNO((1,), 16, [], outputs=["u"], depth=1), path=VariancePreserving())
    fit = train(flow, levels(), out=tmp_path, epochs=3, batch_size=64, learning_rate=5e-3, **QUIET)
    found = schedule(fit, Euler(4), among=16)
    kept = load_model(tmp_path).flow.sampler
    assert kept == found.model.flow.sampler == Euler(4, kept.times)
    noise = torch.randn(64, 1, 4, generator=generator(0))
    field = fit.model.field(torch.zeros(64, 0, 4), torch.ones(64, 1))
    assert kept.times == best_times(field, noise, Euler(4), among=16)
    with pytest.raises(EngineError, match="finds the times of Euler"):
        schedule(fit, Accelerated(1))


# ---- fields of charges


def test_the_start_of_a_poisson_flow_is_students_distribution():
    """|x0|^2 / N is F(N, D) distributed; its slope by autograd is its derivative; for large D it is white noise."""
    from scipy import stats

    noise = torch.randn(4000, 1, 6, dtype=DOUBLE, generator=generator())
    start = FromPoissonField(extra=3.0)
    x0 = start(noise, {}, None)
    share = stats.f(6, 3).cdf(x0.flatten(1).square().sum(1).numpy() / 6.0)
    assert stats.kstest(share, "uniform").pvalue > 0.01
    cosine = torch.nn.functional.cosine_similarity(x0.flatten(1), noise.flatten(1))
    torch.testing.assert_close(cosine, torch.ones_like(cosine))
    few = noise[:3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: start(z, {}, None), (few,))
    torch.testing.assert_close(FromPoissonField(1e6)(noise, {}, None), noise, atol=0.01, rtol=0.01)
    expected = stats.multivariate_t(loc=np.zeros(6), shape=np.eye(6), df=3.0).logpdf(x0[:, 0].numpy())
    np.testing.assert_allclose(start.log_density(x0).numpy(), expected, rtol=1e-10)


def test_the_flow_of_a_poisson_start_follows_the_lines_of_the_electric_field():
    """Two charges at -1 and 1 on a line: dx/dr = E_x / E_r in 1 + D dimensions is the mean slope of the paths."""
    extra, sigma = 3.0, 0.8  # r = sqrt(D) a / b
    start, random = FromPoissonField(extra), generator()
    x0 = start(torch.randn(400_000, 1, 1, dtype=DOUBLE, generator=random), {}, None).flatten()
    y = torch.randint(0, 2, x0.shape, generator=random).double() * 2.0 - 1.0
    x, r = y + sigma * x0, math.sqrt(extra) * sigma
    for at in (-1.5, 0.4, 1.2):
        near = (x - at).abs() < 0.05
        slope = float(((x - y)[near] / r).mean())  # dx/dr of x = y + r x0 / sqrt(D)
        force = [((at - q) ** 2 + r**2) ** (-(1 + extra) / 2) for q in (-1.0, 1.0)]
        line = sum((at - q) * f for q, f in zip((-1.0, 1.0), force, strict=True)) / (r * sum(force))
        assert slope == pytest.approx(line, abs=0.02)


def test_the_likelihood_knows_the_density_of_the_start():
    """A velocity of zero leaves Student's distribution as it is; where no density is known there is none."""
    x = torch.randn(5, 1, 2, dtype=DOUBLE, generator=generator())
    start = FromPoissonField(4.0)
    field = Field(lambda x, s: 0.0 * x, Linear(), log_start=start.log_density)
    torch.testing.assert_close(log_likelihood(field, x, steps=2), start.log_density(x))
    flow = Flow(FNO((1,), 2, ["u"], depth=1), start=FromPresent(0.1))
    stepper = flow.dressed(None, 1.0, (3,))
    with pytest.raises(EngineError, match="whose starts have a known density"):
        log_likelihood(stepper.field(torch.zeros(2, 1, 3), torch.zeros(2, 1)), torch.zeros(2, 1, 3))


def test_a_poisson_flow_is_trained_like_any_other(tmp_path):
    torch.manual_seed(0)
    flow = Flow(FNO((1,), 16, [], outputs=["u"], depth=1), start=FromPoissonField(8.0), sampler=Heun(8))
    fit = train(flow, levels(), out=tmp_path, epochs=60, batch_size=64, learning_rate=5e-3, **QUIET)
    model = load_model(tmp_path)
    assert model.flow.start == FromPoissonField(8.0)
    assert not model.field(torch.zeros(1, 0, 4), torch.ones(1, 1)).from_noise
    with torch.no_grad():
        made = model({}, {}, torch.ones(500), noise=torch.randn(500, 1, 4, generator=generator(2)))["u"]
    assert float(made.mean()) == pytest.approx(3.0, abs=0.15)
    assert float(made.mean(dim=1).std()) == pytest.approx(0.7, rel=0.2)
    assert fit.history[-1].loss < fit.history[0].loss


# ---- light bridges


def mixture(size: int = 2, parts: int = 3, epsilon: float = 0.5) -> MixturePotential:
    torch.manual_seed(1)
    bridge = MixturePotential(size, parts, epsilon).double()
    with torch.no_grad():
        for weight in bridge.parameters():
            weight.add_(0.4 * torch.randn(weight.shape, dtype=DOUBLE))
    return bridge


def test_the_drift_of_a_light_bridge_is_the_gradient_of_its_potential():
    """g = epsilon grad log E[phi(y)] over Brownian y ahead, phi = exp(|y|^2 / 2 epsilon) v(y), on a fine grid."""
    bridge, epsilon = mixture(size=1), 0.5
    y = torch.linspace(-12.0, 12.0, 4801, dtype=DOUBLE)
    wide = epsilon * bridge.log_widths.exp()
    log_v = (bridge.log_weights[:, None] - 0.5 * ((y - bridge.means) ** 2 / wide + wide.log())).logsumexp(0)
    for s in (0.0, 0.3, 0.8):
        x = torch.tensor([-0.7, 0.2, 1.1], dtype=DOUBLE, requires_grad=True)
        ahead = -((y - x[:, None]) ** 2) / (2 * epsilon * (1 - s)) + y**2 / (2 * epsilon) + log_v
        (slope,) = torch.autograd.grad(ahead.logsumexp(dim=1).sum(), x)
        found = bridge.drift(x.detach()[:, None], torch.full((3,), s, dtype=DOUBLE))
        torch.testing.assert_close(found[:, 0], epsilon * slope, atol=1e-6, rtol=1e-6)


def test_walking_a_light_bridge_ends_as_its_draws_do():
    bridge, count, steps = mixture(), 20_000, 200
    torch.manual_seed(2)
    x = torch.tensor([[0.5, -0.3]], dtype=DOUBLE).expand(count, 2)
    with torch.no_grad():
        drawn = bridge.ends(x, torch.randn(count, 2, dtype=DOUBLE), torch.rand(count, dtype=DOUBLE))
        for n in range(steps):
            s = torch.full((count,), n / steps, dtype=DOUBLE)
            x = x + bridge.drift(x, s) / steps + math.sqrt(0.5 / steps) * torch.randn(count, 2, dtype=DOUBLE)
    torch.testing.assert_close(x.mean(0), drawn.mean(0), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), torch.cov(drawn.T), atol=0.05, rtol=0)


def test_a_light_bridge_between_gaussians_is_the_schroedinger_bridge(tmp_path):
    """From N(0, a) to N(m, b) the ends have covariance c with c^2 + epsilon c = a b [Janati et al. 2020], though the
    pairs it is shown do not belong together."""
    random = np.random.default_rng(0)
    x, y = random.normal(0.0, 1.0, (4096, 1)), random.normal(4.0, 0.5, (4096, 1))
    data = Pairs.from_arrays({"u": x}, {"u": y}, split=Split(0.0, 0.0))
    torch.manual_seed(0)
    bridge = LightBridge(["u"], 1, parts=2, epsilon=0.3)
    fit = train(bridge, data, out=tmp_path, epochs=20, batch_size=256, learning_rate=0.05, **QUIET)
    model = load_model(tmp_path)
    assert model.config() == fit.model.config()
    scale = float(model.scales.output_std)
    a, b, epsilon = (1.0 / scale) ** 2, 1.0, 0.3
    expected = 0.5 * (math.sqrt(4.0 * a * b + epsilon**2) - epsilon) * scale**2
    starts = torch.randn(20_000, 1, generator=generator(3))
    with torch.no_grad():
        ends = model({"u": starts}, {}, torch.ones(20_000))["u"]
    assert float(ends.mean()) == pytest.approx(4.0, abs=0.05)
    assert float(ends.std()) == pytest.approx(0.5, rel=0.06)
    covariance = float(((starts - starts.mean()) * (ends - ends.mean())).mean())
    assert covariance == pytest.approx(expected, rel=0.06)
    with pytest.raises(EngineError, match="made for 5 numbers a member, and the data have 1"):
        train(LightBridge(["u"], 5), data, out=tmp_path / "wrong", epochs=1, **QUIET)


# ---- guidance


def test_a_wish_that_is_fulfilled_changes_nothing_and_another_is_met_where_it_can_be():
    """From N(0, 1) to N(1.5, 0.5^2): the mean of each member shall be 2; everything else stays free."""
    x = torch.randn(200, 1, 16, dtype=DOUBLE, generator=generator())
    field = gaussian_field(Linear())
    content = Guided(lambda end: 0.0 * end.flatten(1).sum(1), steps=16)
    torch.testing.assert_close(content(field, x), Euler(16)(field, x))
    wished = Guided(lambda end: (end.flatten(1).mean(1) - 2.0).square(), steps=16, settle=2)(field, x)
    free = Euler(16)(field, x)
    assert float((wished.flatten(1).mean(1) - 2.0).abs().max()) < 0.02
    assert float((free.flatten(1).mean(1) - 2.0).abs().mean()) > 0.3
    spread = wished.flatten(1).std(dim=1).mean() / free.flatten(1).std(dim=1).mean()
    assert float(spread) == pytest.approx(1.0, abs=0.1), "what nobody wished for is as it was"
    with pytest.raises(EngineError, match="steps=1"):
        Guided(lambda end: end.flatten(1).sum(1), steps=1)
