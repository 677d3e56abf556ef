"""A surrogate beside its solver: who steps when, and what that gives."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

import scenegrad as sg
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Probe, Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.surrogates import Next, Residual, Surrogate, Unfamiliar, WarmStart
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.hybrid.checks import CoarseStep, Drift, Together
from scenegrad.surrogates.hybrid.safe_stepper import SafeStepper, calibrated, threshold_of
from scenegrad.surrogates.hybrid.speculating import Speculating
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


def test_a_residual_sees_what_does_not_solve_the_equations():
    """Of heat flow it is that of the trapezoidal rule: (nu k^2 dt)^2 / 12 for one slow wave; of what is wrong, more."""
    x = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64
    before, params = Line(torch.sin(x)[None]), Params({NU: torch.full((1,), 0.5, dtype=torch.float64)})
    exact = Line(before.u * torch.exp(torch.tensor(-0.5 * DT, dtype=torch.float64)))
    check = Residual(Heat(), share=1e-4)
    assert float(check(before, exact, params, 0.0, DT)) == pytest.approx((0.5 * DT) ** 2 / 12, rel=0.1)
    wrong = Line(exact.u * 1.01)
    assert float(check(before, wrong, params, 0.0, DT)) == pytest.approx(0.1, rel=0.2), "0.01 / (nu dt)"


@dataclass(frozen=True)
class Pressed(Line):
    pressure: Tensor  # what the last step left, nothing that is carried


class Pressing(Heat):
    """A solver that keeps more in its states than the fields that a surrogate carries."""

    def step(self, state: Line, params: Params, time: Tensor, dt: Tensor) -> Step[Line]:
        u = super().step(state, params, time, dt).state.u
        return Step(Pressed(u, u.square()))

    def fields(self, state: Line, params: Params) -> dict[str, Tensor]:
        return {"u": state.u}

    def with_fields(self, state: Line, params: Params, fields: dict[str, Tensor], time: Tensor) -> Line:
        return Pressed(fields["u"], torch.zeros_like(fields["u"]))


def test_checks_look_at_the_fields_that_are_carried_alone():
    state, params = line()
    solver, (begin, end) = Pressing(), (Pressed(u, torch.zeros_like(u)) for u in (state.u, heated(state, params)))
    plain = Residual(Heat())(state, Line(end.u), params, 0.0, DT)
    assert torch.equal(Residual(solver)(begin, end, params, 0.0, DT), plain)
    assert float(CoarseStep(solver, lambda state: state)(begin, end, params, 0.0, DT).max()) < 1e-9


def heated(state: Line, params: Params) -> Tensor:
    return rollout(Heat(), state, params, until=DT, probes=()).state.u


def test_a_state_unlike_those_of_the_training_data_is_unfamiliar():
    random = torch.Generator().manual_seed(0)
    x = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64

    def waves(count: int, top: int) -> Line:
        a = torch.randn(count, top, generator=random, dtype=torch.float64)
        phase = 2 * torch.pi * torch.rand(count, top, generator=random, dtype=torch.float64)
        k = torch.arange(1, top + 1)
        return Line((a[..., None] * torch.sin(k[:, None] * x + phase[..., None])).sum(1) + 1e-3 * torch.sin(20 * x))

    check = Unfamiliar.of([waves(200, 6)])
    usual, params = check(waves(200, 6), None, Params({}), 0.0, DT), Params({})
    assert float(usual.square().mean()) == pytest.approx(1.0, rel=0.2)
    rough = check(waves(50, 16), None, params, 0.0, DT)
    assert float(rough.min()) > float(usual.max())


def test_a_solver_that_begins_from_a_guess_finds_what_it_finds_alone_in_fewer_iterations():
    """Pressure of Darcy's law. The network here knows the answer up to a per cent."""
    solver, state, params = sg.compile(sg.library.darcy(cells=32), dtype="float64")
    answer = rollout(solver, state, params).state.pressure

    class Nearly(Operator):
        kind = "nearly"

        def forward(self, u: Tensor, constants: Tensor) -> Tensor:
            return answer[:, None] * (1.0 + 0.01 * torch.sin(7.0 * u))

    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(zero, one, zero, one, one, zero[:0], one[:0])
    model = Nearly(["permeability"], outputs=["pressure"], predicts=Next()).dressed(scales, 1.0, (32, 32))
    assert model.scales.input_mean.dtype == torch.float32, "as it was trained, beside a solver in double precision"
    warm = WarmStart(model, solver, ("pressure",))
    found = rollout(warm, state, params).state.pressure
    torch.testing.assert_close(found, answer, rtol=1e-8, atol=1e-8 * float(answer.abs().max()))
    guessed = warm.guessed(state, params, torch.ones(1, dtype=torch.float64))
    assert not torch.equal(guessed.pressure, state.pressure)
    turns = [int(solver.solve(begin, params).iterations.max()) for begin in (state, guessed)]
    assert turns[1] <= turns[0] - 3, f"{turns[1]} iterations from the guess, {turns[0]} from zero"

    def flux(start: object, a: Tensor) -> Tensor:
        return rollout(start, replace(state, permeability=a), params).state.pressure.square().sum()

    slopes = []
    for one_solver in (solver, warm):
        a = state.permeability.clone().requires_grad_()
        slopes.append(torch.autograd.grad(flux(one_solver, a), a)[0])
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-6, atol=1e-9 * float(slopes[0].abs().max()))
    with pytest.raises(EngineError, match="is to guess velocity, and the network gives pressure"):
        WarmStart(model, solver, ("velocity",))


