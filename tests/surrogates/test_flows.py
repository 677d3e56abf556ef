"""Flows: paths, what they are trained by, and how they are sampled."""

import math

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import FNO, Next, Pairs, Split, load_model, train
from scenegrad.surrogates.choices import choose, spell
from scenegrad.surrogates.flows.couplings import Independent, MinibatchOT
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.objectives import FlowMatching, between
from scenegrad.surrogates.flows.paths import PATHS, Bridge, Linear, Trigonometric, VariancePreserving
from scenegrad.surrogates.flows.samplers import RK4, Euler, Heun
from scenegrad.surrogates.flows.starts import FromNoise, FromPresent

QUIET = {"device": "cpu", "progress": False}
EVERY_PATH = [Linear(), Trigonometric(), VariancePreserving(), Bridge(0.3), Bridge(0.2, Trigonometric())]


@pytest.mark.parametrize("path", EVERY_PATH, ids=repr)
def test_a_path_leads_from_the_start_to_the_data_and_its_slopes_are_its_derivatives(path):
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    a, b, g, *_ = path(ends)
    slack = 1e-2 if isinstance(path, VariancePreserving) else 1e-12
    torch.testing.assert_close(a, torch.tensor([1.0, 0.0]).double(), atol=slack, rtol=0)
    torch.testing.assert_close(b, torch.tensor([0.0, 1.0]).double(), atol=slack, rtol=0)
    assert float(g.max()) < 1e-3
    inside = torch.linspace(0.05, 0.95, 7, dtype=torch.float64, requires_grad=True)
    found = path(inside)
    for value, slope in zip(found[:3], found[3:], strict=True):
        if value.requires_grad:
            (by_autograd,) = torch.autograd.grad(value.sum(), inside, retain_graph=True)
            torch.testing.assert_close(slope, by_autograd)
        else:
            assert float(slope.abs().max()) == 0.0


@pytest.mark.parametrize(("sampler", "order"), [(Euler, 1), (Heun, 2), (RK4, 4)])
def test_samplers_have_their_order(sampler, order):
    """dx/ds = x cos(s): x(1) = x(0) exp(sin 1)."""

    def slope(x, s):
        return x * torch.cos(s)[:, None]

    errors = []
    for steps in (4, 8):
        x = sampler(steps)(Field(slope, Linear()), torch.ones(2, 1, dtype=torch.float64))
        errors.append(float((x - math.exp(math.sin(1.0))).abs().max()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)
    halves = sampler(times=(0.0, 0.25, 0.5, 0.75, 1.0))(Field(slope, Linear()), torch.ones(2, 1, dtype=torch.float64))
    assert float((halves - math.exp(math.sin(1.0))).abs().max()) == pytest.approx(errors[0], rel=1e-12)


def gaussian_velocity(path, x, s, mean, std):
    """E[dx_s/ds | x_s = x] for x0 ~ N(0, 1) and x1 ~ N(mean, std^2), independent."""
    a, b, g, a_slope, b_slope, g_slope = path(s)
    spread = a**2 + (b * std) ** 2 + g**2
    covariance = a * a_slope + b * b_slope * std**2 + g * g_slope
    return b_slope * mean + covariance / spread * (x - b * mean)


@pytest.mark.parametrize("path", EVERY_PATH, ids=repr)
def test_the_velocity_is_the_regression_of_the_slopes_on_the_places(path):
    """For Gaussians dx_s/ds is linear in x_s: a least-squares line through draws is the closed form."""
    random = torch.Generator().manual_seed(0)
    x0, x1, z = (torch.randn(200_000, 1, generator=random, dtype=torch.float64) for _ in range(3))
    x1 = 1.5 + 0.5 * x1
    s = torch.full((len(x0),), 0.4, dtype=torch.float64)
    x, slope = between(path, x0, x1, z, s)
    line = np.polyfit(x[:, 0].numpy(), slope[:, 0].numpy(), 1)
    at = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
    expected = gaussian_velocity(path, at, torch.full_like(at, 0.4), 1.5, 0.5)
    np.testing.assert_allclose(np.polyval(line, at.numpy()), expected.numpy(), atol=0.02)


@pytest.mark.parametrize("path", EVERY_PATH[:3], ids=repr)
def test_the_flow_of_the_exact_velocity_carries_one_gaussian_to_the_other(path):
    x0 = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)[:, None]

    def velocity(x, s):
        return gaussian_velocity(path, x[:, 0], s, 1.5, 0.5)[:, None]

    x1 = RK4(200)(Field(velocity, path), x0)
    torch.testing.assert_close(x1, 1.5 + 0.5 * x0, atol=2e-2, rtol=0)


