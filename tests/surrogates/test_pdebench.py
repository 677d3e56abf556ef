"""PDEBench's layouts come back as they were written, whichever of them a file has."""

import h5py
import numpy as np
import pytest

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.surrogates import Pairs, PDEBench, SplitByPlace, Windows, read_pdebench, write_pdebench
from scenegrad.surrogates.operators.names import Names

X, Y = 0.25 * np.arange(8), 0.5 * np.arange(4)
NU = np.array([0.5, 0.25, 1e-3, 0.125, 2.0])


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture
def make(ensemble):
    return lambda fields, nu=NU: type(ensemble)(fields, {"sim.nu": nu}, 0.1)


def same(back, data, fields):
    assert back.fields == list(fields)
    np.testing.assert_allclose(np.diff(back.times("fields")), 0.1, rtol=1e-6)
    for member in back.members:
        for name, made in fields.items():
            for frames in (slice(None), slice(1, 5, 2), slice(2, 3)):
                assert np.array_equal(back.read(member, "fields", name, frames), made[member][frames])
    assert len(back.members) == len(data.members)
    for address, values in data.parameters.items():
        assert np.array_equal(back.parameters[address], values)


def test_one_field_in_one_dimension(make, tmp_path):
    fields = {"u": noise(5, 6, 8)}
    data = make(fields, np.full(5, 0.01))
    back = read_pdebench(write_pdebench(data, tmp_path / "burgers.hdf5", axes=(X,)))
    same(back, data, fields)
    back.close()
    with h5py.File(tmp_path / "burgers.hdf5", "a") as file:  # theirs tell where the last interval ends
        del file["t-coordinate"]
        file["t-coordinate"] = (0.1 * np.arange(7)).astype(np.float32)
    again = read_pdebench(tmp_path / "burgers.hdf5")
    same(again, data, fields)
    assert np.array_equal(again.axes[0], X)
    samples = Windows(again, split=SplitByPlace(test=(3,))).bind(Names(("u",), ("u",), ("sim.nu",), {}), 2)
    assert np.array_equal(samples.window("test", [1]).targets[1]["u"][0], fields["u"][3, 3])


def test_compressible_flow(make, tmp_path):
    fields = {name: noise(5, 6, 8, 4, seed=i) for i, name in enumerate(("density", "pressure", "Vx", "Vy"))}
    data = make(fields, np.full(5, 0.01))
    same(read_pdebench(write_pdebench(data, tmp_path / "gas.hdf5", axes=(X, Y))), data, fields)


def test_groups_of_seeds(make, tmp_path):
    fields = {"a": noise(5, 6, 8, 4), "b": noise(5, 6, 8, 4, seed=1)}
    data = make(fields)
    path = write_pdebench(data, tmp_path / "reaction.h5", axes=(X, Y))
    same(PDEBench(path, ("a", "b")), data, fields)
    same(PDEBench(path), data, {"u": np.stack(list(fields.values()), axis=-1)})
    assert [len(points) for points in PDEBench(path).axes] == [8, 4]
    with pytest.raises(FileError, match=r"has 2 channels, and channels=.* names 1"):
        PDEBench(path, ("a",))
    with h5py.File(path, "a") as file:
        for group in file.values():
            del group["grid/t"]
            group["grid/t"] = (0.1 * np.arange(7)).astype(np.float32)
            group.attrs["config"] = "seed: 3\nname: x1\nsim:\n  dam_radius: 0.5 # [m]\n  D: 1e-3\nend: 1.\n"
    assert len(PDEBench(path).times("fields")) == 6
    found = PDEBench(path).parameters
    assert {name: values[0] for name, values in found.items()} == {
        "seed": 3.0, "sim.dam_radius": 0.5, "sim.D": 1e-3, "end": 1.0,
    }  # fmt: skip


def test_incompressible_flow_is_read(tmp_path):
    velocity, particles, force = noise(2, 6, 8, 4, 2), noise(2, 6, 8, 4, 1), noise(2, 8, 4, 2)
    with h5py.File(tmp_path / "ns_incom.h5", "w") as file:
        file.update({"velocity": velocity, "particles": particles, "force": force})
        file["t"] = np.tile(0.1 * np.arange(6), (2, 1))
        file.attrs["latestIndex"] = 1
    back = read_pdebench(tmp_path / "ns_incom.h5")
    assert back.fields == ["velocity", "particles", "force"]
    assert np.array_equal(back.read(1, "fields", "velocity", slice(2, 4)), velocity[1, 2:4])
    assert np.array_equal(back.read(1, "fields", "particles"), particles[1, ..., 0])
    assert np.array_equal(back.read(1, "fields", "force", slice(0, 6, 3)), np.stack([force[1]] * 2))
    assert back.parameters == {}


def test_pairs_of_darcy_flow(tmp_path):
    pairs = Pairs.from_arrays(noise(5, 8, 4), noise(5, 8, 4, seed=1), {"beta": np.full(5, 0.1)})
    back = read_pdebench(write_pdebench(pairs, tmp_path / "darcy.hdf5", axes=(X, Y)))
    assert isinstance(back, Pairs)
    assert np.array_equal(back.x["nu"], pairs.x["x"])
    assert np.array_equal(back.y["u"], pairs.y["y"])
    assert np.array_equal(back.parameters["beta"], pairs.parameters["beta"])
    with h5py.File(tmp_path / "darcy.hdf5") as file:
        assert file["tensor"].shape == (5, 1, 8, 4)


def test_what_is_not_of_pdebench_is_refused(make, tmp_path):
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["w"] = np.zeros((2, 3))
    with pytest.raises(FileError, match=r"holds w \[2, 3\]; files of PDEBench hold tensor"):
        read_pdebench(tmp_path / "other.hdf5")
    with pytest.raises(FileError, match="is not there"):
        read_pdebench(tmp_path / "no.hdf5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(FileError, match="cannot be read as HDF5"):
        read_pdebench(tmp_path / "text.h5")
    field = noise(5, 6, 8)
    with pytest.raises(EngineError, match=r"sim\.nu varies\. Write trajectories to a name that ends in \.h5"):
        write_pdebench(make({"u": field}), tmp_path / "burgers.hdf5", axes=(X,))
    assert not list(tmp_path.glob("burgers*"))
    with pytest.raises(EngineError, match=r"these are u, v in 1 dimensions\. Write them to a name that ends in \.h5"):
        write_pdebench(make({"u": field, "v": field}), tmp_path / "burgers.hdf5", axes=(X,))
    with pytest.raises(EngineError, match=r"u has \(8,\) points, and the axes given have \(4,\)"):
        write_pdebench(make({"u": field}), tmp_path / "burgers.h5", axes=(Y,))
    field[3, 2, 1] = np.nan
    with pytest.raises(EngineError, match="u of member 13 has values that are not finite"):
        write_pdebench(make({"u": field}), tmp_path / "burgers.h5", axes=(X,))


def test_other_values_in_the_same_shapes_are_other_data(make, tmp_path):
    fields = {"u": noise(5, 6, 8)}
    other = {"u": fields["u"].copy()}
    other["u"][-1, -1, 3] += 1e-3
    hashes = [read_pdebench(write_pdebench(make(each, np.full(5, 0.01)), tmp_path / f"{n}.hdf5", axes=(X,))).hash
              for n, each in enumerate((fields, fields, other))]  # fmt: skip
    assert hashes[0] == hashes[1] != hashes[2]