@pytest.mark.parametrize("ahead", [1, 3, 6])
def test_running_ahead_takes_the_very_steps_of_one_that_does_not(ahead):
    """The second member starts beyond what the network knows, and comes back into it."""
    state, params = line()
    strong = Line(state.u * torch.tensor([[0.5], [2.2]], dtype=torch.float64))
    one, many = (
        SafeStepper(network(), Heat(), coarse_check(), 0.05),
        Speculating(network(), Heat(), coarse_check(), 0.05, ahead=ahead),
    )
    torch.testing.assert_close(steps_of(many, strong, params, 6), steps_of(one, strong, params, 6), rtol=0, atol=1e-14)
    assert many.log.accepted == one.log.accepted < 1.0
    assert [r.trusted.tolist() for r in many.log.steps] == [r.trusted.tolist() for r in one.log.steps]
    assert sum(r.rejected is not None for r in many.log.steps) == sum(r.rejected is not None for r in one.log.steps)


def test_running_ahead_asks_the_check_less_often():
    state, params = line()
    asked = []

    def check(before, after, params, time, dt):
        asked.append(len(before.u))
        return torch.zeros(len(before.u))

    safe = Speculating(network(), Heat(), check, 1.0, ahead=4)
    assert torch.equal(steps_of(safe, state, params, 8), steps_of(network(), state, params, 8))
    assert asked == [8, 8], "two members, four steps at once"


def test_running_ahead_with_a_threshold_of_nothing_is_the_solver():
    state, params = line()
    safe = Speculating(network(), Heat(), coarse_check(), 0.0, ahead=2)
    by_steps = SafeStepper(network(), Heat(), coarse_check(), 0.0)
    assert torch.equal(steps_of(safe, state, params, 4), steps_of(by_steps, state, params, 4))
    with pytest.raises(EngineError, match="ahead=0"):
        Speculating(network(), Heat(), coarse_check(), 1.0, ahead=0)
    assert len(safe.log.lessons) == 4, "what it ran ahead of is there to learn from too"


def test_a_step_that_is_not_the_one_that_it_runs_ahead_by_is_refused():
    """Whatever it is asked for it goes `ahead` steps: the clock of the run would be another."""
    state, params = line()
    safe = Speculating(network(), Heat(), coarse_check(), 0.05, ahead=4)
    with pytest.raises(StabilityError, match=r"4 times 0.2 = 0.8, and was asked for 0.2"):
        rollout(safe, state, params, until=DT, probes=())


@pytest.mark.parametrize("threshold", [0.0, 0.05])
def test_members_that_step_apart_are_refused(threshold):
    """One check and one run of the solver serve the whole batch: each would have the times of the first member."""
    state, params = line()
    safe = SafeStepper(network(), Heat(), coarse_check(), threshold)
    times = torch.tensor([0.0, 0.2], dtype=torch.float64)
    with pytest.raises(EngineError, match="takes all members of a batch through the same steps"):
        safe.step(state, params, times, torch.full_like(times, DT))


def test_checks_see_the_states_of_the_solver_alone():
    """What a network remembers beside them moves by itself, and nothing is to be doubted for it."""
    nothing, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(torch.zeros(2).double(), torch.ones(2).double(), nothing, one, one, nothing, one)

    class Second(Wrong):
        def forward(self, u, constants):
            return super().forward(u[:, 1:], constants)

    model = Second(["u"], [NU], predicts=Next(), history=2).dressed(scales, DT, (64,)).double()
    state, params = line()
    seen = []

    def check(before, after, params, time, dt):
        seen.append({type(before), type(after)})
        return torch.zeros(len(before.u))

    steps_of(SafeStepper(Surrogate(model, like=Heat()), Heat(), check, 1.0), state, params, 3)
    calibrated(Surrogate(model, like=Heat()), Heat(), check, [(state, params)], steps=3, quantile=0.5)
    assert seen == [{Line}] * 5
