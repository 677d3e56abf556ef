"""What is written as The Well is read back as it was, frame by frame, from files that are opened once."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError, FileError
from scenegrad.surrogates import Split, SplitByParameter, TheWell, Windows, write_the_well
from scenegrad.surrogates.operators.names import Names

AXES = (0.25 * np.arange(4), 0.1 + 0.5 * np.arange(3))
NAMES = Names(("w", "v", "s"), ("w", "v", "s"), ("nu",), {"v": 2, "s": 4})


@pytest.fixture
def fields(ensemble):
    random = np.random.default_rng(1)
    made = {
        name: random.normal(size=(10, 6, 4, 3, *tail)).astype(np.float32)
        for name, tail in (("w", ()), ("v", (2,)), ("s", (4,)))
    }
    return type(ensemble)(made, {"nu": np.float32(np.linspace(1, 2, 10)).astype(np.float64)}, 0.1)


def write(fields, folder, **how):
    return write_the_well(fields, folder, name="noise", axes=AXES, periodic=(True, False), **how)


def test_what_is_written_is_read_back(fields, tmp_path):
    files = write(fields, tmp_path, split=Split(0.2, 0.1))
    assert [f.relative_to(tmp_path).parts[1] for f in files] == ["train", "valid", "test"]
    well = TheWell(tmp_path)
    assert (well.name, well.grid, well.periodic, len(well.members)) == ("noise", (4, 3), (True, False), 10)
    np.testing.assert_allclose(well.times("fields"), 0.1 * np.arange(6), rtol=1e-6)
    assert np.ptp(np.diff(well.times("fields"))) < 1e-15
    for member, nu in zip(well.members, well.parameters["nu"], strict=True):
        place = fields.parameters["nu"].tolist().index(nu)
        for name, made in fields.fields.items():
            for frames in (slice(None), slice(1, 5, 2)):
                assert np.array_equal(well.read(member, "fields", name, frames), made[place][frames])
    samples = Windows(well, split=well.split).bind(NAMES, 1)
    assert [len(samples.parts[p]) for p in ("train", "validation", "test")] == [7, 2, 1]
    assert samples.window("test", [0]).inputs["s"].shape == (1, 4, 3, 4)


def test_statistics_beside_the_files_are_of_the_training_part(fields, tmp_path):
    write(fields, tmp_path, split=SplitByParameter("nu", high=1.7))
    well = TheWell(tmp_path / "data" / "train")
    table: dict[str, dict] = {}
    current: dict = {}
    for line in (tmp_path / "stats.yaml").read_text().splitlines():
        key, told = line.strip().split(":", 1)
        if told:
            current[json.loads(key)] = json.loads(told)
        else:
            current = table.setdefault(key, {})
    v = np.stack([well.read(m, "fields", "v") for m in well.members]).astype(np.float64)
    np.testing.assert_allclose(table["std"]["v"], v.std(axis=(0, 1, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(table["mean_delta"]["v"], np.diff(v, axis=1).mean(axis=(0, 1, 2, 3)), rtol=1e-5)
    assert np.shape(table["rms"]["s"]) == (2, 2)
    assert np.shape(table["rms_delta"]["w"]) == ()
    assert len(TheWell(tmp_path / "data" / "ood").members) == 3


def test_fields_that_do_not_vary_along_an_axis_are_read_as_if_they_did(fields, tmp_path):
    path = write(fields, tmp_path, split=Split(0.0, 0.0))[0]
    still = np.arange(3, dtype=np.float32)
    with h5py.File(path, "a") as file:
        group = file["t0_fields"]
        data = group.create_dataset("depth", data=still)
        data.attrs.update({"sample_varying": False, "time_varying": False, "dim_varying": [False, True]})
        group.attrs["field_names"] = ["w", "depth"]
    well = TheWell(path)
    found = well.read(3, "fields", "depth", slice(0, 2))
    assert np.array_equal(found, np.broadcast_to(still, (2, 4, 3)))


def test_windows_drawn_at_random_open_each_file_once(fields, tmp_path, monkeypatch):
    write(fields, tmp_path, split=Split(0.2, 0.1))
    monkeypatch.setattr("scenegrad.surrogates.data.windows.MEMORY", 10)
    opened = []
    original = h5py.File.__init__

    def counted(self, name, *rest, **named):
        opened.extend([str(name)] if isinstance(name, Path) else [])  # not handles of files that are open
        original(self, name, *rest, **named)

    monkeypatch.setattr(h5py.File, "__init__", counted)
    samples = Windows(TheWell(tmp_path)).bind(NAMES, 1)
    random = torch.Generator().manual_seed(0)
    for _ in range(20):
        samples.window("train", torch.randint(samples.count("train"), (4,), generator=random).tolist())
    assert sorted(opened) == sorted(set(opened))
    assert len(opened) == 3


def test_files_that_are_not_of_the_well_are_refused(fields, tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        TheWell(tmp_path / "nowhere")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["tensor"] = np.zeros(3)
    with pytest.raises(FileError, match=r"dataset_name.* not found .* the groups tensor\. PDEBench"):
        TheWell(tmp_path / "other.hdf5")
    (tmp_path / "text.hdf5").write_text("hello")
    with pytest.raises(FileError, match="cannot be read as HDF5"):
        TheWell(tmp_path / "text.hdf5")
    path = write(fields, tmp_path / "well", split=Split(0.2, 0.0))[1]
    with h5py.File(path, "a") as file:
        file.attrs["dataset_name"] = "sound"
    with pytest.raises(FileError, match=r"does not go with noise\.hdf5: dataset_name sound, there noise"):
        TheWell(tmp_path / "well")
    fields.fields["w"][4, 2, 1, 1] = np.nan
    with pytest.raises(EngineError, match="w of member 14 has values that are not finite"):
        write(fields, tmp_path / "broken")
    with pytest.raises(
        EngineError, match=r"w has shape \(6, 4, 3\) a trajectory; with the axes given it must be \(6, 5\)"
    ):
        write_the_well(fields, tmp_path / "axes", name="a", axes=(np.arange(5.0),), periodic=(True,))


def test_files_have_what_the_checker_of_the_well_asks_for(fields, tmp_path, check_the_well):
    for path in write(fields, tmp_path, split=Split(0.2, 0.1)):
        check_the_well(path)


def test_the_loader_of_the_well_reads_them(fields, tmp_path):
    peer = pytest.importorskip("the_well.data")
    write(fields, tmp_path, split=Split(0.2, 0.1))
    data = peer.WellDataset(path=str(tmp_path), well_split_name="test", n_steps_input=2, n_steps_output=1)
    well = TheWell(tmp_path / "data" / "test")
    read = [well.read(0, "fields", name, slice(2, 4)).reshape(2, 4, 3, -1) for name in ("w", "v", "s")]
    assert np.array_equal(data[2]["input_fields"], np.concatenate(read, axis=-1))
    assert data[2]["boundary_conditions"].tolist() == [[2, 2], [0, 0]]


def test_the_output_on_the_grid_is_found_among_others(fields, tmp_path):
    more = type(fields)(fields.fields, fields.parameters, 0.1)
    more.probes = ["energy", "fields"]
    more.quantities = lambda probe: ["kinetic"] if probe == "energy" else list(fields.fields)
    more.read = lambda member, probe, quantity, frames=slice(None): (
        np.zeros(6, np.float32)[frames] if probe == "energy" else fields.read(member, probe, quantity, frames)
    )
    write(more, tmp_path)
    assert list(TheWell(tmp_path).fields) == ["w", "v", "s"]
    with pytest.raises(
        EngineError, match=r"probe='drag' does not tell one output; on \(4, 3\) points lie .* of fields\."
    ):
        write(more, tmp_path, probe="drag")


def test_other_values_in_the_same_shapes_are_other_data(fields, tmp_path):
    known = TheWell(write(fields, tmp_path / "a")[0].parent.parent.parent).hash
    assert TheWell(write(fields, tmp_path / "b")[0].parent.parent.parent).hash == known
    files = write(fields, tmp_path / "c")
    with h5py.File(files[0], "a") as file:
        file["t0_fields/w"][0, -1, 2, 1] += 1e-3
    assert TheWell(tmp_path / "c").hash != known
