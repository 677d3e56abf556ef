"""A surrogate beside its solver: who steps when, and what that gives."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Probe, Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.surrogates import Next, Surrogate
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.hybrid.checks import CoarseStep, Drift, Together
from scenegrad.surrogates.hybrid.safe_stepper import SafeStepper, calibrated, threshold_of
from scenegrad.surrogates.operators.operator import Operator

DT, NU = 0.2, "nu"


@dataclass(frozen=True)
class Line:
    u: Tensor  # [batch, points]


class Heat(TorchAdjoint):
    """u_t = nu u_xx on a circle, exactly."""

    order = 1

    def __init__(self, points: int = 64):
        layout = Grid((points,), (2 * torch.pi / points,), (0.0,), (True,))
        self.program = Program(1.0, Fixed(0.05), (Probe("u", DT, lambda state, params: {"u": state.u}, layout),))

    def max_dt(self, state: Line, params: Params) -> Tensor:
        return torch.ones(len(state.u), dtype=torch.float64)

    def step(self, state: Line, params: Params, time: Tensor, dt: Tensor) -> Step[Line]:
        k = torch.arange(state.u.shape[1] // 2 + 1).to(state.u)
        decay = torch.exp(-(params[NU] * dt.to(state.u))[:, None] * k**2)
        return Step(Line(torch.fft.irfft(torch.fft.rfft(state.u) * decay, n=state.u.shape[1])))

    def observe(self, state: Line, params: Params) -> dict[str, Tensor]:
        return {"energy": state.u.square().mean(1)}


def line(batch: int = 2) -> tuple[Line, Params]:
    x = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64
    u = torch.stack([torch.sin((b + 1) * x) + 0.3 * torch.cos(2 * x + b) for b in range(batch)])
    return Line(u), Params({NU: torch.linspace(0.5, 0.7, batch, dtype=torch.float64)})


class Wrong(Operator):
    """Heat by one learned step of DT, exact up to an offset that the network was never meant for: fields beyond 1.5."""

    kind = "wrong"

    def forward(self, u, constants):
        k = torch.arange(u.shape[-1] // 2 + 1).to(u)
        nu = constants[:, :1, None]  # the scales below leave it as it is
        exact = torch.fft.irfft(torch.fft.rfft(u) * torch.exp(-nu * DT * k**2), n=u.shape[-1])
        beyond = (u.abs().amax(dim=(1, 2)) > 1.5)[:, None, None]
        return exact * (1.0 + 0.002) + 0.5 * beyond


def network() -> Surrogate:
    nothing, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(nothing, one, nothing, one, one, nothing, one)
    torch.set_default_dtype(torch.float64)
    try:
        return Surrogate(Wrong(["u"], [NU], predicts=Next()).dressed(scales, DT, (64,)), like=Heat())
    finally:
        torch.set_default_dtype(torch.float32)


def coarse_check() -> CoarseStep:
    return CoarseStep(Heat(32), down=lambda state: Line(state.u[:, ::2]))


def steps_of(solver, state, params, count):
    with torch.no_grad():
        return rollout(solver, state, params, count * DT, probes=()).state.u


def test_with_a_threshold_of_nothing_it_is_the_solver_bit_for_bit():
    state, params = line()
    safe = SafeStepper(network(), Heat(), coarse_check(), 0.0)
    u = state
    for n in range(4):
        u = rollout(Heat(), u, params, (n + 1) * DT, start=n * DT, probes=()).state
    assert torch.equal(steps_of(safe, state, params, 4), u.u)
    assert safe.log.accepted == 0.0


def test_with_a_threshold_without_end_it_is_the_network():
    state, params = line()
    safe = SafeStepper(network(), Heat(), coarse_check(), float("inf"))
    assert torch.equal(steps_of(safe, state, params, 4), steps_of(network(), state, params, 4))
    assert safe.log.accepted == 1.0


def test_only_the_member_that_is_doubted_is_handed_over():
    """The second member starts beyond what the network knows, and the solver brings it back into it."""
    state, params = line()
    strong = Line(state.u * torch.tensor([[0.5], [2.2]], dtype=torch.float64))
    safe = SafeStepper(network(), Heat(), coarse_check(), 0.05)
    found, exact = steps_of(safe, strong, params, 3), steps_of(Heat(), strong, params, 3)
    assert torch.equal(found[:1], steps_of(network(), strong, params, 3)[:1])
    assert float((found - exact).norm() / exact.norm()) < 0.01
    assert float((steps_of(network(), strong, params, 3) - exact).norm() / exact.norm()) > 0.3
    first = safe.log.steps[0]
    assert first.trusted.tolist() == [True, False]
    assert first.rejected is not None
    assert torch.equal(first.rejected.u, strong.u[1:]), "what to train on next"
    assert 0.0 < safe.log.accepted < 1.0


def test_the_gradient_goes_through_whoever_stepped():
    state, params = line()
    strong = Line(state.u * torch.tensor([[0.5], [2.2]], dtype=torch.float64))
    safe = SafeStepper(network(), Heat(), coarse_check(), 0.05)
    nu = params[NU].detach()

    def loss(value):
        return rollout(safe, strong, Params({NU: value}), 3 * DT, probes=()).state.u.square().sum()

    value = nu.clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(value), value)
    for member in range(2):
        h = torch.zeros(2, dtype=torch.float64)
        h[member] = 1e-6
        with torch.no_grad():
            difference = (loss(nu + h) - loss(nu - h)) / 2e-6
        assert float(found[member]) == pytest.approx(float(difference), rel=1e-6)


def test_what_is_not_finite_is_never_trusted():
    class Broken(Wrong):
        def forward(self, u, constants):
            return super().forward(u, constants) / 0.0

    state, params = line()
    nothing, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(nothing, one, nothing, one, one, nothing, one)
    broken = Broken(["u"], [NU], predicts=Next()).dressed(scales, DT, (64,))
    safe = SafeStepper(Surrogate(broken.double(), like=Heat()), Heat(), coarse_check(), float("inf"))
    torch.testing.assert_close(steps_of(safe, state, params, 2), steps_of(Heat(), state, params, 2))


def test_a_calibrated_one_trusts_the_share_that_was_asked_for():
    starts = [(Line(line(4)[0].u * 0.4 * (1 + n % 3)), line(4)[1]) for n in range(6)]
    safe = calibrated(network(), Heat(), coarse_check(), starts, steps=3, quantile=0.9)
    for state, params in starts:
        steps_of(safe, state, params, 3)
    assert safe.log.accepted == pytest.approx(0.9, abs=0.08)


def test_the_conformal_quantile_is_the_rank_that_its_source_says():
    doubts = torch.arange(1.0, 100.0)  # 99 of them: ceil(100 * 0.95) = 95th
    assert threshold_of(doubts[torch.randperm(99)], 0.95) == 95.0
    with pytest.raises(EngineError, match="at least 19 steps"):
        threshold_of(torch.ones(10), 0.95)


def test_checks_together_doubt_as_the_most_doubtful_one_does():
    state, params = line()
    after = Line(state.u * 1.1)
    energy = Drift(lambda state, params: {"energy": state.u.square().mean(1)})
    doubt = energy(state, after, params, 0.0, DT)
    torch.testing.assert_close(doubt, torch.full((2,), 0.21, dtype=torch.float64))
    both = Together(((energy, 0.1), (coarse_check(), 1e9)))
    torch.testing.assert_close(both(state, after, params, 0.0, DT), doubt / 0.1)


def test_a_negative_threshold_is_refused():
    with pytest.raises(EngineError, match="threshold=-1"):
        SafeStepper(network(), Heat(), coarse_check(), -1.0)
