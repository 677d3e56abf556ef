"""Training learns, is written down, and goes on after any interruption to the same weights, bit for bit."""

import json
import random
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import Diverged, EngineError, FileError, OutputInUse
from scenegrad.surrogates import (
    FNO,
    Noise,
    OneStep,
    Pairs,
    Pushforward,
    RelativeL2,
    Settings,
    Split,
    Stepper,
    Unrolled,
    Windows,
    load_model,
    train,
)
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.training.checkpoint import chance, read_checkpoint, restore_chance
from scenegrad.surrogates.training.sampler import Sampler
from scenegrad.surrogates.training.schedules import Cosine

HERE = Path(__file__).parent
QUIET = {"device": "cpu", "progress": False}


def small(seed: int = 0) -> FNO:
    torch.manual_seed(seed)
    return FNO((8,), 12, ["u"], ["fluid.viscosity"], depth=2)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path / "checkpoint.pt")["weights"]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_burgers_flow_is_learnt(make_burgers, tmp_path):
    """Held-out one-step error of a few percent, far below persistence, and a rollout that stays close."""
    torch.manual_seed(0)
    model = FNO((16,), 24, ["u"], ["fluid.viscosity"], depth=3)
    data = Windows(make_burgers(120), stride=2)
    fit = train(model, data, out=tmp_path, epochs=20, batch_size=32, learning_rate=5e-3, **QUIET)
    report = fit.evaluate(["one_step", "persistence", "correlation_time"])
    assert report["one_step"] < 0.03, report
    assert report["one_step"] < 0.15 * report["persistence"]
    assert report["correlation_steps"] == 5
    assert fit.history[-1].loss < 0.2 * fit.history[0].loss


def test_a_network_told_of_the_viscosity_knows_more(make_burgers, tmp_path):
    """Where diffusion is all that happens, u(t) alone does not say how fast: the parameter must be used."""
    k, x = np.arange(1, 4), 2 * np.pi * np.arange(32) / 32
    random = np.random.default_rng(0)
    nu = random.uniform(0.0, 1.0, 120)
    waves = random.normal(size=(120, 3, 1)) * np.cos(k[:, None] * x + random.uniform(0, 6, (120, 3, 1)))
    start, end = waves.sum(1), (np.exp(-nu[:, None, None] * 0.3 * k[:, None] ** 2) * waves).sum(1)
    errors = []
    for told in (["nu"], []):
        torch.manual_seed(0)
        model = FNO((5,), 16, ["u"], told, depth=2)
        data = Pairs.from_arrays({"u": start}, {"u": end}, {"nu": nu}, split=Split(0.1, 0.2))
        fit = train(model, data, out=tmp_path / str(len(told)), epochs=60, learning_rate=5e-3, **QUIET)
        errors.append(fit.evaluate(["one_step"])["one_step"])
    assert errors[0] < 0.5 * errors[1], errors


def test_interrupted_training_ends_with_the_same_weights(ensemble, tmp_path):
    """Six epochs at once, against a stop in the middle of the fourth and a new beginning with other generators."""
    data = Windows(ensemble, stride=2)
    settings = Settings(epochs=6, batch_size=64, target=Noise(0.01, then=Unrolled(2)), average=0.9)
    straight = train(small(), data, out=tmp_path / "straight", settings=settings, **QUIET)

    class Stop(Exception):
        pass

    def stop(epoch):
        if epoch.epoch == 4:
            raise Stop

    with pytest.raises(Stop):  # before the checkpoint of epoch 4: that epoch is lost up to its last step checkpoint
        train(small(), data, out=tmp_path / "broken", settings=settings, save_every=0.0, watch=stop, **QUIET)
    reached = read_checkpoint(tmp_path / "broken" / "checkpoint.pt")["step"]
    assert reached == 4 * -(-straight.samples.count("train") // 64) - 1
    torch.manual_seed(99)
    random.seed(99)
    resumed = train(small(5), data, out=tmp_path / "broken", settings=settings, resume=True, **QUIET)
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "broken"))
    assert same(straight.model.state_dict(), resumed.model.state_dict())
    for a, b in zip(straight.history, resumed.history, strict=True):
        assert (a.epoch, a.loss, a.validation, a.learning_rate) == (b.epoch, b.loss, b.validation, b.learning_rate)


