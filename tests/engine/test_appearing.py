"""A file has its name when it is whole, and not before."""

import pytest

from scenegrad.engine.errors import FileError
from scenegrad.engine.files.atomic import appearing, write_text
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
