"""Data of other projects come back as they were written, and files that are something else are refused."""

import json
import pickle

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.surrogates import (
    Pairs,
    ParticleTrajectories,
    Split,
    SplitByPlace,
    Windows,
    read_gns,
    read_neuraloperator,
    write_gns,
    write_neuraloperator,
)
from scenegrad.surrogates.operators.names import Names

PLACES = SplitByPlace(validation=(1,), test=(2,))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_pairs_for_neuraloperator_come_back(tmp_path):
    pairs = Pairs.from_arrays(noise(6, 8, 8), noise(6, 8, 8, seed=1), {"nu": np.arange(6) / 4}, split=PLACES)
    files = write_neuraloperator(pairs, tmp_path, "flow")
    assert [f.name for f in files] == ["flow_train_8.pt", "flow_validation_8.pt", "flow_test_8.pt"]
    raw = torch.load(files[0], weights_only=True)
    assert raw["x"].shape == raw["y"].shape == (4, 8, 8)
    assert raw["x"].dtype == torch.float32
    back = read_neuraloperator(files[0], x="a", y="u")
    assert np.array_equal(back.x["a"], pairs.x["x"][[0, 3, 4, 5]])
    assert np.array_equal(back.y["u"], pairs.y["y"][[0, 3, 4, 5]])
    assert back.parameters["nu"].tolist() == [0.0, 0.75, 1.0, 1.25]


def test_components_are_channels_of_neuraloperator(tmp_path):
    x = {"a": noise(6, 8, 8), "v": noise(6, 8, 8, 2, seed=1)}
    pairs = Pairs.from_arrays(x, {"u": noise(6, 8, 8, seed=2)}, split=PLACES)
    test = write_neuraloperator(pairs, tmp_path, "flow")[2]
    raw = torch.load(test, weights_only=True)
    assert raw["x"].shape == (1, 3, 8, 8)
    assert raw["y"].shape == (1, 1, 8, 8)
    back = read_neuraloperator(test, channels_squeezed=False)
    assert np.array_equal(back.x["x"][..., 0], x["a"][[2]])
    assert np.array_equal(back.x["x"][..., 1:], x["v"][[2]])
    assert back.y["y"].shape == (1, 8, 8)


def test_files_that_are_not_of_neuraloperator_are_refused(tmp_path):
    with pytest.raises(FileError, match="is not there"):
        read_neuraloperator(tmp_path / "no.pt")
    torch.save({"x": torch.zeros(3, 4), "z": torch.zeros(3)}, tmp_path / "z.pt")
    with pytest.raises(FileError, match=r"holds x \[3, 4\], z \[3\]; pairs of neuraloperator are tensors x and y"):
        read_neuraloperator(tmp_path / "z.pt")
    torch.save({"x": Split()}, tmp_path / "object.pt")
    with pytest.raises(FileError, match="holds more than tensors, or is damaged"):
        read_neuraloperator(tmp_path / "object.pt")


@pytest.fixture
def particles():
    position = tuple(np.cumsum(noise(7, n, 2, seed=n), axis=0) for n in (5, 6, 7, 8))
    kind = tuple(np.arange(len(x[0])) % 3 + 5 for x in position)
    bounds = np.array([[-9.0, 9.0], [0.0, 1.0]])
    return ParticleTrajectories(position, kind, 0.0025, bounds, 0.015, {"material": np.array([1.0, 2.0, 3.0, 4.0])})


def test_particles_for_gns_come_back(particles, tmp_path):
    files = write_gns(particles, tmp_path, SplitByPlace(validation=(1,), test=(2,)))
    assert [f.name for f in files] == ["train.npz", "valid.npz", "test.npz"]
    back = read_gns(files[0])
    for found, place in zip(back.members, (0, 3), strict=True):
        assert np.array_equal(back.position[found], particles.position[place])
        assert np.array_equal(back.kind[found], particles.kind[place])
    assert (back.dt, back.radius) == (0.0025, 0.015)
    assert np.array_equal(back.bounds, particles.bounds)
    assert back.parameters["material"].tolist() == [1.0, 4.0]
    assert [x.shape for x in back.position] == [(7, 5, 2), (7, 8, 2)]
    about = json.loads((tmp_path / "metadata.json").read_text())
    steps = np.concatenate([np.diff(particles.position[i].astype(float), axis=0).reshape(-1, 2) for i in (0, 3)])
    np.testing.assert_allclose(about["vel_mean"], steps.mean(axis=0))
    np.testing.assert_allclose(about["vel_std"], steps.std(axis=0))
    assert (about["sequence_length"], about["dim"]) == (6, 2)
    with np.load(files[0], allow_pickle=True) as file:  # as their loader does
        (x, kind, material), _ = (item for _, item in file.items())
    assert np.array_equal(x, particles.position[0])
    assert np.array_equal(kind, particles.kind[0])
    assert material == 1.0


def test_both_layouts_of_gns_are_read(particles, tmp_path):
    write_gns(particles, tmp_path)
    rows = np.empty(2, dtype=object)
    rows[0], rows[1] = (particles.position[0], 6), (particles.position[1], particles.kind[1])
    np.savez(tmp_path / "old.npz", gns_data=rows)
    back = read_gns(tmp_path / "old.npz")
    assert back.kind[0].tolist() == [6] * 5
    assert np.array_equal(back.position[1], particles.position[1])


def test_particles_of_one_number_are_cut_into_windows(particles):
    alike = particles.taken([2] * 3)
    alike = ParticleTrajectories(tuple(x + i for i, x in enumerate(alike.position)), alike.kind, alike.dt)
    samples = Windows(alike, split=PLACES).bind(Names(("position",), ("position",), (), {"position": 2}), 1)
    window = samples.window("test", [3])
    assert np.array_equal(window.targets[0]["position"][0], alike.position[2][4])
    with pytest.raises(EngineError, match=r"position of member 1 has shape \(6, 2\), that of member 0 \(5, 2\)"):
        Windows(particles).bind(Names(("position",), ("position",), (), {"position": 2}), 1)


class Trap:
    def __reduce__(self):
        return (print, ("run by a file",))


def test_files_that_are_not_of_gns_are_refused_and_run_nothing(particles, tmp_path, capsys):
    write_gns(particles, tmp_path)
    trap = np.empty(1, dtype=object)
    trap[0] = Trap()
    np.savez(tmp_path / "trap.npz", a=trap)
    with pytest.raises(FileError, match=r"it asks for builtins\.print, and only arrays are read"):
        read_gns(tmp_path / "trap.npz")
    assert capsys.readouterr().out == ""
    np.savez(tmp_path / "flat.npz", a=np.zeros((4, 5)))
    with pytest.raises(FileError, match=r"Entry 0 of .* is an array of shape \(4, 5\); trajectories of GNS are"):
        read_gns(tmp_path / "flat.npz")
    (tmp_path / "text.npz").write_bytes(pickle.dumps(3))
    with pytest.raises(FileError, match=r"is not read as \.npz"):
        read_gns(tmp_path / "text.npz")
    (tmp_path / "metadata.json").unlink()
    with pytest.raises(FileError, match=r"has no metadata\.json"):
        read_gns(tmp_path / "train.npz")
    position = (particles.position[0].copy(),)
    position[0][2, 1, 0] = np.nan
    with pytest.raises(EngineError, match="position of member 0 has values that are not finite"):
        ParticleTrajectories(position, particles.kind[:1], 0.1)