# Ends without a word, as if it were killed, in one of the two steps after the one named: by a clock of its own
# processor time, which stands still where the machine does.
KILLED = """
import signal, sys, time
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from conftest import burgers
from scenegrad.surrogates import FNO, Noise, Settings, Windows, train
from scenegrad.surrogates.training.sampler import Sampler
spent, draw = [], Sampler.draw

def draw_and_die_soon(self):
    spent.append(time.process_time())
    if len(spent) == {step}:
        signal.setitimer(signal.ITIMER_PROF, {part} * (spent[-1] - spent[-2]))
    return draw(self)

Sampler.draw = draw_and_die_soon
torch.manual_seed(0)
model = FNO((8,), 12, ["u"], ["fluid.viscosity"], depth=2)
settings = Settings(epochs=8, batch_size=32, target=Noise(0.01), average=0.9)
train(model, Windows(burgers(), stride=2), out={out!r}, settings=settings, device="cpu", progress=False, resume=True,
      save_every=0.0)
"""


@pytest.mark.parametrize("step", [3, 40])
def test_training_survives_a_kill(ensemble, tmp_path, step):
    """Another process ends without warning some time after its first checkpoint; the weights come out the same."""
    settings = Settings(epochs=8, batch_size=32, target=Noise(0.01), average=0.9)
    straight = train(small(), Windows(ensemble, stride=2), out=tmp_path / "straight", settings=settings, **QUIET)
    out = tmp_path / "killed"
    code = KILLED.format(here=str(HERE), out=str(out), step=step, part=random.Random(step).uniform(0.01, 2.0))
    child = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGPROF, child.stderr
    reached = read_checkpoint(out / "checkpoint.pt")["step"]
    assert step - 1 <= reached < 8 * 9
    resumed = train(small(), Windows(ensemble, stride=2), out=out, settings=settings, resume=True, **QUIET)
    assert same(weights(tmp_path / "straight"), weights(out))
    assert same(straight.model.state_dict(), resumed.model.state_dict())
    assert not list(out.glob("*.part*")), "what the killed process left half-written is cleared away"


@pytest.mark.parametrize("save_every", [0.0, 60.0])
def test_a_training_that_diverges_leaves_no_checkpoint_that_is_not_finite(ensemble, tmp_path, save_every):
    with pytest.raises(Diverged, match="smaller learning_rate than 1e\\+30"):
        train(small(), Windows(ensemble), out=tmp_path, learning_rate=1e30, save_every=save_every, **QUIET)
    assert (tmp_path / "checkpoint.pt").exists() == (save_every == 0.0)
    if save_every == 0.0:
        assert all(bool(value.isfinite().all()) for value in weights(tmp_path).values())
        assert np.isfinite(float(read_checkpoint(tmp_path / "checkpoint.pt")["losses"]))


def test_a_finished_training_is_not_trained_further(ensemble, tmp_path):
    data = Windows(ensemble)
    first = train(small(), data, out=tmp_path, epochs=1, batch_size=64, **QUIET)
    again = train(small(1), data, out=tmp_path, epochs=1, batch_size=64, resume=True, **QUIET)
    assert same(first.model.state_dict(), again.model.state_dict())
    with pytest.raises(OutputInUse, match="resume=True"):
        train(small(), data, out=tmp_path, epochs=1, **QUIET)