def test_the_best_assignment_is_found_and_starts_stay_the_same_ones():
    random = torch.Generator().manual_seed(0)
    x1 = torch.randn(32, 2, 3, generator=random)
    shuffled = x1[torch.randperm(32, generator=random)]
    torch.testing.assert_close(MinibatchOT()(shuffled + 0.01, x1), x1 + 0.01)


def blobs(count: int = 512) -> Pairs:
    """Constant fields whose level is drawn from N(3, 0.7^2)."""
    level = np.random.default_rng(0).normal(3.0, 0.7, (count, 1))
    return Pairs.from_arrays({}, {"u": np.repeat(level, 4, axis=1)}, split=Split(0.1, 0.1))


def test_an_unconditional_flow_learns_the_distribution_and_comes_back_from_its_file(tmp_path):
    torch.manual_seed(0)
    operator = FNO((1,), 16, [], outputs=["u"], depth=1)
    flow = Flow(operator, objective=FlowMatching(MinibatchOT()), sampler=Heun(6))
    fit = train(flow, blobs(), out=tmp_path, epochs=60, batch_size=64, learning_rate=5e-3, **QUIET)
    assert fit.history[-1].loss < fit.history[0].loss
    noise = torch.randn(400, 1, 4, generator=torch.Generator().manual_seed(1))
    loaded = load_model(tmp_path)
    with torch.no_grad():
        made = loaded({}, {}, torch.ones(400), noise=noise)["u"]
        again = fit.model({}, {}, torch.ones(400), noise=noise)["u"]
    assert torch.equal(made, again)
    assert float(made.mean()) == pytest.approx(3.0, abs=0.15)
    assert float(made.mean(dim=1).std()) == pytest.approx(0.7, rel=0.15)
    assert float(made.std(dim=1).mean()) < 0.2, "every sample is level"


def test_a_flow_from_the_present_begins_there():
    """A network that says nothing leaves the present as it is."""
    flow = Flow(FNO((2,), 4, ["u"], ["nu"], depth=1, predicts=Next()), start=FromPresent())
    stepper = flow.dressed(None, 0.1, (8,))
    for weight in stepper.parameters():
        torch.nn.init.zeros_(weight)
    u = torch.randn(3, 8)
    torch.testing.assert_close(stepper({"u": u}, {"nu": torch.ones(3)}, torch.full((3,), 0.1))["u"], u)


def test_couplings_that_ignore_what_the_flow_is_told_are_refused(tmp_path):
    pairs = Pairs.from_arrays({"u": np.zeros((8, 4)) + np.arange(8)[:, None]}, {"u": np.ones((8, 4))})
    flow = Flow(FNO((1,), 4, ["u"], depth=1), objective=FlowMatching(MinibatchOT()))
    with pytest.raises(EngineError, match=r"MinibatchOT\(\) pairs starts .* told u. Take Independent"):
        train(flow, pairs, out=tmp_path, epochs=1, **QUIET)


def test_a_flow_is_written_and_read_as_plain_data():
    flow = Flow(
        FNO((2, 2), 4, ["u", "v"], ["nu"], history=2, components={"v": 2}, depth=1),
        path=Bridge(0.1, Trigonometric()), start=FromPresent(0.2), objective=FlowMatching(Independent()),
        sampler=RK4(3),
    )  # fmt: skip
    again = Flow.build(flow.config())
    assert again.config() == flow.config()
    assert (again.path, again.start, again.objective, again.sampler) == (
        flow.path, flow.start, flow.objective, flow.sampler,
    )  # fmt: skip
    assert again.network.channels_in == 3 + 3 + 3  # what moves, one step ago, now
    for path in EVERY_PATH:
        assert choose(spell(path), PATHS, "path") == path
    with pytest.raises(EngineError, match="it takes operator, path"):
        Flow.build({"kind": "flow", "network": {}})
    assert isinstance(Flow(FNO((2,), 4, ["u"])).start, FromNoise)
