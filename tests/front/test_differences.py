"""`diff` and the record of what made a run: what parts two of them is found, and nothing else."""

import json
import shutil
import warnings

import h5py
import numpy as np
import pytest

import scenegrad as sg
from scenegrad.differences import parts_of

FLOW = ("run", "taylor_green", "--quiet", "--set", "domain.cells=[16, 16]", "--set", "time.end=1")
DATA = ("generate", "kolmogorov", "-n", 2, "--quiet", "--set", "domain.cells=[20, 20]", "--set", "time.end=0.5")


@pytest.fixture
def flow(scenegrad):
    assert scenegrad(*FLOW, "--out", "flow").code == 0
    return sg.open_run("flow")


def change(path, where, index, by):
    """One number of a file of a run."""
    with h5py.File(path, "r+") as file:
        found = [item for name, item in everything(file) if name.endswith(where)]
        values = found[0][()]
        values[index] = by(values[index])
        found[0][...] = values


def everything(file):
    names = []
    file.visititems(lambda name, item: names.append((name, item)) if isinstance(item, h5py.Dataset) else None)
    return names


def test_a_run_made_again_is_the_same_to_the_last_bit(scenegrad, flow):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing has changed since
        assert scenegrad("run", "--from", "flow", "--out", "again", "--quiet").code == 0
    answer = scenegrad("diff", "flow", "again")
    assert (answer.code, answer.out) == (0, "These runs are the same to the last bit.\n")
    assert not flow.diff("again")


@pytest.mark.parametrize(
    "by", [lambda x: np.nextafter(x, np.float32(9)), lambda x: -x if x == 0 else np.float32(np.nan)]
)
def test_one_bit_of_one_number_is_found_where_it_is(scenegrad, tmp_path, flow, by):
    shutil.copytree("flow", "copy")
    change(tmp_path / "copy" / "fields.vtkhdf", "PointData/vorticity", (3, 5, 7), by)
    answer = scenegrad("diff", "flow", "copy", "--json")
    assert answer.code == 1
    first = answer.json["first"]
    assert (first["output"], first["quantity"], first["frame"]) == ("fields", "vorticity", 3)
    assert first["time"] == flow["fields"].time[3]
    assert flow["fields"].vorticity[3][tuple(first["element"])] == first["one"]
    assert [s["quantity"] for s in answer.json["spreads"] if s["frames"]] == ["fields.vorticity"]
    assert answer.json["scene"] == answer.json["makers"] == answer.json["shape"] == []


def test_the_first_time_counts_and_not_the_first_output(scenegrad, tmp_path, flow):
    shutil.copytree("flow", "copy")
    change(tmp_path / "copy" / "fields.vtkhdf", "PointData/vorticity", (4, 0, 0), lambda x: x + 1)
    change(tmp_path / "copy" / "series.h5", "energy/kinetic", (2,), lambda x: x + 1)
    first = sg.diff("flow", "copy").first
    assert (first.output, first.quantity, first.frame, first.element) == ("energy", "kinetic", 2, ())
    assert first.time < flow["fields"].time[4]
    assert first.size == pytest.approx(1.0, rel=1e-5)


def test_a_tolerance_is_a_share_of_the_largest_number(scenegrad, tmp_path, flow):
    shutil.copytree("flow", "copy")
    largest = float(np.abs(np.asarray(flow["fields"].vorticity)).max())
    change(tmp_path / "copy" / "fields.vtkhdf", "PointData/vorticity", (1, 0, 0), lambda x: x + 1e-3 * largest)
    assert scenegrad("diff", "flow", "copy", "--tolerance", "1.1e-3").code == 0
    assert scenegrad("diff", "flow", "copy", "--tolerance", "0.9e-3").code == 1
    assert scenegrad("diff", "flow", "copy", "--only", "energy").code == 0
    refused = scenegrad("diff", "flow", "copy", "--only", "fields.vortcity")
    assert refused.code == 1
    assert "Did you mean 'fields.vorticity'?" in refused.err


def test_scenes_part_by_their_addresses_and_precisions_are_told(scenegrad, flow):
    scenegrad(*FLOW, "--set", "fluid.viscosity=0.02", "--dtype", "float64", "--out", "other")
    found = scenegrad("diff", "flow", "other", "--json").json
    assert found["scene"] == [{"what": "fluid.viscosity", "one": 0.01, "other": 0.02}]
    assert found["makers"] == [{"what": "dtype", "one": "float32", "other": "float64"}]
    assert "made by: dtype float32 and float64" in scenegrad("diff", "flow", "other").out


def test_the_parts_of_scenes_are_found_at_any_depth():
    one = {"entities": {"a": {"list": [{"x": 1}, {"x": 2}], "plain": [1, 2]}}, "time": {"end": 1.0}, "gone": 3}
    other = {"entities": {"a": {"list": [{"x": 1}, {"x": 5}], "plain": [1, 3]}}, "time": {"end": 1.0}, "new": 4}
    assert [place for place, _, _ in parts_of(one, other)] == ["a.list.1.x", "a.plain", "gone", "new"]


