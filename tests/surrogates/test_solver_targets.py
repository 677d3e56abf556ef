"""Targets that ask a solver."""

import copy
import math
from contextlib import nullcontext

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.library import kolmogorov
from scenegrad.surrogates import FNO, RelativeL2
from scenegrad.surrogates.copies import frozen
from scenegrad.surrogates.data.samples import Pull, Window
from scenegrad.surrogates.evaluation.conserved import KineticEnergy, Mean
from scenegrad.surrogates.recipes.physics import solver_step
from scenegrad.surrogates.stepper import Stepper
from scenegrad.surrogates.training.curricula import Growing
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.judge import Judge
from scenegrad.surrogates.training.losses import Conserved, LogSpectrum, MeanSquare, Plus, Sobolev
from scenegrad.surrogates.training.processes import Alone
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.shares import shares_of
from scenegrad.surrogates.training.solver_targets import Corrected, Correcting, MatchAdjoint, SolverInTheLoop
from scenegrad.surrogates.training.targets import Noise, OneStep, Unrolled


def decay(state, params, dt):
    """u' = -nu u, exactly."""
    return {"u": state["u"] * torch.exp(-params["nu"] * dt)[:, None]}


class Line(torch.nn.Module):
    """u -> w u, beside a solver."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float64))
        self.names = FNO((2,), 2, ["u"], ["nu"]).names

    def forward(self, state, params, dt):
        return {"u": self.weight * state["u"]}


def window(batch: int = 3) -> Window:
    u = torch.randn(batch, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    params, dt = {"nu": torch.full((batch,), 0.5, dtype=torch.float64)}, torch.full((batch,), 0.2, dtype=torch.float64)
    return Window({"u": u}, (decay({"u": u}, params, dt),), params, dt)


DECAY = torch.exp(torch.tensor(-0.1, dtype=torch.float64)).item()


def value_and_slope(target, weight):
    model, loss = Line(weight), RelativeL2()
    value = target(model, window(), loss, torch.Generator().manual_seed(1))
    (slope,) = torch.autograd.grad(value, model.weight)
    return float(value.detach()), float(slope)


def test_the_solver_is_asked_from_where_the_network_went():
    """|w - d| / d in every step; without the cut the second step feels the first: it does not, as both scale."""
    for cut in (True, False):
        value, slope = value_and_slope(SolverInTheLoop(decay, steps=2, cut=cut), 1.1)
        assert value == pytest.approx((1.1 - DECAY) / DECAY)
        assert slope == pytest.approx(1.0 / DECAY)


def test_without_the_cut_the_gradient_flows_through_solver_and_network():
    """A loss that is not relative tells the two apart: (w - d)^2 u^2, then (w - d)^2 w^2 u^2."""
    u2 = float(window().inputs["u"].square().mean())
    apart = 1.1 - DECAY
    for cut in (True, False):
        model = Line(1.1)
        target = SolverInTheLoop(decay, steps=2, cut=cut)
        value = target(model, window(), MeanSquare(), torch.Generator())
        (slope,) = torch.autograd.grad(value, model.weight)
        assert float(value.detach()) == pytest.approx(0.5 * apart**2 * (1 + 1.1**2) * u2)
        through = 0.0 if cut else 2 * apart**2 * 1.1
        assert float(slope) == pytest.approx(0.5 * (2 * apart * (1 + 1.1**2) + through) * u2)


def test_a_correction_has_nothing_to_do_beside_an_exact_solver():
    value, slope = value_and_slope(Correcting(decay), 1.0)
    assert value < 1e-12
    model = Line(1.0)
    seen = window()
    after = Corrected(model, decay)(seen.inputs, seen.params, seen.dt)["u"]
    torch.testing.assert_close(after, seen.targets[0]["u"])
    value, slope = value_and_slope(Correcting(decay, then=OneStep()), 1.5)
    assert (value, slope) == pytest.approx((0.5, 1.0))
    assert Correcting(decay, then=Unrolled(3)).horizon == 3


def dressed_line() -> Stepper:
    return FNO((2,), 2, ["u"], ["nu"]).dressed(None, 0.2, (8,)).double()


def test_a_corrected_solver_is_a_model_that_keeps_its_solver_wherever_it_goes():
    """Moved, set to evaluate, copied, or in the solver's place: the network alone is another model."""
    model, seen = dressed_line(), window()
    both = Corrected(model, decay)
    whole = both(seen.inputs, seen.params, seen.dt)["u"]
    torch.testing.assert_close(whole, model(decay(seen.inputs, seen.params, seen.dt), seen.params, seen.dt)["u"])
    for other in (both.eval(), both.to("cpu"), copy.deepcopy(both), frozen(both)):
        assert torch.equal(other(seen.inputs, seen.params, seen.dt)["u"], whole)


