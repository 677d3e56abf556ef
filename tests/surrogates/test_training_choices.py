"""What may be chosen of a training does what it says, and can be said in a recipe."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import (
    FNO,
    SGD,
    Adam,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    Growing,
    Mastery,
    Noise,
    OneCycle,
    OneStep,
    Patience,
    Pushforward,
    Settings,
    Split,
    Stages,
    Steps,
    TensorBoard,
    Unrolled,
    Windows,
    train,
)
from scenegrad.surrogates.operators.fno import SpectralConv
from scenegrad.surrogates.training.checkpoint import read_checkpoint
from scenegrad.surrogates.training.curricula import curriculum_of
from scenegrad.surrogates.training.gradients import Gradient
from scenegrad.surrogates.training.judge import some_of
from scenegrad.surrogates.training.losses import RelativeL2
from scenegrad.surrogates.training.processes import Alone

QUIET = {"device": "cpu", "progress": False}


def small() -> FNO:
    torch.manual_seed(0)
    return FNO((6,), 8, ["u"], ["fluid.viscosity"], depth=2)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path / "checkpoint.pt")["weights"]


# Schedules


@pytest.mark.parametrize(
    "schedule", [Cosine(), Constant(), Constant(0.2), Steps(), OneCycle(), Exponential()], ids=repr
)
@pytest.mark.parametrize("steps", [1, 3, 100])
def test_the_highest_rate_is_reached_and_none_is_above_it_or_nothing(schedule, steps):
    rates = [schedule(step, steps) for step in range(steps)]
    assert 0.6 < max(rates) <= 1.0 + 1e-12 if steps == 3 else max(rates) == pytest.approx(1.0)
    assert min(rates) > 0.0
    peak = rates.index(max(rates))
    assert rates == sorted(rates[:peak]) + sorted(rates[peak:], reverse=True)


def test_schedules_fall_as_they_say():
    assert [Constant()(step, 7) for step in range(7)] == [1.0] * 7
    assert [Steps(every=0.25, factor=0.1)(step, 8) for step in range(8)] == pytest.approx(
        [1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    )
    falling = [Exponential(warmup=0.0, last=0.01)(step, 100) for step in range(101)]
    ratios = [b / a for a, b in pairwise(falling)]
    assert ratios == pytest.approx([0.01**0.01] * 100)
    assert falling[-1] == pytest.approx(0.01)
    cycle = [OneCycle(rise=0.25, first=0.1, last=0.001)(step, 100) for step in range(100)]
    assert (cycle[0], cycle[24], cycle[99]) == pytest.approx((0.1, 1.0, 0.001))


# Optimisers


@pytest.mark.parametrize("optimiser", [AdamW(), Adam(), SGD(), SGD(momentum=0.0)], ids=repr)
def test_every_optimiser_learns(optimiser, make_burgers, tmp_path):
    rate = 0.05 if isinstance(optimiser, SGD) else 5e-3
    settings = Settings(epochs=4, batch_size=32, learning_rate=rate, optimiser=optimiser)
    fit = train(small(), Windows(make_burgers(20)), out=tmp_path, settings=settings, **QUIET)
    assert fit.history[-1].loss < 0.95 * fit.history[0].loss


def test_a_first_step_goes_where_the_optimiser_says():
    """From weight 2 with gradient 0.1: SGD by rate times gradient, Adam by the rate; decay is coupled or it is not."""

    def moved(optimiser, gradient=0.1):
        weight = torch.nn.Parameter(torch.tensor([2.0]))
        weight.grad = torch.tensor([gradient])
        optimiser.over([weight], 0.01).step()
        return 2.0 - float(weight.detach())

    assert moved(SGD(momentum=0.0)) == pytest.approx(0.001, rel=1e-3)
    assert moved(SGD(momentum=0.9)) == pytest.approx(0.0019, rel=1e-3), "Nesterov looks ahead"
    assert moved(SGD(momentum=0.0, weight_decay=0.5)) == pytest.approx(0.01 * (0.1 + 0.5 * 2.0), rel=1e-3)
    assert moved(Adam()) == pytest.approx(0.01, rel=1e-3)
    assert moved(AdamW(weight_decay=0.0)) == pytest.approx(0.01, rel=1e-3)
    assert moved(AdamW(weight_decay=0.5)) == pytest.approx(0.01 + 0.01 * 0.5 * 2.0, rel=1e-3)


# Batches in parts, low precision, compiled


def test_a_batch_in_parts_is_the_batch_but_for_rounding(make_burgers, tmp_path):
    """With noise, which is drawn for the whole batch; 30 and the 20 of the last batch do not part evenly by 4."""
    data = Windows(make_burgers(12), split=Split(0.1, 0.1))
    settings = Settings(epochs=2, batch_size=30, target=Noise(0.05, then=Unrolled(2)))
    fits = [
        train(small(), data, out=tmp_path / str(parts), settings=replace(settings, accumulate=parts), **QUIET)
        for parts in (1, 4)
    ]
    for one, other in zip(*(fit.history for fit in fits), strict=True):
        assert other.loss == pytest.approx(one.loss, rel=1e-5)
    one, other = (weights(tmp_path / name) for name in ("1", "4"))
    assert any(not torch.equal(one[name], other[name]) for name in one), "the parts were computed one by one"
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=1e-3, atol=1e-4)


def test_fourier_transforms_stay_in_full_precision():
    torch.manual_seed(0)
    convolution, u = SpectralConv(6, (5,)), torch.randn(3, 6, 32).bfloat16()
    exact = convolution(u.float())
    with torch.autocast("cpu", torch.bfloat16):
        found = convolution(u)
    assert found.dtype == torch.float32
    assert torch.equal(found, exact)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_learns_about_as_well(precision, make_burgers, tmp_path, device):
    data, settings = Windows(make_burgers(20)), Settings(epochs=4, batch_size=32, learning_rate=5e-3)
    how = {"settings": settings, "device": device, "progress": False}
    fits = {name: train(small(), data, out=tmp_path / name, precision=name, **how) for name in ("float32", precision)}
    losses = [fit.history[-1].loss for fit in fits.values()]
    assert losses[0] != losses[1], "some products were taken in low precision"
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert all(value.dtype == torch.float32 for value in fits[precision].model.state_dict().values())


class Factor(torch.nn.Module):
    """u -> weight u, as a product of matrices."""

    def __init__(self, start: float):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(self.linear.weight, start)
        self.names = SimpleNamespace(follow=lambda state, outputs: outputs)

    def forward(self, state, params, dt):
        return {"u": self.linear(state["u"][..., None])[..., 0]}


class One:
    """One example, which is 1 and becomes 4 and 8."""

    def window(self, part, picks):
        fields = [{"u": torch.full((1, 4), value)} for value in (1.0, 4.0, 8.0)]
        told = SimpleNamespace(inputs=fields[0], targets=tuple(fields[1:]), params={}, dt=torch.ones(1))
        return SimpleNamespace(to=lambda device: told)


def test_a_pushforward_in_low_precision_has_a_gradient():
    """Its first steps are taken without one: weights cast there must not be used again where it is wanted."""
    model = Factor(2.0)
    Gradient(model, RelativeL2(), "bfloat16", 1, Alone("cpu")).add(One(), [0], Pushforward(2), torch.Generator())
    assert float(model.linear.weight.grad) == pytest.approx(-2.0 / 8.0, rel=0.01)


def test_a_step_whose_gradient_overflows_is_left_out_and_the_loss_is_scaled_less():
    model = Factor(2.0)
    gradient = Gradient(model, RelativeL2(), "float16", 1, Alone("cpu"))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    found = []
    for spoiled in (True, False):
        optimiser.zero_grad()
        gradient.add(One(), [0], OneStep(), torch.Generator())
        if spoiled:
            model.linear.weight.grad.fill_(float("inf"))
        gradient.scaler.unscale_(optimiser)
        gradient.scaler.step(optimiser)
        gradient.scaler.update()
        found.append((model.linear.weight.item(), gradient.scaler.get_scale()))
    assert found[0] == (2.0, 32768.0)
    assert found[1] == (pytest.approx(2.0 + 0.1 / 4.0, rel=1e-3), 32768.0)


@pytest.mark.slow  # half a minute of compilers
def test_a_compiled_network_learns_the_same(make_burgers, tmp_path):
    data, settings = Windows(make_burgers(8)), Settings(epochs=2, batch_size=16)
    for compiled in (False, True):
        train(small(), data, out=tmp_path / str(compiled), settings=replace(settings, compile=compiled), **QUIET)
    plain, compiled = (read_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("False", "True"))
    for one, other in zip(plain["history"], compiled["history"], strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-4)
    assert plain["weights"].keys() == compiled["weights"].keys()


# Curricula


def test_stages_follow_each_other():
    stages = Stages((OneStep(), Unrolled(2), Unrolled(3)))
    places = [stages.onward(0, step / 6) for step in range(6)]
    assert [stages.lesson(place) for place in places] == [OneStep()] * 2 + [Unrolled(2)] * 2 + [Unrolled(3)] * 2
    assert stages.horizon == 3
    assert [Stages((OneStep(), Unrolled(2)), (0.7,)).onward(0, p) for p in (0.0, 0.69, 0.7, 0.99)] == [0, 0, 1, 1]
    with pytest.raises(EngineError, match="one rising part"):
        Stages((OneStep(), Unrolled(2), Unrolled(3)), (0.6, 0.3))


def test_growing_adds_a_step_at_a_time():
    growing = Growing(Noise(0.1, then=Unrolled(4)), until=0.5)
    lessons = [growing.lesson(growing.onward(0, step / 16)) for step in range(16)]
    grown = [lesson.then.steps for lesson in lessons]
    assert grown == [1, 1, 2, 2, 3, 3, 4, 4] + [4] * 8
    assert {lesson.std for lesson in lessons} == {0.1}
    assert Growing(Pushforward(3)).lesson(0) == OneStep()
    assert growing.horizon == 4
    with pytest.raises(EngineError, match="takes no number of steps"):
        Growing(OneStep())


def test_mastery_moves_on_when_the_loss_is_low():
    mastery, places = Mastery((OneStep(), Unrolled(2), Unrolled(3)), below=0.1), [0]
    for loss in (0.3, 0.09, 0.2, 0.05, 0.01):
        places.append(mastery.after_epoch(places[-1], loss))
    assert places == [0, 0, 1, 1, 2, 2]
    assert mastery.onward(1, 0.99) == 1
    assert curriculum_of(OneStep()).lesson(0) == OneStep()


def test_a_training_goes_through_its_lessons(make_burgers, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(OneStep, "__call__", lambda self, *told: taken.append(1) or Unrolled(1)(*told))
    one_to_three = Growing(Unrolled(3), until=1.0)
    fit = train(small(), Windows(make_burgers(8)), out=tmp_path, epochs=3, batch_size=16, target=one_to_three, **QUIET)
    assert read_checkpoint(tmp_path / "checkpoint.pt")["place"] == 2
    assert fit.history[2].loss != fit.history[0].loss
    assert taken == [], "one step is the unrolled target with one step"


# Early stop


def test_patience_counts_epochs_without_a_better_one():
    patience = Patience(2)
    assert [patience.over([3.0, 2.0, 2.5, 2.6][:n]) for n in range(5)] == [False, False, False, False, True]
    assert not patience.over([3.0, 2.0, 2.5, 1.9])
    assert Patience(2, least=0.5).over([3.0, 2.0, 1.6]), "none has halved"
    assert patience.best([3.0, 2.0, 2.5, 2.6]) == 1


def test_a_training_that_learns_no_more_ends_with_its_best_weights(make_burgers, tmp_path):
    """No epoch halves the error: it ends after the first and three more, and the first one's weights are the model."""
    seen = []
    settings = Settings(epochs=20, batch_size=32, stop=Patience(3, least=0.5), average=0.5)
    data = Windows(make_burgers(20))
    train(small(), data, out=tmp_path / "first", settings=settings, watch=lambda e: seen.append(e), **QUIET)
    found = read_checkpoint(tmp_path / "first" / "checkpoint.pt")
    assert len(seen) == len(found["history"]) == 4
    assert any(not torch.equal(value, found["average"][name]) for name, value in found["best"].items())
    again = train(small(), data, out=tmp_path / "first", settings=settings, resume=True, **QUIET)
    assert len(again.history) == 4, "a training that has ended is not gone on with"
    assert all(torch.equal(value, found["best"][name]) for name, value in again.model.state_dict().items())
    window = again.samples.window("validation", some_of(again.samples.count("validation")))
    with torch.no_grad():
        u = again.model(window.inputs, window.params, window.dt)["u"]
    error = ((u - window.targets[0]["u"]).norm(dim=1) / window.targets[0]["u"].norm(dim=1)).mean()
    assert float(error) == pytest.approx(seen[0].validation, rel=1e-5)
    with pytest.raises(EngineError, match=r"validation part is empty. Keep some"):
        train(
            small(), Windows(make_burgers(20), split=Split(0.0, 0.1)), out=tmp_path / "no", settings=settings, **QUIET
        )


