"""What is known in closed form of a flow between Gaussians, samplers, likelihoods and maps must find."""

import math

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import FNO
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.flow import Flow
from scenegrad.surrogates.flows.likelihood import log_likelihood
from scenegrad.surrogates.flows.maps import MAPS, EulerianMap, LagrangianMap, MeanFlow, ProgressiveMap
from scenegrad.surrogates.flows.more_samplers import Adaptive, DPMSolver, Jumps, Noisy
from scenegrad.surrogates.flows.objectives import FlowMatching, Reflow, Score
from scenegrad.surrogates.flows.paths import Bridge, Linear, Trigonometric, VariancePreserving
from scenegrad.surrogates.flows.samplers import Euler, Heun
from scenegrad.surrogates.training.losses import RelativeL2

MEAN, STD = 1.5, 0.5
PATHS = [Linear(), Trigonometric(), VariancePreserving()]


def spread(path, s):
    a, b, *_ = path(s)
    return b * MEAN, (a**2 + (b * STD) ** 2).sqrt()


def exact(path) -> Field:
    """From N(0, 1) to N(MEAN, STD^2), each number for itself, with the map that follows it."""

    def wide(value, x):
        return value.view(-1, *[1] * (x.ndim - 1))

    def velocity(x, s):
        a, b, _, a_slope, b_slope, _ = path(s)
        variance = a**2 + (b * STD) ** 2
        gain = (a * a_slope + b * b_slope * STD**2) / variance
        return wide(b_slope * MEAN, x) + wide(gain, x) * (x - wide(b * MEAN, x))

    def jump(x, s, r):
        (here, narrow), (there, broad) = spread(path, s), spread(path, r)
        return wide(there, x) + wide(broad / narrow, x) * (x - wide(here, x))

    return Field(velocity, path, jump=jump)


def noise(count: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_the_field_knows_score_start_and_end(path):
    field, x = exact(path), noise()
    s = torch.linspace(0.2, 0.8, len(x), dtype=torch.float64)
    middle, width = (value[:, None, None] for value in spread(path, s))
    torch.testing.assert_close(field.score(x, s), -(x - middle) / width**2)
    a, b, *_ = (value[:, None, None] for value in path(s))
    torch.testing.assert_close(a * field.start(x, s) + b * field.end(x, s), x)
    torch.testing.assert_close(field.end(x, s), MEAN + b * STD**2 / width**2 * (x - middle))


def test_steps_of_its_own_keep_the_tolerance_and_each_member_to_itself():
    x = noise()
    for path in (Linear(), Trigonometric()):
        for tolerance in (1e-3, 1e-6):
            found = Adaptive(tolerance)(exact(path), x)
            assert float((found - (MEAN + STD * x)).abs().max()) < 30 * tolerance
        assert torch.equal(Adaptive(1e-4)(exact(path), x)[2:3], Adaptive(1e-4)(exact(path), x[2:3]))
    with pytest.raises(EngineError, match="2 steps were not enough"):
        Adaptive(1e-9, most=2)(exact(Linear()), x)


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_dpm_solver_is_of_second_order_and_needs_few_steps(path):
    x = noise()
    truth = DPMSolver(1024, margin=1e-3)(exact(path), x)
    errors = [float((DPMSolver(n)(exact(path), x) - truth).abs().max()) for n in (16, 32, 64)]
    assert math.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.4), errors
    assert errors[0] < 0.05
    assert float((truth - (MEAN + STD * x)).abs().max()) < 0.02, "what is left out at the ends"


def test_ways_with_noise_end_in_the_same_distribution():
    torch.manual_seed(0)
    x = torch.randn(40_000, 1, 1, dtype=torch.float64)
    for level in (0.5, 2.0):
        made = Noisy(100, level)(exact(Linear()), x)
        assert float(made.mean()) == pytest.approx(MEAN, abs=0.02)
        assert float(made.std()) == pytest.approx(STD, rel=0.03)
        straight = MEAN + STD * x
        assert float(torch.corrcoef(torch.stack([made.flatten(), straight.flatten()]))[0, 1]) < 0.95, "ways do differ"


def test_what_the_velocity_does_not_say_is_not_made_up():
    with pytest.raises(EngineError, match=r"On a Bridge\(...\)"):
        DPMSolver(4)(Field(exact(Linear()).velocity, Bridge(0.1)), noise())
    with pytest.raises(EngineError, match="begin with white noise"):
        Noisy(4)(Field(exact(Linear()).velocity, Linear(), from_noise=False), noise())
    with pytest.raises(EngineError, match="learnt to jump"):
        Jumps(1)(Field(exact(Linear()).velocity, Linear()), noise())


@pytest.mark.parametrize("probes", [0, 4])
def test_the_likelihood_is_that_of_the_gaussian(probes):
    """The divergence of a linear field is the same number everywhere, so that random signs find it exactly, too."""
    x = MEAN + noise()
    found = log_likelihood(exact(Linear()), x, steps=64, probes=probes, random=torch.Generator().manual_seed(0))
    z = ((x - MEAN) / STD).flatten(1)
    expected = -0.5 * z.square().sum(1) - 3 * math.log(STD * math.sqrt(2 * math.pi))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


