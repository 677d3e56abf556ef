"""A person's first scene: every starter is right as it stands, in both languages, and leaves alone what is there."""

import json
import shlex
import subprocess
import sys

import pytest

import scenegrad as sg
from scenegrad.starting import KINDS

SHORT = {"mpm": 0.02, "fluid": 0.5, "channel": 0.02, "gas": 0.05, "md": 1.1, "springs": 0.02}  # end of a run [time]


@pytest.mark.parametrize("kind", KINDS)
def test_a_starter_is_the_same_scene_in_toml_and_in_python(scenegrad, tmp_path, kind):
    assert scenegrad("new", kind).code == 0
    answer = scenegrad("new", kind, "--out", f"{kind}.py", "--json")
    assert answer.code == 0
    assert answer.json["next"][0] == f"scenegrad check {kind}.py"
    one, other = (sg.read_scene(tmp_path / f"{kind}{suffix}") for suffix in (".toml", ".py"))
    assert one.hash == other.hash
    for suffix in (".toml", ".py"):
        text = (tmp_path / f"{kind}{suffix}").read_text()
        assert "FILE" not in text
        assert "NAME" not in text
        assert f"scenegrad run {kind}{suffix} --out runs/{kind}" in text
        assert text.count("#") >= 8, "it teaches"
        commands = [line for line in text.splitlines() if "scenegrad " in line and "   " in line.lstrip("# ")]
        assert len({line.rindex("   ") for line in commands}) == 1, "what they are for stands in one column"


@pytest.mark.parametrize("kind", KINDS)
def test_a_starter_passes_its_check_and_runs_in_seconds(scenegrad, kind):
    scenegrad("new", kind)
    answer = scenegrad("check", f"{kind}.toml", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["steps, about"] < 3000
    assert scenegrad("run", f"{kind}.toml", "--quiet", "--set", f"time.end={SHORT[kind]}").code == 0
    assert sg.open_run(f"runs/{kind}").status == "done"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_starter_runs_as_it_stands_and_obeys_its_laws(scenegrad, kind):
    """Half a minute for all of them."""
    scenegrad("new", kind)
    assert scenegrad("run", f"{kind}.toml", "--quiet").code == 0
    sg.open_run(f"runs/{kind}").check(energy_drift=0.01 if kind == "md" else None)


def test_what_is_there_is_left_alone(scenegrad, tmp_path):
    (tmp_path / "flow.toml").write_text("mine")
    answer = scenegrad("new", "fluid", "--out", "flow.toml")
    assert answer.code == 1
    assert "is left alone" in answer.err
    assert (tmp_path / "flow.toml").read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["a b'c.toml", "1 ö.py", "below/deep/x.toml", "---.toml", 'q"""uote.py', "two\nlines.toml"]
)
def test_a_starter_has_a_name_that_a_scene_may_have(scenegrad, tmp_path, name):
    answer = scenegrad("new", "springs", f"--out={name}", "--json")
    assert answer.code == 0, answer.err
    assert [shlex.split(line)[2] for line in answer.json["next"][:2]] == [name] * 2
    assert sg.read_scene(tmp_path / name).name


@pytest.mark.parametrize(
    ("words", "told"),
    [(("nothing",), "There are mpm"), (("mpm", "--out", "x.json"), ".toml or .py"), (("mpm", "--out", "x"), ".py")],
)
def test_what_cannot_be_begun_is_told(scenegrad, tmp_path, words, told):
    answer = scenegrad("new", *words)
    assert answer.code == 1
    assert told in answer.err
    assert not list(tmp_path.iterdir())


def test_without_a_kind_all_are_told(scenegrad):
    assert scenegrad("new", "--json").json == KINDS


def test_a_process_answers_in_json_and_nothing_else(tmp_path):
    """Libraries that greet on standard output are hushed before a solver wakes them."""
    short = [f"--set={address}=1e-4" for address in ("time.end", "outputs.fields.every", "outputs.force.every")]
    words = ("-m", "scenegrad", "run", "cylinder_wake", *short, "--out", "wake", "--json")
    answer = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert json.loads(answer.stdout)["status"] == "done"
    assert answer.stderr == ""
