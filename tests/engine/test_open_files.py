"""A file that is read again and again is opened once."""

import multiprocessing
import pickle

import h5py

from scenegrad.engine.files.open_files import OpenFiles


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
    assert queue.get(timeout=30) == (7, True)
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
