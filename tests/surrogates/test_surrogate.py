"""A surrogate owes the engine what every solver owes it."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass

import pytest
import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.optimise import optimise
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Probe, Program, Solver, Step, TorchAdjoint
from scenegrad.engine.state import Params, member
from scenegrad.surrogates import FNO, Flow, Heun, Next, Operator, Stepper, Surrogate, Windows, train
from scenegrad.surrogates.data.statistics import Statistics

DT = 0.2
NU = "fluid.viscosity"


@dataclass(frozen=True)
class Line:
    u: Tensor  # [batch, points]


class Heat(TorchAdjoint):
    """u_t = nu u_xx, exactly: what the surrogate stands in for."""

    order = 1

    def __init__(self, points: int = 64):
        layout = Grid((points,), (2 * torch.pi / points,), (0.0,), (True,))
        fields = Probe("fields", 0.1, lambda state, params: {"u": state.u}, layout, {"u": "1"})
        late = Probe("late", 0.5, lambda state, params: {"u": state.u.square().mean(1)}, layout, {"u": "1"}, start=0.3)
        self.program = Program(1.1, Fixed(0.05), (fields, late))

    def max_dt(self, state: Line, params: Params) -> Tensor:
        return torch.ones(state.u.shape[0], dtype=torch.float64)

    def step(self, state: Line, params: Params, time: Tensor, dt: Tensor) -> Step[Line]:
        k = torch.arange(state.u.shape[1] // 2 + 1).to(state.u)
        decay = torch.exp(-(params[NU] * dt.to(state.u))[:, None] * k**2)
        return Step(Line(torch.fft.irfft(torch.fft.rfft(state.u) * decay, n=state.u.shape[1])))

    def observe(self, state: Line, params: Params) -> Mapping[str, Tensor]:
        return {"energy": state.u.square().mean(1)}


def stepper(fields: tuple[str, ...] = ("u",), points: int = 64) -> Stepper:
    torch.manual_seed(0)
    owed = [item.name for item in Statistics.__dataclass_fields__.values() if item.default is MISSING]
    ones = {name: torch.rand(1, dtype=torch.float64) + 0.5 for name in owed}
    return Stepper(FNO((6,), 8, fields, [NU], depth=2), Statistics(**ones), DT, (points,))


def line(batch: int = 2, points: int = 64, dtype: torch.dtype = torch.float64) -> tuple[Line, Params]:
    x = 2 * torch.pi * torch.arange(points, dtype=dtype) / points
    u = torch.stack([torch.sin((b + 1) * x) + 0.3 * torch.cos(2 * x + b) for b in range(batch)])
    nu = torch.linspace(0.5, 0.7, batch, dtype=dtype).requires_grad_()
    return Line(u), Params({NU: nu, "fluid.density": torch.ones(batch, dtype=dtype).requires_grad_()})


TIME, STEP = torch.zeros(2, dtype=torch.float64), torch.full((2,), DT, dtype=torch.float64)


def test_a_surrogate_is_a_solver_with_the_states_and_outputs_of_another():
    surrogate = Surrogate(stepper(), like=Heat())
    assert isinstance(surrogate, Solver)
    state, params = line()
    roll = rollout(surrogate, state, params)
    assert isinstance(roll.state, Line)
    assert roll.steps.tolist() == [5, 5]
    assert roll.outputs["fields"].shape == (2, 6, 64)
    torch.testing.assert_close(roll.times["fields"], DT * torch.arange(6, dtype=torch.float64))
    torch.testing.assert_close(roll.times["late"], torch.tensor([0.4, 1.0], dtype=torch.float64))
    assert torch.equal(surrogate.observe(state, params)["energy"], Heat().observe(state, params)["energy"])
    assert surrogate.max_dt(state, params).tolist() == [DT, DT]


def test_a_rollout_repeats_the_network():
    surrogate, network = Surrogate(stepper(), like=Heat()), stepper().double()
    state, params = line()
    u = state.u
    with torch.no_grad():
        for _ in range(5):
            u = network({"u": u}, params, STEP)["u"]
        found = rollout(surrogate, state, params).state.u
    torch.testing.assert_close(found, u, rtol=1e-13, atol=1e-13)
    assert not torch.equal(found, state.u)


def test_batched_equals_single():
    surrogate = Surrogate(stepper(), like=Heat())
    state, params = line(3)
    params = params.detach()
    together = rollout(surrogate, state, params).state
    for b in range(3):
        alone = rollout(surrogate, member(state, b), Params({a: v[b : b + 1] for a, v in params.items()})).state
        torch.testing.assert_close(alone.u[0], together.u[b], rtol=1e-12, atol=1e-12)


def test_single_precision_follows_double_precision():
    surrogate = Surrogate(stepper(), like=Heat())
    state, params = line()
    rough, rough_params = line(dtype=torch.float32)
    found = surrogate.step(rough, rough_params.detach(), TIME, STEP).state.u
    assert found.dtype == torch.float32
    exact = surrogate.step(state, params.detach(), TIME, STEP).state.u
    torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-5)


def test_gradients_of_a_rollout_equal_central_differences():
    surrogate = Surrogate(stepper(), like=Heat())
    state, params = line()
    start = Line(state.u.clone().requires_grad_())
    weights = torch.randn(2, 6, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def value(u, nu):
        return (rollout(surrogate, Line(u), params.replace({NU: nu})).outputs["fields"] * weights).sum()

    by_u, by_nu = torch.autograd.grad(value(start.u, params[NU]), [start.u, params[NU]])
    along_u, along_nu = torch.cos(state.u), torch.tensor([1.0, -0.5], dtype=torch.float64)
    with torch.no_grad():
        h = 1e-5
        for predicted, ends in (
            ((by_u * along_u).sum(), [value(state.u + s * h * along_u, params[NU]) for s in (1, -1)]),
            ((by_nu * along_nu).sum(), [value(state.u, params[NU] + s * h * along_nu) for s in (1, -1)]),
        ):
            difference = float(ends[0] - ends[1]) / (2 * h)
            assert abs(difference) > 1e-3
            assert predicted.item() == pytest.approx(difference, rel=1e-7)


def test_steps_of_another_length_are_refused():
    surrogate = Surrogate(stepper(), like=Heat())
    state, params = line()
    with pytest.raises(StabilityError, match=r"steps by dt = 0.2, was trained on steps of 0.2, and was asked for 0.1"):
        surrogate.step(state, params, TIME, STEP / 2)
    with pytest.raises(StabilityError, match=r"steps by dt = 0.2"):
        rollout(surrogate, state, params, until=0.5)


def test_a_network_of_several_steps_takes_each_and_all_between():
    several = stepper()
    several.scales.step_range[1] = 4.0
    surrogate = Surrogate(several, like=Heat(), dt=2 * DT)
    state, params = line()
    assert (surrogate.program.end, surrogate.max_dt(state, params).tolist()) == (2 * 2 * DT, [4 * DT, 4 * DT])
    with torch.no_grad():
        network = several.double()
        for lead in (1.0, 1.7, 4.0):
            found = rollout(surrogate, state, params, until=lead * DT, controller=Fixed(lead * DT), probes=())
            assert found.steps.tolist() == [1, 1]
            told = network({"u": state.u}, params, lead * STEP)["u"]
            torch.testing.assert_close(found.state.u, told, rtol=1e-12, atol=1e-12)
    with pytest.raises(StabilityError, match=r"trained on steps from 0.2 to 0.8, and was asked for 0.9"):
        surrogate.step(state, params, TIME, 4.5 * STEP)
    with pytest.raises(EngineError, match=r"trained on steps from 0.2 to 0.8, and was asked for dt=1"):
        Surrogate(several, like=Heat(), dt=1.0)


class Diffusing(Operator):
    """Heat by a step of any length, exactly."""

    kind = "diffusing"

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        k = torch.arange(u.shape[-1] // 2 + 1).to(u)
        decay = torch.exp(-constants[:, :1, None] * constants[:, 1:, None] * 0.05 * k**2)
        return torch.fft.irfft(torch.fft.rfft(u) * decay, n=u.shape[-1])


def test_each_member_steps_at_its_own_pace_within_what_was_trained():
    """Of 0.05 to 0.4, and from 0.1 on, so that what is left before an output is no step that was never seen."""
    nothing, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(nothing, one, nothing, one, one, nothing, one, step_range=torch.tensor([1.0, 8.0]))
    model = Diffusing(["u"], [NU], predicts=Next()).dressed(scales, 0.05, (64,)).double()
    state, params = line(4)

    def pace(fields: Mapping[str, Tensor], params: Params) -> Tensor:
        return torch.where(params[NU] < 0.55, 1e-3, torch.where(params[NU] < 0.65, 0.3, 9.0))

    fast = Surrogate(model, like=Heat(), pace=pace)
    found = rollout(fast, state, params.detach(), probes=())
    assert found.steps.tolist() == [11, 4, 4, 3]
    torch.testing.assert_close(found.state.u, rollout(Heat(), state, params.detach(), probes=()).state.u)
    assert rollout(fast, state, params.detach()).steps.tolist() == [11] * 4, "an output is due every 0.1"
    with pytest.raises(EngineError, match="A pace chooses between steps"):
        Surrogate(stepper(), like=Heat(), pace=pace)


def test_states_that_the_network_does_not_know_are_refused():
    with pytest.raises(EngineError, match=r"trained on \(64,\) points, the solver runs on \(32,\)"):
        Surrogate(stepper(), like=Heat(32))
    surrogate = Surrogate(stepper(), like=Heat())
    state, params = line(points=32)
    with pytest.raises(EngineError, match=r"u has \(32,\) points and this surrogate runs on \(64,\)"):
        surrogate.step(state, params, TIME, STEP)
    state, params = line()
    with pytest.raises(EngineError, match="carries w; the state holds u"):
        Surrogate(stepper(("w",)), like=Heat()).step(state, params, TIME, STEP)
    with pytest.raises(EngineError, match=r"trained with fluid\.viscosity, which it is not told"):
        Surrogate(stepper(), like=Heat()).step(state, Params({}), TIME, STEP)
    one_way = Stepper(FNO((4,), 4, ["a"], outputs=["u"]), None, DT, (64,))
    with pytest.raises(EngineError, match="gives u from a"):
        Surrogate(one_way, like=Heat())


def test_another_grid_may_be_asked_for():
    fine = Surrogate(stepper(), like=Heat(128), cells=(128,))
    state, params = line(points=128)
    found = fine.step(state, params.detach(), TIME, STEP).state.u
    coarse, _ = line()
    trained = Surrogate(stepper(), like=Heat()).step(coarse, params.detach(), TIME, STEP).state.u
    torch.testing.assert_close(found[:, ::2], trained, rtol=0, atol=1e-3)


def test_a_trained_surrogate_finds_a_viscosity_and_the_solver_confirms_it(make_burgers, tmp_path):
    """Solver and surrogate change places by one argument, in an optimisation too. Data: heat flow, solved exactly."""
    data = make_burgers(60, frames=6, every=0.2)
    nu = torch.linspace(0.2, 1.0, 60, dtype=torch.float64)
    heat, params = Heat(), Params({NU: nu})
    roll = rollout(heat, Line(torch.from_numpy(data.fields["u"][:, 0]).double()), params, until=1.0)
    data.fields["u"] = roll.outputs["fields"][:, ::2].numpy().astype("float32")
    data.parameters[NU] = nu.numpy()
    torch.manual_seed(0)
    model = FNO((8,), 16, ["u"], [NU], depth=2)
    fit = train(model, Windows(data), out=tmp_path, epochs=40, learning_rate=5e-3, device="cpu", progress=False)
    surrogate = Surrogate(tmp_path, like=heat)
    assert fit.evaluate(["one_step"])["one_step"] < 0.05
    place = fit.samples.parts["test"][0]
    start = Line(torch.from_numpy(data.fields["u"][place, :1]).double())
    truth = float(nu[place])
    seen = rollout(heat, start, Params({NU: nu[place : place + 1]}), until=0.4).outputs["fields"][:, 4]

    @dataclass(frozen=True)
    class Known:
        bounds: tuple[float, float] | None = (0.2, 1.0)
        transform: str = "log"

    def misfit(roll):
        return (roll.outputs["fields"][:, -1] - seen).square().mean()

    guess = Params({NU: torch.tensor([0.45], dtype=torch.float64, requires_grad=True)})
    best = optimise(surrogate, start, guess, misfit, parameters={NU: Known()}, until=0.4, verify=heat)
    assert best.params[NU].item() == pytest.approx(truth, rel=1e-3)
    assert len(best.history) < len(best.surrogate)


class Recalling(Operator):
    """u_t+1 = 2 cosh-like recursion: for a single wave k, u(t + dt) = (d + 1 / d) u(t) - u(t - dt), d its decay."""

    kind = "recalling"

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        before, now = u[:, :1], u[:, 1:]
        decay = torch.exp(-constants[:, :1, None] * DT)
        return (decay + 1 / decay) * now - before


def recalling() -> Stepper:
    """Of waves of wavenumber 1, in physical units."""
    nothing, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(torch.zeros(2).double(), torch.ones(2).double(), nothing, one, one, nothing, one)
    model = Recalling(["u"], [NU], predicts=Next(), history=2).dressed(scales, DT, (64,))
    return model.double()


def wave(batch: int = 2) -> tuple[Line, Params]:
    x = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64
    u = torch.stack([torch.sin(x + b) for b in range(batch)])
    return Line(u), Params({NU: torch.linspace(0.5, 0.7, batch, dtype=torch.float64).requires_grad_()})


def test_a_network_that_looks_back_lets_the_solver_begin_and_goes_on_from_what_it_remembers():
    """Two frames of one wave say how fast it decays: the network is exact once it knows both."""
    surrogate, (state, params) = Surrogate(recalling(), like=Heat()), wave()
    exact = rollout(Heat(), state, params.detach(), until=1.0).outputs["fields"][:, ::2]
    found = rollout(surrogate, state, params.detach())
    torch.testing.assert_close(found.outputs["fields"], exact, rtol=1e-12, atol=1e-12)
    assert found.state.known_frames.tolist() == [2, 2]
    on = rollout(surrogate, found.state, params.detach(), until=1.4, start=1.0, probes=()).state
    first = rollout(surrogate, state, params.detach(), until=1.4, probes=()).state
    assert torch.equal(on.u, first.u), "what goes on where another stopped remembers"


def test_the_gradient_flows_through_what_is_remembered():
    surrogate, (state, params) = Surrogate(recalling(), like=Heat()), wave()

    def value(nu: Tensor) -> Tensor:
        return rollout(surrogate, state, Params({NU: nu}), until=1.0, probes=()).state.u.square().sum()

    (slope,) = torch.autograd.grad(value(params[NU]), params[NU])
    for b in range(2):
        h = torch.zeros(2, dtype=torch.float64)
        h[b] = 1e-6
        with torch.no_grad():
            difference = (value(params[NU] + h) - value(params[NU] - h)) / 2e-6
        assert float(slope[b]) == pytest.approx(float(difference), rel=1e-7)


class Forced(Operator):
    """u + dt f, with a field f that stands still."""

    kind = "forced"

    def forward(self, u: Tensor, constants: Tensor) -> Tensor:
        return u[:, :1] + DT * u[:, 1:]


def test_fields_that_stand_still_are_given_for_all_members_or_each():
    nothing, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(torch.zeros(2).double(), torch.ones(2).double(), nothing, one, one, nothing, one)
    forced = Forced(["u", "force"], [NU], outputs=["u"], predicts=Next()).dressed(scales, DT, (64,)).double()
    state, params = wave()
    force = torch.rand(64, dtype=torch.float64)
    for given in (force, torch.stack([force, force])):
        end = rollout(Surrogate(forced, like=Heat(), given={"force": given}), state, params.detach(), probes=()).state
        torch.testing.assert_close(end.u, state.u + 1.0 * force)
    with pytest.raises(EngineError, match="carries u, force; the state holds u"):
        Surrogate(forced, like=Heat()).step(state, params, TIME, STEP)


def test_what_a_flow_draws_is_drawn_again_on_the_way_back():
    """A gradient through chance is that of the same draws; another seed draws others, and nobody else feels it."""
    torch.manual_seed(0)
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    scales = Statistics(zero, one, zero, one, 0.1 * one, zero, one)
    flow = Flow(FNO((4,), 6, ["u"], [NU], depth=2), sampler=Heun(2)).dressed(scales, DT, (64,)).double()
    state, params = line()

    def value(nu, seed=0):
        fast = Surrogate(flow, like=Heat(), seed=seed)
        return rollout(fast, state, Params({NU: nu}), until=1.0, probes=()).state.u.square().sum()

    nu = params[NU].detach()
    before = torch.random.get_rng_state()
    first = value(nu)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert float(value(nu)) == float(first) != float(value(nu, seed=1))
    (slope,) = torch.autograd.grad(value(params[NU]), params[NU])
    for b in range(2):
        h = torch.zeros(2, dtype=torch.float64)
        h[b] = 1e-5
        difference = float(value(nu + h) - value(nu - h)) / 2e-5
        assert float(slope[b]) == pytest.approx(difference, rel=1e-6)