def test_a_checkpoint_of_another_training_is_refused(ensemble, tmp_path):
    data = Windows(ensemble)
    train(small(), data, out=tmp_path, epochs=1, batch_size=64, **QUIET)
    with pytest.raises(EngineError, match=r"settings\.epochs: 1 before, 2 now"):
        train(small(), data, out=tmp_path, epochs=2, batch_size=64, resume=True, **QUIET)
    fewer = Windows(ensemble.taken(list(range(30))))
    with pytest.raises(EngineError, match=r"another training.*data"):
        train(small(), fewer, out=tmp_path, epochs=1, batch_size=64, resume=True, **QUIET)
    with pytest.raises(EngineError, match=r"model\.network"):
        train(FNO((8,), 8, ["u"]), data, out=tmp_path, epochs=1, batch_size=64, resume=True, **QUIET)


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "foreign"])
def test_an_unreadable_checkpoint_is_an_error_that_says_so(ensemble, tmp_path, damage):
    train(small(), Windows(ensemble), out=tmp_path, epochs=1, batch_size=64, **QUIET)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        torch.save({"weights": torch.zeros(3)}, path)
    for read in (
        lambda: load_model(tmp_path),
        lambda: train(small(), Windows(ensemble), out=tmp_path, epochs=1, batch_size=64, resume=True, **QUIET),
    ):
        with pytest.raises(FileError, match=r"checkpoint\.pt"):
            read()
    with pytest.raises(FileError, match="no checkpoint at"):
        load_model(tmp_path / "nowhere")


def test_the_scales_travel_with_the_weights(ensemble, tmp_path):
    fit = train(small(), Windows(ensemble, stride=2), out=tmp_path, epochs=1, batch_size=64, **QUIET)
    loaded = load_model(tmp_path)
    found = fit.samples.statistics()
    assert loaded.dt == pytest.approx(0.2)
    assert loaded.grid == (64,)
    assert float(loaded.scales.input_std) == pytest.approx(float(found.input_std))
    assert float(loaded.scales.input_std) != 1.0
    window = fit.samples.window("test", [0, 1])
    with torch.no_grad():
        a, b = (model(window.inputs, window.params, window.dt)["u"] for model in (fit.model, loaded))
    assert torch.equal(a, b)


def test_the_network_sees_and_gives_numbers_of_order_one(ensemble):
    """It reads (u - mean) / std, (nu - mean) / std and dt / trained dt; what it gives is the change in units of its
    spread."""
    samples = Windows(ensemble, stride=2).bind(small().names, 1)
    found, seen = samples.statistics(), []

    class Network(FNO):
        def forward(self, u, constants):
            seen.extend([u, constants])
            return torch.ones_like(u)

    stepper = Stepper(Network((4,), 4, ["u"], ["fluid.viscosity"]), found, samples.dt, samples.grid)
    window = samples.window("train", range(samples.count("train")))
    after = stepper(window.inputs, window.params, window.dt)["u"]
    torch.testing.assert_close(after - window.inputs["u"], torch.full_like(after, float(found.output_change)))
    mean, std = float(found.input_mean), float(found.input_std)
    torch.testing.assert_close(seen[0], ((window.inputs["u"] - mean) / std)[:, None])
    assert abs(float(seen[1][:, 0].mean())) < 1e-5
    assert float(seen[1][:, 0].std()) == pytest.approx(1.0, abs=0.01)
    assert torch.equal(seen[1][:, 1], torch.ones(len(after)))


def test_the_log_has_a_line_for_each_epoch(ensemble, tmp_path):
    fit = train(small(), Windows(ensemble), out=tmp_path, epochs=3, batch_size=64, **QUIET)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert [line["loss"] for line in lines] == [epoch.loss for epoch in fit.history]
    assert set(lines[0]) == {"epoch", "loss", "validation", "learning_rate", "seconds"}


def test_learning_rate_rises_then_falls_to_nothing():
    schedule = Cosine(warmup=0.1)
    rates = [schedule(step, 100) for step in range(100)]
    assert max(rates) == rates[9] == 1.0
    assert rates[0] == pytest.approx(0.1)
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-3


def test_every_example_is_seen_once_in_an_epoch():
    sampler = Sampler.fresh(10, 4, seed=0)
    first = [sampler.draw() for _ in range(sampler.batches)]
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted(chain(*first)) == list(range(10))
    assert sampler.exhausted
    sampler.shuffle()
    assert sorted(chain(*(sampler.draw() for _ in range(3)))) == list(range(10))


def test_every_generator_comes_back():
    kept = chance()
    drawn = [torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()]  # noqa: NPY002
    restore_chance(kept)
    assert drawn == [torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()]  # noqa: NPY002


