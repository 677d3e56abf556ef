"""What each command answers, to people and to programs."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

import scenegrad as sg

VORTICES = ("run", "taylor_green", "--quiet", "--set", "domain.cells=[16, 16]", "--set", "time.end=1")
COMMANDS = (
    "bench",
    "card",
    "check",
    "demo",
    "doctor",
    "evaluate",
    "generate",
    "list",
    "plot",
    "run",
    "schema",
    "splats",
    "train",
    "verify",
    "view",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(scenegrad, command):
    answer = scenegrad(command, "--help")
    assert answer.code == 0
    assert f"scenegrad {command}" in answer.out.replace("Usage: ", "", 1)
    assert "For example" in answer.out


def test_list_names_scenes_that_can_be_run(scenegrad):
    table = scenegrad("list", "--json").json
    assert {"kolmogorov", "taylor_green", "argon", "elastic_drop"} <= set(table)
    assert all(table.values()), "a ready scene says what it is"


def test_check_compiles_but_does_not_run(scenegrad, tmp_path):
    table = scenegrad("check", "taylor_green", "--json").json
    assert table["method"] == "spectral"
    assert table["outputs"] == {"fields": "21 frames", "energy": "101 frames"}
    assert not list(tmp_path.iterdir())


def test_a_value_on_the_command_line_is_written_as_in_a_scene_file(scenegrad):
    table = '{ kind = "uniform", low = 0.001, high = 0.01 }'
    for written in (table, '{"kind": "uniform", "low": 0.001, "high": 0.01}'):
        told = scenegrad("check", "taylor_green", "--set", f"fluid.viscosity={written}", "--json").json
        assert told["distributions"] == ["fluid.viscosity"]
    mistaken = table.replace("uniform", "unifrm")
    answer = scenegrad("check", "taylor_green", "--set", f"fluid.viscosity={mistaken}")
    assert "Did you mean 'uniform'?" in answer.err


@pytest.mark.parametrize("quiet", [(), ("--quiet",)], ids=["", "quiet"])
@pytest.mark.parametrize("ci", ["", "true"], ids=["", "CI"])
def test_an_output_that_is_due_but_once_is_told(scenegrad, tmp_path, monkeypatch, ci, quiet):
    """By `check`, and by the run itself, whose frames would be missed only after it, also where progress is silent."""
    monkeypatch.setenv("CI", ci)
    words = ("--set", "time.end=0.1", "--set", "outputs.energy.every=0.05", "--set", "outputs.fields.every=3")
    table = scenegrad("check", "taylor_green", *words, "--json").json
    why = "its every = 3 is longer than the run, 0.1"
    assert table["outputs"] == {"fields": f"1 frame ({why})", "energy": "3 frames"}
    answer = scenegrad("run", "taylor_green", *words, "--out", "run", *quiet)
    assert f"warning: taylor_green: one frame of fields and diagnostics at most: {why}" in answer.err
    assert "fields: 1 frame of vorticity" in answer.out


def test_schema_is_json_schema(scenegrad, tmp_path):
    scenegrad("schema", "--out", "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["$schema"].startswith("https://json-schema.org")


def test_a_run_answers_with_what_it_did(scenegrad):
    answer = scenegrad(*VORTICES, "--out", "flow", "--json")
    assert answer.code == 0
    assert answer.json["status"] == "done"
    assert answer.json["frames"] == {"fields": 5, "energy": 21, "diagnostics": 5}
    run = sg.open_run("flow")
    assert run.scene.domain.cells == (16, 16)
    assert run["fields"].vorticity[-1].shape == (16, 16)
    assert run["energy"].kinetic.units
    assert run["energy"].time[-1] == 1.0
    assert sg.read_scene("flow/scene.toml").hash == run.scene.hash


def test_a_finished_run_is_opened_and_not_made_again(scenegrad, tmp_path):
    scenegrad(*VORTICES, "--out", "flow")
    before = (tmp_path / "flow" / "fields.vtkhdf").stat().st_mtime_ns
    assert scenegrad(*VORTICES, "--out", "flow").code == 0
    assert (tmp_path / "flow" / "fields.vtkhdf").stat().st_mtime_ns == before
    assert scenegrad(*VORTICES, "--out", "flow", "--overwrite").code == 0
    assert (tmp_path / "flow" / "fields.vtkhdf").stat().st_mtime_ns > before


def test_run_from_makes_the_same_bytes_again(scenegrad, tmp_path):
    scenegrad(*VORTICES, "--out", "flow", "--dtype", "float64")
    assert scenegrad("run", "--from", "flow", "--out", "again", "--quiet").code == 0
    for name in ("fields.vtkhdf", "series.h5"):
        assert (tmp_path / "flow" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_every_output_says_what_made_it(scenegrad, tmp_path):
    scenegrad(*VORTICES, "--out", "flow", "--seed", "7")
    run = sg.open_run("flow")
    for name in ("fields.vtkhdf", "series.h5"):
        with h5py.File(tmp_path / "flow" / name) as file:
            told = dict(file["scenegrad"].attrs)
        assert told["scene_hash"] == run.scene.hash
        assert json.loads(told["scene"])["seed"] == told["seed"] == 7
        assert (told["device"], told["dtype"], told["version"]) == ("cpu", "float32", sg.__version__)
        assert "torch" in json.loads(told["libraries"])


def test_checks_of_a_run_pass_and_fail(scenegrad):
    scenegrad(*VORTICES, "--out", "flow")
    run = sg.open_run("flow")
    assert run.check() is run
    with pytest.raises(sg.FileError, match=r"recorded no total or total_energy or energy, but .*energy\.kinetic"):
        run.check(energy_drift=1e-4)
    with pytest.raises(KeyError, match="it has fields, diagnostics, energy"):
        run["drag"]


def test_generate_answers_with_what_came_through(scenegrad):
    words = ("generate", "kolmogorov", "-n", 3, "--set", "domain.cells=[20, 20]", "--set", "time.end=0.5", "--json")
    answer = scenegrad(*words, "--out", "data")
    assert answer.code == 0, answer.err
    assert {key: answer.json[key] for key in ("ok", "failed", "missing")} == {"ok": 3, "failed": 0, "missing": 0}
    assert scenegrad(*words, "--out", "parts", "--shard", "1/2").json["missing"] == 2
    assert scenegrad(*words, "--out", "parts", "--shard", "0/2").json["missing"] == 0
    whole, parts = sg.open_dataset("data"), sg.open_dataset("parts")
    for member in range(3):
        assert whole.folder.shard(member).read_bytes() == parts.folder.shard(member).read_bytes()
    assert not np.array_equal(whole.read(0, "fields", "vorticity"), whole.read(1, "fields", "vorticity"))


def test_evaluate_judges_by_the_cut_and_the_parts_of_the_training(scenegrad, tmp_path):
    """A model of stride 2 is judged in steps of 2 frames, on the trajectories that its training kept for it."""
    (tmp_path / "recipe.toml").write_text(
        'model = {kind = "fno", modes = [4, 4], width = 4, depth = 1, fields = ["vorticity"]}\n'
        "data = {stride = 2, split = {validation = 0.0, test = 0.5}}\ntraining = {epochs = 1}\n"
    )
    words = ("--set", "domain.cells=[20, 20]", "--set", "time.end=1", "--set", "outputs.fields.every=0.25")
    assert scenegrad("generate", "kolmogorov", "-n", 4, "--out", "data", "--batch", 4, "--quiet", *words).code == 0
    answer = scenegrad("train", "recipe.toml", "data", "--out", "fno", "--device", "cpu", "--json")
    assert answer.code == 0, answer.err
    report = scenegrad("evaluate", "fno", "data", "--metrics", "one_step", "--metrics", "persistence", "--json").json
    data = sg.open_dataset("data")
    assert report == dict(sg.surrogates.Fit.load("fno", data).evaluate(["one_step", "persistence"]))


def test_what_a_person_would_set_of_a_training_can_be_said(scenegrad, tmp_path):
    """In place of the recipe's, and kept in the checkpoint; its losses are drawn as those of a run are."""
    from scenegrad.surrogates.training.checkpoint import read_checkpoint

    (tmp_path / "recipe.toml").write_text(
        'model = {kind = "fno", modes = [4, 4], width = 4, depth = 1, fields = ["vorticity"]}\n'
        "training = {epochs = 5, batch_size = 4}\n"
    )
    words = ("--set", "domain.cells=[20, 20]", "--set", "time.end=1", "--set", "outputs.fields.every=0.25")
    assert scenegrad("generate", "kolmogorov", "-n", 4, "--out", "data", "--batch", 4, "--quiet", *words).code == 0
    said = ("--batch-size", "5", "--learning-rate", "0.02", "--amp", "bfloat16", "--epochs", "2", "--seed", "3")
    words = ("train", "recipe.toml", "data", "--device", "cpu", "--json")
    answer = scenegrad(*words, "--out", "fno", "--tensorboard", *said)
    assert answer.code == 0, answer.err
    assert answer.json["epochs"] == 2
    settings = read_checkpoint(tmp_path / "fno" / "checkpoint.pt")["identity"]["settings"]
    found = [settings[name] for name in ("batch_size", "learning_rate", "precision", "epochs", "seed")]
    assert found == [5, 0.02, "bfloat16", 2, 3]
    assert list((tmp_path / "fno").glob("events.out.tfevents.*"))
    assert scenegrad("plot", "fno", "--out", "losses.png").code == 0
    assert (tmp_path / "losses.png").stat().st_size > 5000
    assert scenegrad(*words, "--out", "other", "--amp", "int8").code == 2


