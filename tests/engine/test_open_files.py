"""A file that is read again and again is opened once."""

import multiprocessing
import pickle
from pathlib import Path

import h5py
import numpy as np

from scenegrad.engine.dataset import Dataset
from scenegrad.engine.dataset_folder import DatasetFolder
from scenegrad.engine.files.open_files import OpenFiles
from scenegrad.engine.files.shard import Shard
from scenegrad.engine.solver import Grid, Probe


def number(files: OpenFiles, path) -> int:
    return int(files.open(path)["x"][()])


def in_child(files, path, before, queue):
    queue.put((number(files, path), files.open(path) is not before))


def test_files_stay_open_in_the_process_that_opened_them(tmp_path):
    paths = [tmp_path / f"{i}.h5" for i in range(100)]
    for i, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            file["x"] = i
    files = OpenFiles()
    first = [files.open(path) for path in paths]
    assert [number(files, path) for path in paths[::-1]] == list(range(100))[::-1]
    assert all(files.open(path) is file for path, file in zip(paths, first, strict=True))
    assert len(files) == 100 <= files.most
    assert len(pickle.loads(pickle.dumps(files))) == 0
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    child = fork.Process(target=in_child, args=(files, paths[7], first[7], queue))
    child.start()
    assert queue.get(timeout=600) == (7, True)
    child.join()
    files.close()
    assert not first[0]


def test_the_least_recently_used_are_closed_where_no_more_may_be_open(tmp_path, monkeypatch):
    monkeypatch.setattr(OpenFiles, "most", 2)
    files = OpenFiles()
    for name in "aba":
        if not (tmp_path / name).exists():
            h5py.File(tmp_path / name, "w").close()
        files.open(tmp_path / name)
    h5py.File(tmp_path / "c", "w").close()
    held = {name: files.open(tmp_path / name) for name in "abc"[::2]}
    assert set(files.held) == {tmp_path / "a", tmp_path / "c"}
    assert all(held.values())


def test_a_dataset_of_a_thousand_members_is_opened_without_opening_one(tmp_path, monkeypatch):
    folder, count = DatasetFolder(tmp_path), 1000
    folder.prepare()
    grid = Grid((4, 4), (1.0, 1.0), (0.0, 0.0), (True, True))
    shard = Shard(folder.shard(0), [Probe("fields", 1.0, lambda state, params: {}, grid)], [[0.0]], 0, {}, {}, "s")
    shard.append(0, 0, {"u": np.ones((4, 4), np.float32)})
    shard.seal()
    for member in range(1, count):
        folder.shard(member).hardlink_to(folder.shard(0))
    folder.write({"identity": {}, "n": count, "parameters": {"nu": [0.1] * count}})
    opened, original = [], h5py.File.__init__

    def counted(self, name, *rest, **named):
        opened.extend([str(name)] if isinstance(name, str | Path) else [])
        original(self, name, *rest, **named)

    monkeypatch.setattr(h5py.File, "__init__", counted)
    data = Dataset(tmp_path)
    assert len(data) == len(data.parameters["nu"]) == count
    assert opened == []
    assert data.read(777, "fields", "u").sum() == 16
    assert len(opened) <= 2  # the first member tells what all of them recorded
