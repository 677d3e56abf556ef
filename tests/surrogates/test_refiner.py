"""A step and its refinements."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import FNO, Next, Windows, load_model, train
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.refiner import Refiner, Refining
from scenegrad.surrogates.known import build_model
from scenegrad.surrogates.training.losses import RelativeL2

QUIET = {"device": "cpu", "progress": False}


def dressed(steps: int = 3, level: float = 1e-2):
    torch.manual_seed(0)
    refiner = Refiner(FNO((6,), 8, ["u"], depth=2, predicts=Next()), steps=steps, level=level)
    zero, one = torch.zeros(1), torch.ones(1)
    return refiner.dressed(Statistics(zero, one, zero, one, one, torch.zeros(0), torch.ones(0)), 0.1, (16,))


def test_the_noise_decides_and_companions_do_not():
    model, random = dressed(), torch.Generator().manual_seed(0)
    u, dt = torch.randn(4, 16, generator=random), torch.full((4,), 0.1)
    noise = torch.randn(4, 3, 1, 16, generator=random)
    first = model({"u": u}, {}, dt, noise=noise)["u"]
    torch.testing.assert_close(model({"u": u}, {}, dt, noise=noise)["u"], first, rtol=0, atol=0)
    torch.testing.assert_close(model({"u": u[1:2]}, {}, dt[:1], noise=noise[1:2])["u"], first[1:2])
    assert float((model({"u": u}, {}, dt, noise=-noise)["u"] - first).detach().abs().max()) > 1e-4
    torch.manual_seed(3)
    drawn = model({"u": u}, {}, dt)["u"]
    torch.manual_seed(3)
    torch.testing.assert_close(model({"u": u}, {}, dt)["u"], drawn, rtol=0, atol=0)


def test_the_noise_decreases_by_one_factor_from_one_look_to_the_next():
    levels = dressed(steps=4, level=1e-2).refiner.levels
    assert levels[0] == 0.0
    torch.testing.assert_close(levels[2:] / levels[1:-1], torch.full((3,), 1e-2**0.25, dtype=torch.float64))
    assert float(levels[-1]) == pytest.approx(1e-2)


def test_whoever_knows_the_noise_comes_out_at_the_truth_and_has_no_loss(monkeypatch):
    """Whatever the first look was: each refinement with the right answer ends at what is true."""
    model, random = dressed(), torch.Generator().manual_seed(0)
    now, true = torch.randn(2, 8, 16, generator=random)
    levels = model.refiner.levels.float()

    def knows(estimate, k, inputs, constants):
        which = torch.as_tensor(k).expand(len(estimate))
        level = levels[which].view(-1, 1, 1).clamp(min=1e-30)
        first = (which == 0).view(-1, 1, 1)
        return torch.where(first, true[:, None] + 0.3 * wrong, (estimate - true[:, None]) / level)

    wrong = torch.ones(8, 1, 16)
    monkeypatch.setattr(model, "look", knows)
    found = model({"u": now}, {}, torch.full((8,), 0.1))["u"]
    torch.testing.assert_close(found, true, rtol=0, atol=1e-5)
    wrong = torch.zeros(8, 1, 16)
    window = Window({"u": now}, ({"u": true},), {}, torch.full((8,), 0.1))
    assert float(Refining()(model, window, RelativeL2(), torch.Generator().manual_seed(0))) < 1e-8


def test_a_refiner_learns_and_is_kept(ensemble, tmp_path):
    torch.manual_seed(0)
    model = Refiner(FNO((12,), 16, ["u"], ["fluid.viscosity"], depth=2), steps=2, level=0.02)
    fit = train(model, Windows(ensemble), out=tmp_path / "a", epochs=40, batch_size=16, learning_rate=6e-3, **QUIET)
    report = fit.evaluate(["one_step", "persistence"])
    assert report["one_step"] < 0.35 * report["persistence"], report
    again = load_model(fit.path)
    window = fit.samples.window("test", range(4))
    noise = torch.randn(4, 2, 1, 64)
    found = [m(window.inputs, window.params, window.dt, noise=noise)["u"] for m in (fit.model, again)]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
    assert build_model(model.config()).config() == model.config()


@pytest.mark.parametrize(("given", "wanted"), [({"steps": 0}, "steps=0"), ({"level": 2.0}, "level=2.0")])
def test_what_cannot_refine_is_refused(given, wanted):
    with pytest.raises(EngineError, match=wanted):
        Refiner(FNO((4,), 4, ["u"]), **given)
    with pytest.raises(EngineError, match=r"model\.operator"):
        build_model({"kind": "refiner"})
