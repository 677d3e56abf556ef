"""Whatever words are given: one message, an exit code that is documented, no traceback, no hang, nothing begun."""

import contextlib
import io
import json
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenegrad.cli import EXIT_CODES, app, main

HARMLESS = [  # commands that do little, whatever their words are
    "new", "completion", "check", "list", "schema", "card", "diff", "export", "import", "plot", "splats", "evaluate",
    "train", "generate", "run",
]  # fmt: skip
COMMANDS = sorted(name for name in app if not name.startswith("-"))
ODD = [
    "", " ", "-", "--", "---", "=", "--=", "-1", "0", "1e400", "-1e400", "nan", "inf", "9" * 400, "0x10", "1_0", "[",
    "{}", "null", "true", '"', "'", "\\", "\n", "\t", "\x00", "\udcff", "ä", "日本語", "🙂", "..", ".", "/", "~",
    "/dev/null", "/proc", "/proc/self/mem", "nowhere", "nowhere/at/all", "a" * 5000, "file.toml", "file.py",
    "file.json", "folder", "folder/", "text", "library:", "library:argon", "argon.toml", "*", "?", "$HOME", "%s", "{0}",
    "--help", "-h", "--version", "--json", "--quiet", "--debug=1", "--plugin",
]  # fmt: skip
ADDRESSES = [
    "time.end", "domain.cells", "domain.cells.0", "pair.sigma", "pair", "seed", "name", "", ".", "..", "entities",
    "dynamics.kind",
]  # fmt: skip
VALUES = [
    "1",
    "-1",
    "0",
    "1e400",
    "NaN",
    "[]",
    "[1]",
    "{}",
    "null",
    "true",
    '""',
    "x",
    "9" * 400,
    "[[[[[[]]]]]]",
    '{"kind": 3}',
]
PATHS = [
    "text",
    "folder",
    "nowhere",
    "file.toml",
    "file.py",
    "file.json",
    "ball.toml",
    "out",
    "text/below",
    "new.toml",
    "",
]
FITTING = {  # what might stand for an option or a place, and is right now and then
    "scene": ["argon", "ball.toml", "taylor_green", "argn", "library:argon"],
    "kind": ["mpm", "mpn"],
    "shell": ["bash", "bsh"],
    "--device": ["cpu", "gpu", "cuda:99"],
    "--dtype": ["float32", "float64", "float16"],
    "--set": ["time.end=0.1", "time.end=-1", "time.end", "seed=3", "nothing.at=1", "ball.mass=0"],
    "--n": ["1", "0", "-1", "3"],
    "--to": ["pvd", "xdmf", "pdf"],
    "--shard": ["0/1", "1/1", "x"],
}
odd = st.sampled_from(ODD) | st.text(max_size=12)
setting = st.tuples(st.sampled_from(ADDRESSES) | st.text(max_size=8), st.sampled_from(VALUES) | st.text(max_size=8))


def words_for(argument):
    """What stands for an argument: a word that suits it, a path, a number, or anything."""
    fitting = [w for name in (*argument.names, argument.field_info.name) for w in FITTING.get(name, [])]
    paths = "Path" in str(argument.hint) or not fitting
    usual = st.sampled_from([*fitting * 3, *(PATHS if paths else []), "1", "-1", "0.5"])
    word = usual | usual | usual | odd
    if argument.index is not None:
        return word.map(lambda value: [value])
    if argument.hint is bool:
        return st.just([argument.names[0]])
    return st.tuples(st.sampled_from(argument.names), word).map(list)


@st.composite
def lines(draw):
    """A command with some of its places and options filled, and now and then words that belong to no command."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.lists(odd | st.sampled_from(HARMLESS), max_size=4))
    command = draw(st.sampled_from(HARMLESS))
    arguments = list(app[command].assemble_argument_collection())
    places = [argument for argument in arguments if argument.index is not None]
    options = [argument for argument in arguments if argument.index is None]
    needed = [argument for argument in options if argument.required and draw(st.integers(0, 4))]
    chosen = places[: draw(st.sampled_from([len(places), *range(len(places) + 1)]))] + needed
    chosen += draw(st.lists(st.sampled_from(options), max_size=3)) if options else []
    words = [command, *(word for argument in chosen for word in draw(words_for(argument)))]
    return [*words, *draw(st.sampled_from([[], [], ["--json"], [draw(odd)]]))]


CALM = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with files that are not what they are called. A simulation or training that begins is an error: none of
    these words describes one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("text")
    (tmp_path / "file.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "file.json").write_text("[1, 2")
    (tmp_path / "file.py").write_text("scene = 3")
    assert main(["new", "springs", "--out", "ball.toml"]) == 0
    for name in ("running.simulate", "generating.generate_members"):
        monkeypatch.setattr(f"scenegrad.{name}", lambda *a, **k: None)
    return tmp_path


def answered(words):
    """Exit code, what was written, and the time of a processor that it took, in this process."""
    out, err = io.StringIO(), io.StringIO()
    begun = time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue(), time.process_time() - begun


def assert_in_order(words):
    code, out, err, seconds = answered(words)
    assert code in EXIT_CODES, words
    assert "Traceback" not in out + err, words
    assert "fault of scenegrad" not in err, (words, err)
    assert seconds < 20.0, words
    if code == 0:
        return
    if "--json" in words and err:
        assert json.loads(err.splitlines()[-1])["code"] == code, (words, err)
    else:
        assert any(line.startswith("scenegrad: ") for line in err.splitlines()) or out, (words, out, err)


@settings(max_examples=40, **CALM)
@given(words=lines())
def test_any_words_are_answered_in_order(place, words):
    assert_in_order(words)


@settings(max_examples=25, **CALM)
@given(pairs=st.lists(setting, min_size=1, max_size=3))
def test_any_setting_of_a_scene_is_taken_or_refused_in_words(place, pairs):
    assert_in_order(["check", "argon", *(word for pair in pairs for word in ("--set", "=".join(pair)))])


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in ("demo", "doctor", "verify", "bench", "view")]
)
def test_odd_words_in_every_place_of_every_command(place, command):
    for word in ODD[::6]:
        assert_in_order([command, word])
        assert_in_order([command, word, word, "--json"])


def test_nothing_is_written_beside_what_was_asked_for(place):
    before = sorted(os.listdir(place))
    for command in ("check", "plot", "card", "diff", "export", "splats", "evaluate", "train"):
        for word in ("text", "folder", "nowhere", "file.toml"):
            assert_in_order([command, word, word])
    assert sorted(os.listdir(place)) == before


@pytest.mark.slow
@settings(max_examples=1500, **CALM)
@given(words=lines())
def test_thousands_of_lines_are_answered_in_order(place, words):
    """Five minutes."""
    assert_in_order(words)
