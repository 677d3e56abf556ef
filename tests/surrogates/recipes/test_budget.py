"""Trainings of studies: what is in a folder already serves those who ask for the same, and nobody else."""

from dataclasses import replace

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import FNO, Growing, Pairs, Unrolled, Windows
from scenegrad.surrogates.recipes import budget
from scenegrad.surrogates.recipes.budget import train_within
from scenegrad.surrogates.training.sampler import Sampler
from scenegrad.surrogates.training.settings import Settings


def pairs(seed=0):
    u = torch.randn(24, 8, generator=torch.Generator().manual_seed(seed)).numpy()
    return Pairs.from_arrays({"x": u}, {"y": u})


def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    """With as many epochs as were found at first: measured anew they would be others, and so the schedule."""
    paces, drawn, draw = iter((0.25, 0.25, 0.5)), [], Sampler.draw
    monkeypatch.setattr(budget, "seconds_of_epoch", lambda *asked: next(paces))

    def ask(out):
        torch.manual_seed(3)
        network = FNO((2,), 4, ["x"], outputs=["y"], depth=1)
        return train_within(1.0, network, pairs(), Settings(batch_size=8), out=out, device="cpu")

    def fatal(self):
        drawn.append(None)
        if len(drawn) == 8:
            raise RuntimeError("the power is gone")
        return draw(self)

    whole = ask(tmp_path / "whole")
    assert len(whole.fit.history) == 4
    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "draw", fatal)
        with pytest.raises(RuntimeError, match="power"):
            ask(tmp_path / "cut")
    resumed = ask(tmp_path / "cut")
    assert len(resumed.fit.history) == 4
    for one, other in zip(whole.fit.model.parameters(), resumed.fit.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert resumed.seconds > 0.0
    assert ask(tmp_path / "cut").seconds == resumed.seconds


def test_a_budget_of_time_serves_lessons_of_many_steps(make_burgers, tmp_path):
    settings = Settings(batch_size=8, target=Growing(Unrolled(3)))
    network, data = FNO((2,), 4, ["u"], depth=1), Windows(make_burgers(6, frames=5))
    made = train_within(0.05, network, data, settings, out=tmp_path, device="cpu")
    assert len(made.fit.history) >= 1


def test_a_training_in_the_folder_serves_the_same_request_alone(tmp_path):
    def ask(width=4, settings=None, seed=0):
        network = FNO((2,), width, ["x"], outputs=["y"], depth=1)
        settings = settings or Settings(epochs=1)
        return train_within(0.0, network, pairs(seed), settings, out=tmp_path / "fno", device="cpu")

    made, again = ask(), ask()
    assert again.seconds == made.seconds
    for one, other in zip(made.fit.model.parameters(), again.fit.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0.0, atol=0.0)
    with pytest.raises(EngineError, match="other network"):
        ask(width=6)
    with pytest.raises(EngineError, match="other settings"):
        ask(settings=replace(Settings(), epochs=2))
    with pytest.raises(EngineError, match="other data"):
        ask(seed=1)