def test_a_correction_is_validated_with_the_solver_that_it_corrects():
    """The solver alone is exact here: a network that changes nothing has no error, beside it and not by itself."""
    model, seen = dressed_line(), window()
    torch.nn.init.zeros_(model.operator.project.weight)

    class Unseen:
        def count(self, part: str) -> int:
            return 3

        def window(self, part: str, picks: range) -> Window:
            return seen

    def validation(target) -> float:
        judge = Judge(model, Unseen(), Settings(target=target), Alone("cpu"))
        return judge.validation(model.state_dict())

    assert validation(OneStep()) == pytest.approx(1.0 / DECAY - 1.0)
    for target in (Correcting(decay), Noise(0.1, then=Correcting(decay)), Growing(Correcting(decay, then=Unrolled(2)))):
        assert validation(target) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("part", [0, 1])
def test_all_parts_of_a_batch_are_held_against_the_same_direction(part):
    """Which one is drawn is no property of an example, in parts of a single one either."""
    model, whole = dressed_line(), window(2)
    row = slice(part, part + 1)
    u = {"u": whole.inputs["u"][row]}
    pulls = tuple(Pull(u, {"u": n * u["u"]}) for n in range(1, 50))
    one = Window(u, (u,), {"nu": whole.params["nu"][row]}, whole.dt[row], pulls)
    found = []
    for drawing in (nullcontext(), shares_of(2, 0, 1, 2)[part].drawing()):
        with drawing:
            value = WithGradients()(model, one, RelativeL2(), torch.Generator().manual_seed(3))
            found.append(value.item())
    assert found[0] == found[1]


def test_matching_the_adjoint_measures_the_error_of_the_jacobian():
    """J = w, the solver's d; of nu the network says nothing, and is not asked."""
    value, slope = value_and_slope(MatchAdjoint(decay, weight=1.0), 1.1)
    one_step = (1.1 - DECAY) / DECAY
    # the parameter has a gradient in the solver alone: that part is missing in the network, a relative error of one
    assert value == pytest.approx(one_step + 0.5 * (one_step**2 + 1.0))
    assert slope == pytest.approx(1.0 / DECAY + 0.5 * 2 * one_step / DECAY)


def test_sobolev_weighs_waves_as_it_says():
    x = 2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16
    true = {"u": torch.cos(3 * x)[None].expand(2, -1)}
    wrong = {"u": true["u"] + 0.1 * torch.cos(5 * x)}
    for order in (-1.0, 0.0, 0.5, 1.0):
        expected = 0.1 * ((1 + 25) / (1 + 9)) ** (order / 2)
        torch.testing.assert_close(Sobolev(order, dim=1)(wrong, true), torch.full((2,), expected, dtype=torch.float64))
    plane = {"v": torch.randn(2, 8, 8, 2, dtype=torch.float64)}
    off = {"v": plane["v"] * 1.3}
    torch.testing.assert_close(Sobolev(1.0)(off, plane), torch.full((2,), 0.3, dtype=torch.float64))
    torch.testing.assert_close(Sobolev(0.0)(off, plane), RelativeL2()(off, plane))
    both = Plus(RelativeL2(), Sobolev(1.0), weight=2.0)
    torch.testing.assert_close(both(off, plane), torch.full((2,), 0.9, dtype=torch.float64))
    assert Settings.read(Settings(loss=both).plain()).loss == both