class Doubling(torch.nn.Module):
    """Stands for a network: u -> weight * u."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))
        self.names = small().names
        self.scales = SimpleNamespace(input_std=torch.tensor([3.0]))

    def forward(self, state, params, dt):
        return {"u": self.weight * state["u"]}


def window(*values: float) -> Window:
    fields = [{"u": torch.full((4, 500), value)} for value in values]
    return Window(fields[0], tuple(fields[1:]), {"fluid.viscosity": torch.zeros(4)}, torch.ones(4))


def test_targets_compare_what_they_say():
    """u = 1 becomes w and w^2, w = 2, and the truth is 4 and 8: errors 1 - w/4 and 1 - w^2/8."""
    model, random_source, loss = Doubling(), torch.Generator().manual_seed(0), RelativeL2()
    truth = window(1.0, 4.0, 8.0)

    def value_and_slope(target, truth=truth):
        value = target(model, truth, loss, random_source)
        (slope,) = torch.autograd.grad(value, model.weight)
        return float(value.detach()), float(slope)

    assert value_and_slope(OneStep()) == pytest.approx((0.5, -0.25))
    assert value_and_slope(Unrolled(2)) == pytest.approx((0.5, 0.5 * (-0.25 - 2 * 2.0 / 8)))
    assert value_and_slope(Unrolled(2, cut=1)) == pytest.approx((0.5, 0.5 * (-0.25 - 2.0 / 8))), "nothing flows back"
    assert value_and_slope(Unrolled(2, cut=2)) == value_and_slope(Unrolled(2))
    assert value_and_slope(Pushforward(2)) == pytest.approx((0.5, -2.0 / 8)), "the first step has no gradient"
    assert [t.horizon for t in (OneStep(), Unrolled(3), Pushforward(2), Noise(0.1, then=Unrolled(4)))] == [1, 3, 2, 4]


def test_noise_has_the_size_asked_for_and_leaves_the_truth():
    model, exact = Doubling(), window(1.0, 2.0)
    kept = exact.inputs["u"].clone()
    value = Noise(0.1)(model, exact, RelativeL2(), torch.Generator().manual_seed(0))
    assert value.item() == pytest.approx(0.1 * 3.0, rel=0.05)  # |2 * 0.1 * 3 * noise| / |2|
    assert Noise(0.0)(model, exact, RelativeL2(), torch.Generator()).item() == 0.0
    assert torch.equal(exact.inputs["u"], kept)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(EngineError, match=r"epochs=0 \(a positive number\), average=1.5"):
        Settings(epochs=0, average=1.5)
    with pytest.raises(EngineError, match=r"Cosine got warmup=1.5 \(a fraction"):
        Cosine(warmup=1.5)
    settings = Settings(target=Noise(0.01, then=Unrolled(3, cut=2)))
    assert Settings.read(settings.plain()) == settings
    with pytest.raises(EngineError, match=r"kind 'nois'; there are: one_step, noise"):
        Settings.read({"target": {"kind": "nois"}})
    with pytest.raises(EngineError, match=r"loss got kind 'mass'; there are: .*conserved, plus\."):
        Settings.read({"loss": "mass"})  # of which a loss can be made, and which is none
    with pytest.raises(EngineError, match=r"got stdev; it takes std, then"):
        Settings.read({"target": {"kind": "noise", "stdev": 1.0}})
    with pytest.raises(EngineError, match="it takes epochs"):
        Settings.read({"epoch": 3})


def test_pairs_have_one_step(tmp_path):
    arrays = {"u": np.random.default_rng(0).normal(size=(20, 16))}
    with pytest.raises(EngineError, match="Pairs hold one step"):
        train(FNO((4,), 8, ["u"]), Pairs.from_arrays(arrays, arrays), out=tmp_path, target=Unrolled(2), **QUIET)


def test_same_seed_same_weights(ensemble, tmp_path):
    settings = Settings(epochs=1, batch_size=64, target=Noise(0.05))
    for name, chosen in (("a", settings), ("b", settings), ("c", replace(settings, seed=1))):
        train(small(), Windows(ensemble), out=tmp_path / name, settings=chosen, **QUIET)
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))
