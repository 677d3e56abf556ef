"""Steps of several lengths, learnt by one network from all pairs of frames."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Grid, Probe, Program, Step, TorchAdjoint
from scenegrad.engine.state import Params
from scenegrad.surrogates import (
    FNO,
    Change,
    DeepONet,
    DivergenceFree,
    EnergyConsistent,
    Flow,
    FromPresent,
    Heun,
    Independent,
    Next,
    Operator,
    Refiner,
    ScOT,
    Surrogate,
    UNet,
    Windows,
    train,
)
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics, growth
from scenegrad.surrogates.flows.objectives import passage
from scenegrad.surrogates.operators.names import Names

U = Names(("u",), ("u",), (), {})


def test_windows_of_several_leads_hold_every_pair_of_frames_and_its_time_apart(ensemble):
    samples = Windows(ensemble, stride=2, first=1, leads=(1, 3)).bind(U, 1)
    assert samples.dt == pytest.approx(0.2)
    starts = {2: range(1, 9), 6: range(1, 5)}  # of 11 frames
    assert samples.count("train") == sum(map(len, starts.values())) * len(samples.parts["train"])
    seen = set()
    place = samples.parts["train"][0]
    window = samples.window("train", range(12))
    for row, dt in enumerate(window.dt.tolist()):
        frames = round(dt / 0.1)
        (start,) = (i for i, u in enumerate(ensemble.fields["u"][place]) if np.array_equal(u, window.inputs["u"][row]))
        assert np.array_equal(window.targets[0]["u"][row], ensemble.fields["u"][place, start + frames])
        seen.add((frames, start))
    assert seen == {(frames, start) for frames, begun in starts.items() for start in begun}
    assert len(samples.rollout("train", 0).targets) == 4, "whole trajectories go in the shortest step"


def test_earlier_frames_lie_as_far_back_as_the_target_ahead(ensemble):
    names = Names(("u",), ("u",), (), {}, 2)
    samples = Windows(ensemble, leads=(1, 3)).bind(names, 1)
    window = samples.window("train", [samples.count("train") - 1])
    last = ensemble.fields["u"][samples.parts["train"][-1]]
    frames = (window.inputs["u[-1]"], window.inputs["u"], window.targets[0]["u"])
    assert all(np.array_equal(frame[0], last[i]) for frame, i in zip(frames, (4, 7, 10), strict=True))


def test_changes_grow_with_the_step_as_they_do_in_the_data(ensemble):
    found = Windows(ensemble, leads=(1, 2, 4)).bind(U, 1).statistics()
    assert found.step_range.tolist() == [1.0, 4.0]
    assert 0.7 < float(found.output_growth) < 1.0
    exact = {length: torch.tensor([2.0 * length**0.5, 0.1 * length]) for length in (1.0, 2.0, 5.0)}
    torch.testing.assert_close(growth(exact).float(), torch.tensor([0.5, 1.0]))
    alone = Windows(ensemble, leads=(2,)).bind(U, 1)
    assert (alone.dt, alone.statistics().step_range.tolist()) == (pytest.approx(0.2), [1.0, 1.0])


def test_how_leads_were_cut_is_written_down_and_read_again(ensemble):
    how = Windows(ensemble, leads=(1, 2))
    assert Windows.again(ensemble, how.cut()) == how
    assert how.bind(U, 1).hash != Windows(ensemble).bind(U, 1).hash
    for wrong in ((), (0, 1), (2, 1), (1, 1)):
        with pytest.raises(EngineError, match="positive numbers of strides that rise"):
            Windows(ensemble, leads=wrong)
    with pytest.raises(EngineError, match="Windows of 1 strides of 11 frames after frame 0 do not fit"):
        Windows(ensemble, leads=(1, 11)).bind(U, 1)


def heat(make_burgers, members: int):
    """Waves of wavenumbers 1 to 4 that diffuse: u(t + s) is known from u(t), whatever s."""
    data = make_burgers(members, frames=9, every=0.1)
    k = np.arange(33)
    u_hat = np.fft.rfft(data.fields["u"][:, 0])
    decay = np.exp(-0.5 * k**2 * 0.1 * np.arange(9)[:, None])
    data.fields["u"] = np.fft.irfft(u_hat[:, None] * decay).astype(np.float32)
    return data


@pytest.mark.parametrize(
    ("network", "members", "epochs", "bound"),
    [
        (FNO((6,), 16, ["u"], depth=2), 40, 10, 0.05),
        pytest.param(UNet(1, (16, 24), ["u"], blocks=1), 40, 12, 0.2, marks=pytest.mark.slow),
        pytest.param(DeepONet((64,), 64, ["u"], modes=32, depth=2), 400, 15, 0.2, marks=pytest.mark.slow),
        pytest.param(ScOT((64,), (32, 32), ["u"], patch=4, window=16, skips=0), 40, 12, 0.2, marks=pytest.mark.slow),
    ],
    ids=["fno", "unet", "deeponet", "scot"],
)
def test_steps_of_a_learnt_semigroup_add_up(make_burgers, tmp_path, network, members, epochs, bound):
    """G(s + t) = G(s) G(t): one step of 0.4 is two of 0.2 and four of 0.1, and what was left out lies between."""
    torch.manual_seed(0)
    data = Windows(heat(make_burgers, members), leads=(1, 2, 4))
    fit = train(network, data, out=tmp_path, epochs=epochs, learning_rate=5e-3, device="cpu", progress=False)
    window = fit.samples.rollout("test", 0)
    u, truth = window.inputs["u"], [window.inputs["u"], *(t["u"] for t in window.targets)]

    def after(*leads: int) -> torch.Tensor:
        state = {"u": u}
        with torch.no_grad():
            for lead in leads:
                state = fit.model(state, {}, lead * window.dt)
        return state["u"]

    size = (truth[4] - truth[0]).norm()
    for leads in ((4,), (2, 2), (1, 1, 1, 1), (1, 3)):
        assert float((after(*leads) - truth[4]).norm() / size) < bound, leads
    assert float((after(4) - after(2, 2)).norm() / size) < bound
    assert float((after(3) - truth[3]).norm() / size) < bound, "a step that was never seen"
    assert float((after(4) - after(1)).norm() / size) > 0.4, "the step is listened to"


def test_the_unit_of_a_change_is_as_exact_beside_a_network_in_half_precision():
    """2^0.7 has no more than three digits in bfloat16: what is trained so would be other steps than those it is used
    for."""
    nothing, one = torch.zeros(1), torch.ones(1)
    known = Statistics(nothing, one, nothing, one, one, nothing[:0], one[:0], output_growth=torch.tensor([0.7]))
    scales = FNO((6,), 8, ["u"]).dressed(known, 0.1, (64,)).scales
    found = scales.read(torch.ones(1, 1, 64, dtype=torch.bfloat16), {"u": torch.zeros(1, 64)}, torch.tensor([0.2]))
    torch.testing.assert_close(found["u"], torch.full((1, 64), 2.0**0.7), rtol=1e-6, atol=0.0)


def test_no_time_changes_nothing(ensemble, tmp_path):
    samples = Windows(ensemble, leads=(1, 2)).bind(FNO((6,), 8, ["u"]).names, 1)
    model = FNO((6,), 8, ["u"]).dressed(samples.statistics(), samples.dt, samples.grid)
    window = samples.window("train", [0, 5])
    with torch.no_grad():
        still = model(window.inputs, {}, 0.0 * window.dt)["u"]
        near = model(window.inputs, {}, 1e-3 * window.dt)["u"]
    assert torch.equal(still, window.inputs["u"])
    assert (
        0.0 < float((near - still).norm()) < 0.1 * math.sqrt(still.numel()) * float(samples.statistics().output_change)
    )


class Decay(Operator):
    """u' = u exp(-dt), whatever dt is."""

    kind = "decay"

    def forward(self, u, constants):
        return u * torch.exp(-DT * constants[:, -1]).view(-1, 1, 1)


