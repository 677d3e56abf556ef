"""Tokens stand for what they are rounded to; what is said of the next ones is a distribution, and drawn from."""

from itertools import product

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import Pairs, Reconstruction, Split, TokenModel, WhatFollows, load_model, train
from scenegrad.surrogates.tokens.finite_scalars import FiniteScalars

QUIET = {"device": "cpu", "progress": False}


def test_a_token_stands_for_the_numbers_it_was_rounded_to():
    quantiser = FiniteScalars((4, 3, 5))
    z = 3.0 * torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    values, token = quantiser(z)
    assert quantiser.tokens == 60
    assert (int(token.min()), int(token.max())) == (0, 59)
    torch.testing.assert_close(quantiser.values(token), values)
    every = quantiser.values(torch.arange(60))
    assert len(every.unique(dim=0)) == 60
    assert float(every.abs().max()) == 1.0
    assert float((values - torch.tanh(z)).abs().max()) <= 0.5 + 1e-6, "half of the widest spacing"


def test_gradients_pass_the_rounding():
    z = torch.linspace(-1.0, 1.0, 5)[:, None].requires_grad_()
    (slope,) = torch.autograd.grad(FiniteScalars((3,))(z)[0].sum(), z)
    torch.testing.assert_close(slope, 1.0 - torch.tanh(z.detach()) ** 2)


def small(**said) -> TokenModel:
    torch.manual_seed(0)
    return TokenModel(["u"], (8,), widths=(8, 8, 8), levels=(2, 2), width=16, layers=2, heads=2, **said)


def test_what_is_said_sums_to_one_over_all_sentences_and_is_what_is_drawn():
    model = small()
    with torch.no_grad():
        model.speaker.say.weight.mul_(8.0)
    sentences = torch.tensor(list(product(range(4), repeat=2)))
    present, constants = torch.tensor([[3, 1]]).expand(16, 2), torch.ones(16, 1)
    with torch.no_grad():
        shares = model.logits(present, sentences, constants).log_softmax(dim=2)
        chance = shares.gather(2, sentences[:, :, None])[:, :, 0].sum(1).exp()
        drawn = model.drawn(torch.tensor([[3, 1]]).expand(20_000, 2), torch.ones(20_000, 1))
    assert float(chance.sum()) == pytest.approx(1.0, abs=1e-5)
    counted = torch.bincount(drawn[:, 0] * 4 + drawn[:, 1], minlength=16) / len(drawn)
    torch.testing.assert_close(counted, chance, atol=0.012, rtol=0)
    assert float(chance.max()) > 1.5 / 16, "not all the same"


def test_no_token_knows_those_after_it():
    model = small()
    present = torch.randint(0, 4, (3, 2), generator=torch.Generator().manual_seed(1))
    following = torch.tensor([[0, 1], [2, 3], [1, 1]])
    with torch.no_grad():
        before = model.logits(present, following, torch.ones(3, 1))
        after = model.logits(present, torch.tensor([[0, 2], [2, 0], [1, 3]]), torch.ones(3, 1))
        other = model.logits(1 - present.clamp(max=1), following, torch.ones(3, 1))
    torch.testing.assert_close(before, after)
    assert not torch.allclose(before, other)


def test_a_model_of_tokens_learns_a_drift_and_comes_back_from_its_file(tmp_path):
    """Waves of four phases and of about one height, each followed by the next phase."""
    x, random = 2.0 * np.pi * np.arange(8) / 8, np.random.default_rng(0)
    phase, height = random.integers(0, 4, 256)[:, None], random.uniform(1.9, 2.1, (256, 1))
    before, after = (3.0 + height * np.sin(x + 0.5 * np.pi * (phase + step)) for step in (0, 1))
    data = Pairs.from_arrays({"u": before}, {"u": after}, split=Split(0.0, 0.25))
    model = TokenModel(["u"], (8,), widths=(8, 8, 8), levels=(3, 3), width=16, layers=1, heads=2, temperature=0.0)
    fit = train(model, data, out=tmp_path / "words", target=Reconstruction(), epochs=30, batch_size=32,
                learning_rate=1e-2, **QUIET)  # fmt: skip
    fit = train(fit.model.network, data, out=tmp_path / "all", target=WhatFollows(), epochs=20, batch_size=32,
                learning_rate=1e-2, **QUIET)  # fmt: skip
    again = load_model(tmp_path / "all")
    assert again.config() == fit.model.config()
    window = fit.samples.window("test", range(fit.samples.count("test")))
    with torch.no_grad():
        made = again(window.inputs, {}, window.dt)["u"]
    wanted = window.targets[0]["u"]
    assert float((made - wanted).norm() / (wanted - 3.0).norm()) < 0.3


def test_what_cannot_be_is_refused():
    with pytest.raises(EngineError, match="words for a grid"):
        small().dressed(None, 1.0, (16,))
    with pytest.raises(EngineError, match="each has two or more"):
        FiniteScalars((1, 3))
    with pytest.raises(EngineError, match="it takes fields, grid"):
        TokenModel.build({"kind": "tokens", "size": 3})
