"""What cannot be trained or used is refused, with what was found and how to mend it."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import scenegrad as sg
from scenegrad.engine.dataset import open_dataset
from scenegrad.engine.errors import EngineError, FileError
from scenegrad.surrogates import FNO, Fit, Flow, FromPresent, Pairs, Surrogate, Windows, load_model, train
from scenegrad.surrogates.training.checkpoint import FORMAT, read_checkpoint, write_checkpoint

QUIET = {"device": "cpu", "progress": False}


def small(width: int = 8) -> FNO:
    torch.manual_seed(0)
    return FNO((6,), width, ["u"], ["fluid.viscosity"], depth=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_burgers) -> Path:
    """A training of one epoch."""
    out = tmp_path_factory.mktemp("refusals") / "fno"
    fit = train(small(), Windows(make_burgers(8)), out=out, epochs=1, **QUIET)
    fit.share(out / "fno.safetensors")
    return out


# Sharing


@pytest.mark.parametrize("make", [small, lambda: Flow(small(), start=FromPresent(0.1))], ids=["stepper", "flow"])
def test_a_shared_network_is_the_same_to_the_bit(make_burgers, tmp_path, make):
    fit = train(make(), Windows(make_burgers(8)), out=tmp_path / "run", epochs=1, **QUIET)
    path = fit.share(tmp_path / "shared" / "model.safetensors")
    loaded, window = load_model(path), fit.samples.window("test", [0, 1])
    assert (loaded.dt, loaded.grid, loaded.config()) == (fit.model.dt, fit.model.grid, fit.model.config())
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in fit.model.state_dict().items())
    drawn = []
    for model in (fit.model, loaded):
        torch.manual_seed(0)
        with torch.no_grad():
            drawn.append(model(window.inputs, window.params, window.dt)["u"])
    assert torch.equal(*drawn)
    with safe_open(path, "pt") as file:
        provenance = json.loads(file.metadata()["scenegrad"])["provenance"]
    assert provenance["data"] == fit.samples.hash
    assert provenance["settings"]["epochs"] == len(provenance["history"]) == 1
    assert provenance["record"]["version"] == sg.__version__
    assert provenance["record"]["libraries"]["torch"] == torch.__version__
    again = Fit.load(path, make_burgers(8))
    assert (again.samples.parts, again.history) == (fit.samples.parts, fit.history)
    assert path.read_bytes() == again.share(tmp_path / "again.safetensors").read_bytes()


def test_a_shared_network_is_used_like_any_other(tmp_path):
    scene = sg.library.kolmogorov(cells=20, viscosity=2e-2, end=1.0, every=0.5)
    data = sg.generate(sg.vary(scene, 4, seed=7), out=tmp_path / "data", batch=4, progress=False)
    fit = train(FNO((4, 4), 8, ["vorticity"], depth=1), data, out=tmp_path / "fno", epochs=1, **QUIET)
    solver, state, params = sg.compile(scene)
    ends = [
        Surrogate(model, like=solver).step(state, params, torch.zeros(1), torch.full((1,), 0.5)).state
        for model in (fit.model, fit.share(tmp_path / "x.safetensors"))
    ]
    assert torch.equal(*(end.vorticity for end in ends))


def test_weights_are_shared_under_their_suffix(folder, make_burgers):
    fit = train(small(), Windows(make_burgers(8)), out=folder, epochs=1, resume=True, **QUIET)
    with pytest.raises(FileError, match=r"Write to model\.safetensors"):
        fit.share(folder / "model.pt")


@pytest.mark.parametrize("kind", ["safetensors", "checkpoint"])
def test_a_network_without_statistics_is_refused(folder, tmp_path, kind):
    if kind == "safetensors":
        path = tmp_path / "x.safetensors"
        with safe_open(folder / "fno.safetensors", "pt") as file:
            header = file.metadata()
        weights = load_file(folder / "fno.safetensors")
        save_file({name: value for name, value in weights.items() if "input_" not in name}, path, header)
    else:
        path = tmp_path / "checkpoint.pt"
        content = read_checkpoint(folder / "checkpoint.pt")
        content["weights"] = {name: v for name, v in content["weights"].items() if "input_" not in name}
        write_checkpoint(path, content)
    told = (
        r"statistics of its data are missing \(scales.input_mean, scales.input_std\).*Fit.share\(path\), or train again"
    )
    with pytest.raises(FileError, match=told):
        load_model(path)


def test_a_file_that_is_no_shared_network_is_refused(folder, tmp_path):
    other, cut = tmp_path / "other.safetensors", tmp_path / "cut.safetensors"
    save_file({"weight": torch.zeros(3)}, other)
    with pytest.raises(FileError, match=r"not how to build their network.*Fit.share\(path\) writes both"):
        load_model(other)
    whole = (folder / "fno.safetensors").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match=r"not a readable \.safetensors file.*another copy"):
        load_model(cut)
    with pytest.raises(FileError, match="There is no file"):
        load_model(tmp_path / "none.safetensors")


# Channels


def test_weights_of_another_width_are_refused(folder, tmp_path):
    content = read_checkpoint(folder / "checkpoint.pt")
    content["weights"] = small(10).dressed(None, 0.1, (64,)).state_dict()
    write_checkpoint(tmp_path / "checkpoint.pt", content)
    with pytest.raises(FileError, match=r"operator.lift.weight has shape \(10, 1\) in place of \(8, 1\).*train again"):
        load_model(tmp_path)


def test_data_of_other_channels_are_refused(tmp_path):
    arrays = {"v": np.random.default_rng(0).normal(size=(20, 16, 2))}
    network = FNO((4,), 8, ["v"], components={"v": 3})
    with pytest.raises(EngineError, match=r"takes v to have 3 components.*has 2.*components=\{'v': 2\}"):
        train(network, Pairs.from_arrays(arrays, arrays), out=tmp_path, **QUIET)
    fit = train(
        FNO((4,), 8, ["v"], components={"v": 2}), Pairs.from_arrays(arrays, arrays), out=tmp_path, epochs=1, **QUIET
    )
    with pytest.raises(EngineError, match=r"takes v to have 2 components.*given \(1, 16, 3\)"):
        fit.model({"v": torch.zeros(1, 16, 3)}, {}, torch.ones(1))


def test_an_operator_that_gives_other_channels_than_its_outputs_is_refused(make_burgers, tmp_path, monkeypatch):
    monkeypatch.setattr(FNO, "forward", lambda self, u, constants: torch.cat([u, u], dim=1))
    with pytest.raises(EngineError, match=r"gave 2 channels; u take 1.*channels_out"):
        train(small(), Windows(make_burgers(8)), out=tmp_path, epochs=1, **QUIET)


# Data


def test_a_checkpoint_of_other_data_is_refused(folder, make_burgers):
    with pytest.raises(EngineError, match=r"belongs to another training \(data: .*Resume with what it began with"):
        train(small(), Windows(make_burgers(8, seed=1)), out=folder, epochs=1, resume=True, **QUIET)


def test_data_that_are_not_finite_are_refused_by_the_name_of_their_trajectory(make_burgers, tmp_path):
    data = make_burgers(8)
    data.fields["u"][3, 5, 7] = np.nan
    with pytest.raises(
        EngineError, match=r"u of member 13 has values that are not finite. Leave it out or make it anew"
    ):
        train(small(), Windows(data), out=tmp_path, epochs=1, **QUIET)


def test_a_dataset_that_is_not_finished_is_refused(tmp_path):
    """Of six members one shard of two makes three; the others are still to come."""
    scene = sg.library.kolmogorov(cells=20, viscosity=2e-2, end=0.5, every=0.25)
    sg.generate(sg.vary(scene, 6, seed=7), out=tmp_path / "data", shard="0/2", progress=False)
    with pytest.raises(EngineError, match=r"not finished: 3 members are missing.*Run generate again"):
        train(FNO((4, 4), 8, ["vorticity"], depth=1), open_dataset(tmp_path / "data"), out=tmp_path / "fno", **QUIET)


def test_a_checkpoint_runs_no_code(folder, tmp_path):
    """A pickle that would call something is refused before it is called."""
    called = SimpleNamespace(flag=tmp_path / "flag")

    class Bad:
        def __reduce__(self):
            return Path.touch, (called.flag,)

    torch.save({"format": FORMAT, "weights": Bad()}, tmp_path / "checkpoint.pt")
    with pytest.raises(FileError, match="not a readable checkpoint"):
        load_model(tmp_path)
    assert not called.flag.exists()