@pytest.mark.parametrize("trajectories", [8, 64, 100, 256])
def test_what_validates_is_of_all_starts_lengths_and_trajectories(trajectories):
    """Examples run through the starts of each length, and these through the trajectories, as WindowSamples has them."""
    starts, lengths = 10, 2
    picks = some_of(trajectories * lengths * starts)
    assert picks == some_of(trajectories * lengths * starts)
    assert len(set(picks)) == 64
    seen = [divmod(pick % (starts * lengths), starts) for pick in picks]
    assert {start for _, start in seen} == set(range(starts))
    assert 20 < sum(length for length, _ in seen) < 44
    assert len({pick // (starts * lengths) for pick in picks}) > min(trajectories, 64) // 2
    assert some_of(5) == [0, 1, 2, 3, 4]


def test_the_running_mean_is_of_what_was_learnt_and_not_of_where_it_began(make_burgers, tmp_path):
    """Steps that are few beside 1 / (1 - decay) count alike; the first weights, drawn at random, count nothing."""
    data, one = Windows(make_burgers(20)), Settings(batch_size=10**6, schedule=Constant(), optimiser=SGD())
    visited = []
    for epochs in (1, 2, 3):
        out = tmp_path / str(epochs)
        train(small(), data, out=out, settings=replace(one, epochs=epochs, average=1.0 - 1e-9), **QUIET)
        visited.append(weights(out))
        mean = read_checkpoint(out / "checkpoint.pt")["average"]
        for name, value in mean.items():
            torch.testing.assert_close(value, torch.stack([step[name] for step in visited]).mean(dim=0))


# Recipes and watching


def test_every_choice_can_be_written_in_a_recipe():
    settings = Settings(
        accumulate=2,
        schedule=OneCycle(rise=0.2),
        optimiser=SGD(momentum=0.5),
        precision="bfloat16",
        target=Stages((Noise(0.1), Noise(0.1, then=Unrolled(3))), (0.4,)),
        stop=Patience(7),
    )
    assert Settings.read(settings.plain()) == settings
    assert Settings.read(
        {"schedule": "constant", "target": {"kind": "growing", "target": {"kind": "unrolled", "steps": 5}}}
    ) == Settings(schedule=Constant(), target=Growing(Unrolled(5)))
    with pytest.raises(EngineError, match="schedule got kind 'cosin'; there are: cosine, constant, steps"):
        Settings.read({"schedule": "cosin"})
    with pytest.raises(EngineError, match=r"precision=half \(float32 or bfloat16 or float16\)"):
        Settings(precision="half")


def test_tensorboard_reads_what_a_training_wrote(make_burgers, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    data = Windows(make_burgers(8))
    fit = train(small(), data, out=tmp_path, epochs=3, watch=TensorBoard(tmp_path), **QUIET)
    read = accumulator.EventAccumulator(str(tmp_path))
    read.Reload()
    assert [event.step for event in read.Scalars("loss")] == [1, 2, 3]
    assert np.allclose([event.value for event in read.Scalars("loss")], [epoch.loss for epoch in fit.history])
    assert set(read.Tags()["scalars"]) == {"loss", "validation", "learning_rate", "seconds"}
