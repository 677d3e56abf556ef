"""Adjoints of steps that were stored with the frames."""

import pytest
import torch

import scenegrad as sg
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.library import kolmogorov
from scenegrad.surrogates.data.windows import Windows
from scenegrad.surrogates.data.with_adjoints import WithAdjoints
from scenegrad.surrogates.operators.fno import FNO
from scenegrad.surrogates.recipes.physics import solver_step
from scenegrad.surrogates.training.gradient_targets import WithGradients
from scenegrad.surrogates.training.loop import train
from scenegrad.surrogates.training.losses import RelativeL2
from scenegrad.surrogates.training.targets import OneStep


@pytest.fixture(scope="module")
def scene():
    return kolmogorov(cells=20, viscosity=sg.LogUniform(0.01, 0.03), end=1.0, every=0.25)


@pytest.fixture(scope="module")
def made(scene, tmp_path_factory):
    address = next(a for a in scene.distributions() if a.endswith("viscosity"))
    asked = sg.Adjoints("fields", by=(address,), directions=2)
    out = tmp_path_factory.mktemp("adjoints") / "data"
    return sg.generate(sg.vary(scene, 10), out=out, batch=5, device="cpu", adjoints=asked, progress=False), address


class Solver:
    """A model that is the scene's own solver."""

    def __init__(self, scene, names, scales):
        self.step, self.names, self.scales = solver_step(scene.median()), names, scales
        self.objective = OneStep()

    def __call__(self, state, params, dt, geometry=None):
        return self.step(state, params, dt)


def test_a_model_that_is_the_solver_has_their_derivatives(scene, made):
    """By the field and by the viscosity; the windows bring every step together with its own adjoint."""
    data, address = made
    names = FNO((4, 4), 4, ["vorticity"], [address]).names
    samples = WithAdjoints(Windows(data)).bind(names, 1)
    window = samples.window("train", list(range(6)))
    assert len(window.pulls) == 2
    operator = FNO((4, 4), 4, ["vorticity"], [address])
    scales = operator.dressed(samples.statistics(), samples.dt, samples.grid).scales
    model = Solver(scene.replace({address: sg.Parameter(0.02)}), names, scales)
    loss = WithGradients(weight=1.0)(model, window, RelativeL2(), torch.Generator()).detach()
    assert float(loss) < 2e-4
    turned = type(window.pulls[0])(window.pulls[0].directions, window.pulls[1].bars)
    wrong = type(window)(window.inputs, window.targets, window.params, window.dt, (turned,))
    assert float(WithGradients()(model, wrong, RelativeL2(), torch.Generator()).detach()) > 1.0
    assert samples.hash != samples.plain.hash


def test_they_are_read_again_where_memory_has_no_room_for_them(made):
    data, address = made
    names = FNO((4, 4), 4, ["vorticity"], [address]).names
    kept, read = (WithAdjoints(Windows(data)).bind(names, 1) for _ in range(2))
    read.room = 0
    seen = [samples.window("train", [0, 3, 5]).pulls[1].bars for samples in (kept, read)]
    assert all(torch.equal(seen[0][name], bar) for name, bar in seen[1].items())
    assert len(kept.kept) > len(read.kept) == 0


def test_training_on_them_brings_the_adjoint_of_the_network_nearer(made, tmp_path):
    data, address = made
    windows = WithAdjoints(Windows(data, split=sg.surrogates.Split(0.1, 0.2)))
    apart = {}
    for name, target in (("frames", OneStep()), ("both", WithGradients(0.3))):
        torch.manual_seed(0)
        network = FNO((5, 5), 12, ["vorticity"], [address], depth=2)
        fit = train(
            network, windows, out=tmp_path / name, epochs=12, batch_size=8, learning_rate=5e-3, target=target,
            progress=False, device="cpu",
        )  # fmt: skip
        window = fit.samples.window("test", list(range(fit.samples.count("test"))))
        plain = OneStep()(fit.model, window, RelativeL2(), torch.Generator())
        apart[name] = float((WithGradients(1.0)(fit.model, window, RelativeL2(), torch.Generator()) - plain).detach())
    assert apart["both"] < 0.7 * apart["frames"]


def test_what_has_no_adjoints_is_refused(scene, made, tmp_path):
    data, _ = made
    names = FNO((4, 4), 4, ["vorticity"]).names
    with pytest.raises(EngineError, match="from one frame to the next; got stride=2"):
        WithAdjoints(Windows(data, stride=2))
    plain = sg.generate(sg.vary(scene, 4), out=tmp_path / "plain", batch=4, device="cpu", progress=False)
    with pytest.raises(EngineError, match=r"hold no adjoints of vorticity .* adjoints=Adjoints\('fields'\)"):
        WithAdjoints(Windows(plain)).bind(names, 1)
    with pytest.raises(EngineError, match="looks back on 2"):
        WithAdjoints(Windows(data)).bind(FNO((4, 4), 4, ["vorticity"], history=2).names, 1)


def test_directions_and_bars_pair_as_the_solver_says(scene, made):
    """<w, J d> = <J^T w, d> along a recorded step, in float64."""
    data, address = made
    w = torch.from_numpy(data.adjoint(3, "fields", "vorticity/direction")[1, 0]).double()[None]
    bar = torch.from_numpy(data.adjoint(3, "fields", "vorticity/bar")[1, 0]).double()[None]
    u = torch.from_numpy(data.read(3, "fields", "vorticity")[1]).double()[None]
    member = scene.replace({address: float(data.parameters[address][3])})
    solver, state, params = sg.compile(member, device="cpu", dtype="float64")
    d = torch.roll(u, 3, dims=1)
    ends = [
        rollout(solver, type(state)(u + h * d), params, 0.5, start=0.25, probes=()).state.vorticity
        for h in (1e-5, -1e-5)
    ]
    pushed = ((ends[0] - ends[1]) / 2e-5 * w).sum()
    assert float((bar * d).sum()) == pytest.approx(float(pushed), rel=2e-3)
