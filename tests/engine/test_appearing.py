"""A file has its name when it is whole, and not before."""

import errno
from pathlib import Path

import h5py
import pytest

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.atomic import appearing, write_text
from scenegrad.engine.files.disk import disk_errors
from scenegrad.engine.run_folder import RunFolder


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with appearing(path) as part:
        part.write_text("all")
        assert part.suffix == ".txt", "libraries go by it"
        assert not path.exists()
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]
    assert path.read_text() == "all"


def test_where_writing_fails_the_old_file_stays_and_nothing_is_left(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old, 10²")
    with pytest.raises(TypeError), appearing(path) as part:
        part.write_text(None)
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text(encoding="utf-8") == "old, 10²"


def test_a_place_that_is_none_is_told_in_words(tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(FileError, match="cannot be written"):
        write_text(tmp_path / "a" / "b.txt", "no")


@pytest.mark.parametrize("read", [Path.read_text, h5py.File], ids=["text", "hdf5"])
def test_what_is_said_of_a_file_that_is_read_meanwhile_is_not_said_of_the_one_that_is_written(tmp_path, read):
    (tmp_path / "file").write_text("no folder")
    for other in (tmp_path / "a.h5", tmp_path / "file" / "a.h5", tmp_path / "b.other.h5"):
        with pytest.raises(OSError, match=r"No such file|Not a directory"), appearing(tmp_path / "b.h5"):
            read(other)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC], ids=["forbidden", "read-only", "full"])
def test_what_is_said_of_the_file_that_is_written_or_of_none_is_told_in_words(tmp_path, monkeypatch, code):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "new" / "b.h5"
    for named in (None, path, path.parent, str(Path("new") / "b.7.part.h5"), tmp_path / "new" / "b.7.part.h5"):
        told = (named,) if named is not None else ()
        with pytest.raises(FileError, match=r"b\.h5 (cannot be written|could not grow)"), disk_errors(path, 0):
            raise OSError(code, "no", *told)
    for named in (tmp_path / "other.h5", tmp_path / "new" / "b.7.h5", tmp_path / "new" / "bc.part.h5"):
        with pytest.raises(OSError, match="no"), disk_errors(path, 0):
            raise OSError(code, "no", named)


def test_hdf5_that_cannot_be_written_is_told_in_words(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match=r"a\.h5 cannot be written"), disk_errors(tmp_path / "file" / "a.h5", 0):
        h5py.File(tmp_path / "file" / "a.h5", "w")


def test_a_run_sweeps_what_a_process_that_died_was_writing(tmp_path):
    def die(path):
        writing = appearing(tmp_path / path)
        part = writing.__enter__()
        part.write_text("half")
        return writing  # kept, for the end of it would remove the part

    held = [die(name) for name in ("run.json", "checkpoint.h5", "scene.toml")]
    (tmp_path / "fields.part.vtkhdf").write_text("frames that count")
    assert len(list(tmp_path.iterdir())) == len(held) + 1
    RunFolder(tmp_path).sweep()
    assert [file.name for file in tmp_path.iterdir()] == ["fields.part.vtkhdf"]