@pytest.mark.parametrize("name", ["film.gif", "FILM.GIF", "film.Mp4"])
def test_a_film_is_known_by_its_suffix_in_any_case(scenegrad, monkeypatch, name):
    monkeypatch.setattr("scenegrad.view.movie", lambda run, out, **how: f"a film {out}")
    assert scenegrad("view", "flow", "--out", name).out == f"a film {name}\n"


@pytest.mark.parametrize("words", [(), ("--quick",), ("-k", "taylor")], ids=" ".join)
def test_verify_runs_the_tests_on_one_thread_each_and_makes_the_page_of_all_of_them(
    scenegrad, tmp_path, monkeypatch, words
):
    calls = []
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr("scenegrad.commands.machine.ROOT", tmp_path)

    def run(command, *, check, env=None, cwd=None):
        calls.append((command, env))
        (tmp_path / "runs" / "verification.xml").touch()
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr("scenegrad.commands.machine.subprocess.run", run)
    assert scenegrad("verify", *words).code == 1, "the code of the tests, not of the page"
    (command, env), *others = calls
    assert command[1:4] == ["-P", "-m", "pytest"]
    assert ("not slow" in command) == (words == ("--quick",))
    assert env["OMP_NUM_THREADS"] == env["MKL_NUM_THREADS"] == env["OPENBLAS_NUM_THREADS"] == "1"
    assert [command[2].rsplit("/")[-1] for command, _ in others] == ([] if words else ["verification_page.py"])
    if not words:
        assert command[-2:] == ["--junitxml", others[0][0][3]]