def test_a_spectrum_is_compared_scale_by_scale_and_not_place_by_place():
    random = torch.Generator().manual_seed(0)
    true = {"u": torch.randn(2, 16, 16, dtype=torch.float64, generator=random)}
    moved, doubled = {"u": true["u"].roll((3, 5), dims=(1, 2))}, {"u": 2.0 * true["u"]}
    nothing = torch.zeros(2, dtype=torch.float64)
    torch.testing.assert_close(LogSpectrum()(moved, true), nothing, rtol=0.0, atol=1e-6)
    torch.testing.assert_close(LogSpectrum()(doubled, true), nothing + math.log10(4.0), rtol=1e-6, atol=0.0)
    x = 2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16
    line = {"u": (torch.cos(x) + 1e-3 * torch.cos(7 * x))[None]}
    smooth = {"u": torch.cos(x)[None].requires_grad_()}
    lost = LogSpectrum(dim=1, floor=1e-9)(smooth, line)  # one of eight shells, a millionth of the power, to the floor
    torch.testing.assert_close(lost, torch.full_like(lost, 3.0 / 8), rtol=1e-3, atol=0.0)
    (slope,) = torch.autograd.grad(lost.sum(), smooth["u"])
    assert bool(slope.isfinite().all())
    with pytest.raises(EngineError, match=r"LogSpectrum\(dim=1\)"):
        LogSpectrum(dim=2)(line, line)


def test_what_a_flow_keeps_is_compared_in_units_of_its_size():
    random = torch.Generator().manual_seed(0)
    true = {
        "smoke": torch.rand(2, 8, 8, dtype=torch.float64, generator=random),
        "velocity": torch.randn(2, 8, 8, 2, dtype=torch.float64, generator=random),
    }
    loss = Conserved((Mean("smoke"), KineticEnergy("velocity")))
    shuffled = {name: value.flip(1) for name, value in true.items()}
    torch.testing.assert_close(loss(shuffled, true), torch.zeros(2, dtype=torch.float64))
    faster = {**true, "velocity": 1.1 * true["velocity"]}
    torch.testing.assert_close(loss(faster, true), torch.full((2,), 0.5 * 0.21, dtype=torch.float64))
    both = Plus(second=Conserved((Mean("smoke"),)), weight=0.1)
    assert Settings.read(Settings(loss=both).plain()).loss == both
    with pytest.raises(EngineError, match="made of 'heat', and the network gives smoke, velocity"):
        Conserved((Mean("heat"),))(true, true)


def test_a_scene_s_solver_carries_the_fields_of_a_network_with_gradients():
    scene = kolmogorov(cells=16, viscosity=0.01, end=1.0, every=0.1)
    step = solver_step(scene, dtype="float64")
    u = torch.randn(2, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    u = (u - u.mean((1, 2), keepdim=True)).requires_grad_()
    dt = torch.full((2,), 0.1, dtype=torch.float64)
    after = step({"vorticity": u}, {}, dt)["vorticity"]
    twice = step({"vorticity": after}, {}, dt)["vorticity"]
    straight = solver_step(scene, dtype="float64")({"vorticity": u}, {}, 2 * dt)["vorticity"]
    assert float((twice - straight).norm().detach() / straight.norm().detach()) < 1e-3
    w = torch.randn(2, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (bar,) = torch.autograd.grad((after * w).sum(), u)
    d = torch.randn(2, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    d = d - d.mean((1, 2), keepdim=True)
    with torch.no_grad():
        ends = [step({"vorticity": u + h * d}, {}, dt)["vorticity"] for h in (1e-5, -1e-5)]
    assert float((bar * d).sum()) == pytest.approx(float(((ends[0] - ends[1]) * w).sum() / 2e-5), rel=1e-5)
    with pytest.raises(EngineError, match="None of the fields speed is one of the state, which has vorticity"):
        step({"speed": u}, {}, dt)
    with pytest.raises(EngineError, match=r"2 in one batch, from 0\.1 to 0\.2"):
        step({"vorticity": u}, {}, torch.tensor([0.1, 0.2]))


def test_what_a_target_asks_is_not_part_of_what_it_is():
    assert SolverInTheLoop(decay) == SolverInTheLoop(lambda *_: {})
    plain = Settings(target=SolverInTheLoop(decay, steps=3)).plain()["target"]
    assert plain == {"kind": "solver_in_the_loop", "steps": 3, "cut": True}


def test_a_solver_that_does_not_have_what_the_network_is_told_is_refused():
    step = solver_step(kolmogorov(cells=16))
    with pytest.raises(EngineError, match=r"told fluid\.wetness, which this scene does not have"):
        step({"vorticity": torch.zeros(1, 16, 16)}, {"fluid.wetness": torch.ones(1)}, torch.full((1,), 0.1))
