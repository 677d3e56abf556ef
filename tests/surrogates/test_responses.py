"""Numbers of a scene with their gradients: how they are read, scaled and learnt."""

import numpy as np
import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.responses import Responses, gradient_of
from scenegrad.surrogates.data.samples import Pull
from scenegrad.surrogates.data.split import Split, SplitByPlace
from scenegrad.surrogates.operators.mlp import MLP
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.losses import RelativeL2
from scenegrad.surrogates.training.settings import Settings
from scenegrad.surrogates.training.targets import Regression

SHIFT, SIZE = np.array([3.0, -1.0, 0.0]), np.array([0.1, 2.0, 5.0])


def bowl(count: int, seed: int = 0) -> Responses:
    """y = 50 + 7 |z|^2 and its gradient, of x far from order one: x = shift + size z."""
    z = np.random.default_rng(seed).uniform(-1, 1, (count, 3))
    y = 50.0 + 7.0 * (z**2).sum(1)
    x = {"a": SHIFT[0] + SIZE[0] * z[:, 0], "b": SHIFT[1:] + SIZE[1:] * z[:, 1:]}
    slopes = {"a": 14.0 * z[:, 0] / SIZE[0], "b": 14.0 * z[:, 1:] / SIZE[1:]}
    return Responses(x, {"cost": y}, {"cost": slopes}, Split(0.1, 0.1))


class Exact(torch.nn.Module):
    """The bowl itself, and that times a factor."""

    def __init__(self, samples, factor=1.0):
        super().__init__()
        self.names, self.factor = samples.names, factor
        operator = MLP(2, ["a", "b"], outputs=["cost"], components={"b": 2})
        self.scales = operator.dressed(samples.statistics(), 1.0, ()).scales
        self.objective = Regression()

    def forward(self, state, params, dt, geometry=None):
        z = torch.cat([state["a"][:, None], state["b"]], dim=1)
        z = (z - torch.tensor(SHIFT)) / torch.tensor(SIZE)
        return {"cost": 50.0 + self.factor * 7.0 * z.square().sum(1)}


def test_the_truth_has_no_error_and_a_wrong_slope_has_its_own():
    """Of factor (1 + e) the relative square error of the gradient is e^2, whatever the units of the inputs."""
    samples = bowl(64).bind(MLP(2, ["a", "b"], outputs=["cost"], components={"b": 2}).names, 1)
    window = samples.window("train", range(samples.count("train")))
    assert isinstance(window.pulls[0], Pull)
    for factor in (1.0, 1.1):
        model = Exact(samples, factor)
        plain = Regression()(model, window, RelativeL2(), torch.Generator()).detach()
        both = WithGradients(weight=3.0)(model, window, RelativeL2(), torch.Generator()).detach()
        assert float(both - plain) == pytest.approx(3.0 * (factor - 1.0) ** 2, abs=1e-5)
    spread = float(window.targets[0]["cost"].double().std(correction=0))
    apart = 0.1 * (window.targets[0]["cost"].double() - 50.0)
    assert float(plain) == pytest.approx(float((apart / spread).square().mean()), rel=1e-4)


def test_statistics_are_those_of_the_training_part_alone():
    data = bowl(20)
    far = {"a": data.x["a"].copy(), "b": data.x["b"]}
    far["a"][3] = 1e6
    placed = Responses(far, data.y, data.slopes, SplitByPlace(test=(3,)))
    names = MLP.of(placed).names
    scales = placed.bind(names, 1).statistics()
    assert abs(float(scales.input_mean[0]) - 3.0) < 0.1


def test_a_network_learns_more_from_each_value_with_its_gradient(tmp_path):
    """Error of value and of slope, with as many values: far below values alone."""
    data, fresh = bowl(24), bowl(400, seed=1)
    errors = {}
    settings = Settings(epochs=60, batch_size=8, learning_rate=1e-2)
    for name, target in (("values", Regression()), ("both", WithGradients())):
        torch.manual_seed(0)
        fit = train(
            MLP.of(data, width=48), data, out=tmp_path / name, settings=settings, target=target, progress=False,
            device="cpu",
        )  # fmt: skip
        found, slopes = gradient_of(fit.model, fresh.x, "cost")
        off = slopes["b"] - fresh.slopes["cost"]["b"]
        errors[name] = (np.std(found - fresh.y["cost"]) / np.std(fresh.y["cost"]), np.abs(off).mean())
    assert errors["both"][0] < 0.6 * errors["values"][0]
    assert errors["both"][1] < 0.5 * errors["values"][1]
    assert (
        Settings.read(fit_plain := Settings(target=WithGradients(0.5, then=Regression())).plain()).plain() == fit_plain
    )


def test_an_ensemble_with_gradients_is_read_in_one_line(tmp_path):
    scene = sg.Scene(
        name="steer",
        domain=sg.Domain.periodic(size=(1.0,), cells=(16,)),
        entities={"flow": sg.Burgers(viscosity=0.05, velocity=sg.Waves((sg.Uniform(-0.5, 0.5),) * 4))},
        outputs={"cost": sg.Misfit("velocity", sg.Waves((0.3, 0.1)), every=0.1)},
        time=sg.Time(end=0.1, dt=0.02),
    )
    by, number = "flow.velocity.coefficients", sg.Final("cost.misfit")
    made = sg.generate(
        sg.vary(scene, 12), out=tmp_path / "d", batch=6, gradients=(by,), of=(number,), device="cpu", progress=False
    )
    data = Responses.of(made)
    assert list(data.x) == [by]
    assert data.x[by].shape == (12, 4)
    assert data.slopes["final cost.misfit"][by].shape == (12, 4)
    assert made.costs["gradients"] > 0.0
    # each gradient against the difference of two solves
    names = MLP.of(data).names
    assert (names.fields, names.outputs, names.components) == ((by,), ("final cost.misfit",), {by: 4})
    h = 1e-3
    values = []
    for sign in (1.0, -1.0):
        moved = scene.replace({by: tuple(data.x[by][5] + sign * h * np.array([0.0, 1.0, 0.0, 0.0]))})
        solver, state, params = sg.compile(moved, device="cpu", dtype="float64")
        with torch.no_grad():
            values.append(float(sg.rollout(solver, state, params.detach()).outputs["cost"][0, -1]))
    slope = data.slopes["final cost.misfit"][by][5, 1]
    assert slope == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-3)
    assert data.without_gradients().bind(names, 1).window("train", [0]).pulls == ()
    with pytest.raises(EngineError, match="holds no numbers of its members"):
        Responses.of(sg.generate(sg.vary(scene, 2), out=tmp_path / "plain", device="cpu", progress=False))


def test_what_has_no_derivatives_is_not_trained_on_them(tmp_path):
    data = bowl(20).without_gradients()
    with pytest.raises(EngineError, match="needs data that hold derivatives"):
        train(MLP.of(data), data, out=tmp_path, target=WithGradients(), epochs=1, progress=False, device="cpu")
    broken = {"cost": {"a": bowl(20).slopes["cost"]["a"][:, None]}}
    with pytest.raises(EngineError, match="needs the shape of what it is taken by"):
        Responses(data.x, data.y, broken)