def test_doctor_finds_what_is_here(scenegrad):
    findings = {f["what"]: f for f in scenegrad("doctor", "--json").json}
    assert {"scenegrad", "libraries", "system", "kernel cache", "rendering", "disk"} <= set(findings)


# ---- killed and interrupted processes


# What a process does to itself when a frame has come, so that it is never over before.
SIGNALLED = """
import os, signal, sys
from scenegrad.cli import main
from scenegrad.engine.files.recorder import Recorder

name, frame, *words = sys.argv[1:]
commit = Recorder.commit

def commit_and_signal(self):
    commit(self)
    if self.frames["fields"] == int(frame):
        os.kill(os.getpid(), getattr(signal, name))

Recorder.commit = commit_and_signal
sys.exit(main(words))
"""

# Members from the fifth on wait for a file, in whatever process they are made.
WAITING = """
import sys, time
from pathlib import Path
from scenegrad.cli import main
from scenegrad.member_task import MemberTask

make = MemberTask.__call__

def make_when_told(self, members, wanted):
    while members[0] >= 4 and not Path("go").exists():
        time.sleep(0.01)
    make(self, members, wanted)

MemberTask.__call__ = make_when_told
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


def signalled(name, frame, *words, cwd):
    command = [sys.executable, "-P", "-c", SIGNALLED, name, str(frame), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)


LONG = (
    "run",
    "kolmogorov",
    "--quiet",
    "--set",
    "domain.cells=[32, 32]",
    "--set",
    "time.end=10",
    "--set",
    "outputs.fields.every=0.05",
)


def wait_for(condition, child=None):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() < begin + 600.0, "it takes too long"
        assert child is None or child.poll() is None, child.stderr.read()
        time.sleep(0.02)


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_result(scenegrad, tmp_path):
    assert scenegrad(*LONG, "--out", "whole").code == 0
    whole = sg.open_run("whole")
    assert len(whole["fields"]) == 201
    for frame in (20, 80, 160):
        killed = signalled("SIGKILL", frame, *LONG, "--out", "parts", "--checkpoint-every", "0.02", cwd=tmp_path)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert sg.open_run("parts").status == "running"  # it had no time to say otherwise
    answer = scenegrad(*LONG, "--out", "parts")
    assert answer.code == 0, answer.err
    parts = sg.open_run("parts")
    for name, output in whole.outputs.items():
        assert np.array_equal(output.time, parts[name].time)
        assert np.array_equal(output.steps, parts[name].steps)
        for key, quantity in output.quantities.items():
            assert np.array_equal(np.asarray(quantity), np.asarray(parts[name][key])), f"{name}.{key}"
    assert (tmp_path / "parts" / "checkpoint.h5").stat().st_size == (
        tmp_path / "whole" / "checkpoint.h5"
    ).stat().st_size


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(scenegrad, tmp_path):
    stopped = signalled("SIGINT", 100, *LONG, "--out", "flow", cwd=tmp_path)
    assert stopped.returncode == 130
    assert "Start the same run again to go on from there" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert sg.open_run("flow").status == "interrupted"
    assert len(sg.open_run("flow")["fields"]) == 100
    assert scenegrad(*LONG, "--out", "flow").code == 0


def test_a_dataset_whose_makers_are_killed_has_the_same_bytes(scenegrad, tmp_path):
    small = ("--set", "domain.cells=[32, 32]", "--set", "time.end=2")
    words = ("generate", "kolmogorov", "-n", "8", "--batch", "1", "--quiet", *small)
    assert scenegrad(*words, "--out", "whole").code == 0
    shards, script = tmp_path / "parts" / "shards", tmp_path / "waiting.py"
    script.write_text(WAITING)
    child = subprocess.Popen(
        [sys.executable, "-P", script, *words, "--out", "parts", "--workers", "2"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def made():
        return len(list(shards.glob("m?????.h5")))

    try:
        wait_for(lambda: made() >= 1 and children_of(child.pid), child)
        workers = children_of(child.pid)
        os.kill(workers[-1], signal.SIGKILL)  # the pool is made anew
        wait_for(lambda: made() == 4 and set(children_of(child.pid)) - set(workers), child)
        workers += children_of(child.pid)
    finally:
        child.kill()
        child.wait()
    wait_for(lambda: not any(map(alive, workers)))  # they do not outlive the process that started them
    assert made() == 4
    assert scenegrad(*words, "--out", "parts").code == 0
    whole, parts = sg.open_dataset("whole"), sg.open_dataset("parts")
    assert parts.members == list(range(8))
    for member in range(8):
        assert whole.folder.shard(member).read_bytes() == parts.folder.shard(member).read_bytes(), member
    assert not list(shards.glob("*.part.*"))


def children_of(pid):
    """Its workers, the oldest first."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended since
            parent = int(status_of(place)[1])
            if parent == pid and b"spawn_main" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return sorted(found)


def alive(pid):
    with suppress(OSError):
        return status_of(Path("/proc", str(pid)))[0] != "Z"
    return False


def status_of(place):
    """State, parent and more; the name before them may hold anything."""
    return (place / "stat").read_text().rsplit(")", 1)[1].split()