def test_a_run_that_was_cut_short_has_fewer_frames(scenegrad):
    scenegrad(*FLOW, "--out", "flow")
    scenegrad(*FLOW[:-1], "time.end=0.5", "--out", "half")
    found = sg.diff("flow", "half")
    assert found
    assert "fields: 5 frames and 3" in found.shape
    assert found.first is None, "as far as both go, they are the same"


def test_runs_made_by_another_version_are_warned_of(scenegrad, tmp_path, flow):
    record = json.loads((tmp_path / "flow" / "run.json").read_text())
    record["provenance"]["libraries"]["torch"] = "1.0"
    record["machine"]["processor"] = "an abacus"
    (tmp_path / "flow" / "run.json").write_text(json.dumps(record))
    answer = scenegrad("run", "--from", "flow", "--out", "again", "--quiet")
    assert answer.code == 0
    assert answer.err.startswith("scenegrad: warning: again was made by something else than flow (torch 1.0, now ")
    assert "processor an abacus, now" in answer.err
    assert "scenegrad diff flow again" in answer.err
    told = scenegrad("diff", "flow", "again")
    assert told.code == 0, "versions are told, and do not count"
    assert "made by: torch 1.0 and" in told.out


def test_a_run_records_what_made_it(flow, monkeypatch):
    import torch

    record = flow.record
    assert set(record) >= {"commit", "command", "machine", "identity", "provenance", "started"}
    assert set(record["machine"]) >= {"platform", "processor", "cores"}
    told = record["provenance"]
    assert told["scene_hash"] == flow.scene.hash == record["identity"]["scene"]
    assert (told["seed"], told["dtype"], told["threads"]) == (flow.scene.seed, "float32", torch.get_num_threads())
    assert told["libraries"]["torch"] == record["provenance"]["libraries"]["torch"]
    from scenegrad.engine.record import command

    monkeypatch.setattr("sys.argv", ["/usr/bin/scenegrad", "run", "x y", "--set", "a=[1, 2]"])
    assert command() == "scenegrad run 'x y' --set 'a=[1, 2]'"


def test_datasets_part_by_member(scenegrad, tmp_path):
    assert scenegrad(*DATA, "--out", "data").code == 0
    shutil.copytree("data", "copy")
    assert scenegrad("diff", "data", "copy").out == "These datasets are the same to the last bit.\n"
    change(tmp_path / "copy" / "shards" / "m00001.h5", "vorticity", (0, 1, 2, 3), lambda x: x + 1)
    answer = scenegrad("diff", "data", "copy", "--json")
    assert answer.code == 1
    first = answer.json["first"]
    assert (first["member"], first["quantity"], first["frame"]) == (1, "vorticity", 1)
    (tmp_path / "copy" / "shards" / "m00000.h5").unlink()
    assert "member 0: ok and missing" in scenegrad("diff", "data", "copy").out


def test_trainings_part_by_settings_curves_and_weights(scenegrad, tmp_path):
    from scenegrad.surrogates.training.checkpoint import read_checkpoint

    (tmp_path / "recipe.toml").write_text(
        'model = {kind = "fno", modes = [4, 4], width = 4, depth = 1, fields = ["vorticity"]}\n'
        "data = {split = {validation = 0.0, test = 0.5}}\ntraining = {epochs = 1}\n"
    )
    assert scenegrad(*DATA, "--out", "data").code == 0
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        words = ("train", "recipe.toml", "data", "--device", "cpu", "--quiet", "--seed", seed)
        assert scenegrad(*words, "--out", name).code == 0
    assert scenegrad("diff", "a", "b").code == 0
    found = scenegrad("diff", "a", "c", "--json").json
    assert [pair["what"] for pair in found["scene"]] == ["settings.seed"]
    assert found["first"]["quantity"] == "loss"
    assert any(spread["quantity"].startswith("weights.") and spread["frames"] for spread in found["spreads"])
    assert scenegrad("diff", "a", "data").code == 1
    record = read_checkpoint(tmp_path / "a" / "checkpoint.pt")["record"]
    assert set(record) >= {"version", "commit", "command", "libraries", "machine", "device", "dtype", "threads"}
    assert {"warp-lang", "torch", "h5py"} <= set(record["libraries"])


@pytest.mark.parametrize("words", [("nowhere", "flow"), ("flow", "."), ("flow", "flow", "--tolerance", "-1")])
def test_what_cannot_be_compared_is_refused(scenegrad, flow, words):
    answer = scenegrad("diff", *words)
    assert answer.code == 1
    assert answer.err.startswith("scenegrad: ")
    assert "fault of scenegrad" not in answer.err