DT = 0.125


def test_a_pace_says_how_long_each_step_is():
    """Of u_t = -u the steps grow as 0.5 / |u|, from twice the shortest that was trained to the longest."""

    @dataclass(frozen=True)
    class Line:
        u: torch.Tensor

    class Exact(TorchAdjoint):
        order = 1
        program = Program(
            4.0, Fixed(0.1), (Probe("u", 1.0, lambda s, p: {"u": s.u}, Grid((8,), (1.0,), (0.0,), (True,))),)
        )

        def max_dt(self, state, params):
            return torch.ones(len(state.u), dtype=torch.float64)

        def step(self, state, params, time, dt):
            return Step(Line(state.u * torch.exp(-dt)[:, None]))

        def observe(self, state, params):
            return {}

    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    told = {"step_range": torch.tensor([1.0, 8.0], dtype=torch.float64)}
    scales = Statistics(zero, one, zero, one, one, zero[:0], one[:0], **told)
    model = Decay(["u"], predicts=Next()).dressed(scales, DT, (8,)).double()
    fast = Surrogate(model, Exact(), pace=lambda fields, params: 0.5 / fields["u"].abs().amax(1))
    start = Line(torch.stack([torch.full((8,), 2.0), torch.full((8,), 0.5)]).double())
    assert fast.max_dt(start, Params({})).tolist() == [0.25, 1.0]
    roll = rollout(fast, start, Params({}))
    torch.testing.assert_close(roll.outputs["u"][:, -1], start.u * math.exp(-4.0))
    assert int(roll.steps[0]) > int(roll.steps[1]) == 4
    plain = Decay(["u"], predicts=Next()).dressed(Statistics(zero, one, zero, one, one, zero[:0], one[:0]), DT, (8,))
    with pytest.raises(EngineError, match="Train it on several"):
        Surrogate(plain, Exact(), pace=lambda fields, params: one)