class Known:
    """Stands for a FlowStepper whose network is right."""

    def __init__(self, path=Linear(), wrong: float = 0.0):  # noqa: B008
        flow = Flow(FNO((1,), 2, [], outputs=["u"], depth=1), path=path)
        nothing, one = torch.zeros(0, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        dressed = flow.dressed(Statistics(nothing, nothing, 0 * one, one, one, nothing, nothing), 1.0, (3,)).double()
        self.flow, self.scales, self.names, self.told = dressed.flow, dressed.scales, dressed.names, dressed.told
        self.begin, self.kept, self.frame = dressed.begin, dressed.kept, dressed.frame
        self.exact, self.wrong = exact(path), wrong

    def field(self, inputs, constants):
        return self.exact

    def velocity(self, x, s, inputs, constants):
        return self.mean_velocity(x, s, s, inputs, constants)

    def mean_velocity(self, x, s, r, inputs, constants):
        apart = (r - s)[:, None, None]
        jumped = (self.exact.jump(x, s, r) - x) / torch.where(apart.abs() < 1e-9, torch.ones_like(apart), apart)
        return torch.where(apart.abs() < 1e-9, self.exact.velocity(x, s), jumped) + self.wrong * apart

    def jump(self, x, s, r, inputs, constants):
        return x + (r - s)[:, None, None] * self.mean_velocity(x, s, r, inputs, constants)


def examples(count: int) -> Window:
    u = MEAN + STD * torch.randn(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return Window({}, ({"u": u},), {}, torch.ones(count, dtype=torch.float64))


@pytest.mark.parametrize("path", [Linear(), Trigonometric()], ids=repr)
@pytest.mark.parametrize("kind", [LagrangianMap, EulerianMap, ProgressiveMap])
def test_the_map_of_the_flow_obeys_all_its_equations_and_a_wrong_one_none(kind, path):
    from scenegrad.surrogates.flows.couplings import Independent
    from scenegrad.surrogates.flows.objectives import passage

    random = torch.Generator().manual_seed(2)
    at = passage(Known(path), examples(64), Independent(), random)
    r = at.s + (1.0 - at.s) * torch.rand(64, generator=random).double()
    assert float(kind().off(Known(path), at, r).abs().max()) < 1e-8
    assert float(kind().off(Known(path, wrong=0.1), at, r).abs().max()) > 1e-3


def test_mean_flow_is_right_on_average():
    """With the velocity of single examples its equation holds for their mean alone: regress what is off on x."""
    from scenegrad.surrogates.flows.couplings import Independent
    from scenegrad.surrogates.flows.objectives import passage

    def mean_off(wrong: float) -> float:
        at = passage(Known(wrong=wrong), examples(40_000), Independent(), torch.Generator().manual_seed(2))
        off = MeanFlow().off(Known(wrong=wrong), at, torch.ones_like(at.s))
        return float(off.mean())

    assert abs(mean_off(0.0)) < 0.01
    assert mean_off(0.1) > 0.05


def test_score_and_flow_matching_have_the_same_minimum():
    """The loss of the right field is below that of fields beside it, for either."""
    loss, window = RelativeL2(), examples(4000)

    class Beside(Known):
        def __init__(self, shift):
            super().__init__()
            right = self.exact
            self.exact = Field(lambda x, s: right.velocity(x, s) + shift, right.path, jump=right.jump)

        def mean_velocity(self, x, s, r, inputs, constants):
            return self.exact.velocity(x, s)

    for objective in (FlowMatching(), Score()):
        values = [
            float(objective(Beside(shift), window, loss, torch.Generator().manual_seed(3)))
            for shift in (-0.2, 0.0, 0.2)
        ]
        assert values[1] < values[0]
        assert values[1] < values[2]


def test_reflow_straightens():
    """Pairs of one flow lie on its ways: the field that goes straight from their starts to their ends fits them, and
    with it one step does."""
    teacher = Known()
    teacher.flow.sampler = Adaptive(1e-6)

    class Straight(Known):
        def mean_velocity(self, x, s, r, inputs, constants):
            start = (x - s[:, None, None] * MEAN) / (1.0 - s + s * STD)[:, None, None]  # of x_s = (1-s) x0 + s x1
            return MEAN + (STD - 1.0) * start

    value = Reflow(teacher)(Straight(), examples(64), RelativeL2(), torch.Generator().manual_seed(0))
    assert float(value) < 1e-8
    x = noise()
    field = Field(lambda x, s: Straight().mean_velocity(x, s, s, None, None), Linear())
    torch.testing.assert_close(Euler(1)(field, x), MEAN + STD * x)


@pytest.mark.parametrize("kind", MAPS)
def test_a_map_trains_and_jumps(kind):
    torch.manual_seed(0)
    flow = Flow(FNO((1,), 8, [], outputs=["u"], depth=1), objective=kind())
    assert isinstance(flow.sampler, Jumps)
    stepper = flow.dressed(None, 1.0, (3,))
    window = Window({}, ({"u": examples(8).targets[0]["u"].float()},), {}, torch.ones(8))
    value = kind()(stepper, window, RelativeL2(), torch.Generator().manual_seed(0))
    value.backward()
    assert all(weight.grad is not None and bool(weight.grad.isfinite().all()) for weight in stepper.parameters())
    assert stepper({}, {}, torch.ones(5))["u"].shape == (5, 3)
    assert Flow.build(flow.config()).config() == flow.config()
    with pytest.raises(EngineError, match="matched=1"):
        kind(matched=1.0)


def test_a_second_order_sampler_beats_the_first_at_equal_cost():
    x, truth = noise(), MEAN + STD * noise()
    euler, heun = Euler(16)(exact(Linear()), x), Heun(8)(exact(Linear()), x)
    assert float((heun - truth).abs().max()) < float((euler - truth).abs().max())