def test_what_a_flow_has_to_make_is_of_order_one_over_every_step(ensemble):
    """In units of the shortest step alone, four times as long a step of what moves evenly would lie four units away."""
    flow = Flow(FNO((6,), 8, ["u"]))
    samples = Windows(ensemble, leads=(1, 4)).bind(flow.names, 1)
    model = flow.dressed(samples.statistics(), samples.dt, samples.grid)
    window = samples.window("train", range(samples.count("train")))
    at = passage(model, window, Independent(), torch.Generator().manual_seed(0))
    for dt in window.dt.unique():
        assert 0.8 < float(at.x1[window.dt == dt].std()) < 1.25
    back = model.scales.read(at.x1, window.inputs, window.dt)["u"]
    torch.testing.assert_close(back, window.targets[0]["u"])


@pytest.mark.parametrize("predicts", [Change(), Next()], ids=repr)
def test_a_flow_is_free_of_divergence_over_every_step(predicts):
    """Also where one component changes faster with the step than the other."""
    said = {"components": {"velocity": 2}, "constraints": [DivergenceFree()], "predicts": predicts}
    network = FNO((4, 4), 8, ["smoke", "velocity"], depth=2, **said)
    flow = Flow(network, path=EnergyConsistent(), start=FromPresent(0.3), sampler=Heun(2))
    one, nothing, growing = torch.ones(3), torch.zeros(3), torch.tensor([0.5, 1.0, 0.2])
    known = Statistics(nothing, one, nothing, one, growing, nothing[:0], one[:0], output_growth=growing)
    model, random = flow.dressed(known, 0.1, (16, 16)), torch.Generator().manual_seed(0)
    now, then = (
        {
            "smoke": torch.randn(2, 16, 16, generator=random),
            "velocity": DivergenceFree().tangent(torch.randn(2, 16, 16, 2, generator=random)),
        }
        for _ in range(2)
    )
    window = Window(now, (then,), {}, torch.tensor([0.1, 0.4]))
    at = passage(model, window, Independent(), random)
    frame = model.frame(now, at.x, window.dt)
    asked = model.velocity(at.x, at.s, at.inputs, at.constants)
    for raw in (frame.offset + frame.unit * at.x, frame.unit * at.velocity, frame.unit * asked):
        u = raw[:, 1:].movedim(1, -1)
        assert float(((u - DivergenceFree().tangent(u)).norm() / u.norm()).detach()) < 1e-5
    if predicts == Change():
        still = model(now, {}, torch.zeros(2))
        torch.testing.assert_close(still["velocity"], now["velocity"], rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("steps", [1.0, 3.0])
def test_a_refiner_that_knows_the_answer_gives_it_over_every_step(steps):
    refiner = Refiner(FNO((6,), 8, ["u"]), steps=2, level=0.1)
    nothing, one = torch.zeros(1), torch.ones(1)
    known = Statistics(nothing, one, nothing, one, one, nothing[:0], one[:0], output_growth=torch.tensor([0.7]))
    model = refiner.dressed(known, 0.1, (16,))
    u, dt = torch.randn(1, 16), torch.tensor([0.1 * steps])
    wanted = model.scales.write({"u": 2.0 * u}, {"u": u}, dt)
    model.look = lambda estimate, k, inputs, constants: wanted if k == 0 else (estimate - wanted) / refiner.levels[k]
    torch.testing.assert_close(model({"u": u}, {}, dt)["u"], 2.0 * u)
