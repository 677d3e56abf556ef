"""Whatever is wrong is refused in one message: what was given, what is allowed, how to mend it. Nothing is harmed."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import scenegrad as sg

DROP = """
name = "drop"
gravity = [0, -9.81]
domain = {size = [1.0, 1.0], cells = [16, 16]}
boundary = {default = {kind = "separate"}}
outputs.com = {kind = "center_of_mass", entity = "block", every = 0.01}
time = {end = 0.05}

[entities.block]
kind = "body"
shape = {kind = "box", center = [0.5, 0.5], size = [0.25, 0.25]}
material = {kind = "neo_hookean", youngs_modulus = 1e4}
"""
BOX = 'shape = {kind = "box", center = [0.5, 0.5], size = [0.25, 0.25]}'
OPEN_MESH = """v 0 0 0
v 1 0 0
v 0 1 0
v 0 0 1
f 1 3 2
f 1 2 4
f 1 4 3
"""  # a tetrahedron without its fourth side
IN_SPACE = (
    ("size = [1.0, 1.0], cells = [16, 16]", "size = [1.0, 1.0, 1.0], cells = [16, 16, 16]"),
    ("gravity = [0, -9.81]", "gravity = [0, 0, -9.81]"),
)


def drop(path, *changes):
    text = DROP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def assert_refused(answer, *words, code=1):
    """One message with all the words, no traceback, and nothing that a program would take for an answer."""
    assert answer.code == code
    for word in words:
        assert word in answer.err
    said = [line for line in answer.err.splitlines() if "compiling kernels" not in line]  # of a machine that takes long
    assert said[0].startswith("scenegrad: ")
    assert "Traceback" not in answer.err
    assert answer.out == ""


WRONG_SCENES = {
    "unknown material": (
        [("neo_hookean", "neo_hokean")],
        ["block.material", "'neo_hokean'", "weakly_compressible", "Did you mean 'neo_hookean'?"],
    ),
    "unknown key": (
        [("youngs_modulus", "young_modulus")],
        ["block.material", "unknown key 'young_modulus'", "Did you mean 'youngs_modulus'?", "density"],
    ),
    "unknown key at the root": ([("gravity", "gravty")], ["unknown key 'gravty'", "Did you mean 'gravity'?"]),
    "missing key": ([("size = [1.0, 1.0], ", "")], ["domain", "needs a size"]),
    "mesh is missing": (
        [(BOX, 'shape = {kind = "mesh", path = "duk.stl"}')],
        ["block.shape", "duk.stl", "does not exist"],
    ),
    "mesh is not watertight": (
        [*IN_SPACE, (BOX, 'shape = {kind = "mesh", path = "open.obj"}')],
        ["open.obj", "watertight"],
    ),
    "body outside the domain": (
        [("center = [0.5, 0.5]", "center = [0.95, 0.5]")],
        ["block.shape", "beyond x_hi", "within the domain"],
    ),
    "dimensions differ": (
        [("center = [0.5, 0.5], size = [0.25, 0.25]", "center = [0.5, 0.5, 0.5], size = [0.1, 0.1, 0.1]")],
        ["same number of dimensions", "domain: 2", "block: 3"],
    ),
    "dt beyond the waves": (
        [("end = 0.05", "end = 0.05, dt = 0.02")],
        ["dt=0.02 is", "times the stability bound", "particle 0 of block at (0.39", "softer, denser material"],
    ),
    "negative stiffness": ([("1e4", "-1e4")], ["block.material.youngs_modulus", "got -10000", "must be positive"]),
    "not a number": ([("1e4", '"soft"')], ["block.material.youngs_modulus", "'soft'"]),
    "broken file": ([("[entities.block]", "[entities.block")], ["is not valid TOML", "line"]),
    "nothing to simulate": (
        [
            (
                f'kind = "body"\n{BOX}\nmaterial = {{kind = "neo_hookean", youngs_modulus = 1e4}}',
                'kind = "wall"\nnormal = [0, 1]',
            ),
            ('outputs.com = {kind = "center_of_mass", entity = "block", every = 0.01}\n', ""),
        ],
        ["'drop' has nothing to simulate: block", "Add a Body, Springs, a Fluid"],
    ),
}


@pytest.mark.parametrize("what", WRONG_SCENES)
def test_wrong_scenes_are_refused_with_the_cure(scenegrad, tmp_path, what):
    (tmp_path / "open.obj").write_text(OPEN_MESH)
    changes, words = WRONG_SCENES[what]
    drop(tmp_path / "drop.toml", *changes)
    assert_refused(scenegrad("check", "drop.toml"), *words)
    assert_refused(scenegrad("run", "drop.toml", "--quiet"), *words)
    assert not (tmp_path / "runs").exists(), "nothing was begun"


WRONG_WORDS = {
    "negative viscosity": (["check", "taylor_green", "--set", "fluid.viscosity=-1"], ["fluid.viscosity", "got -1"]),
    "dt far above the bound": (
        ["run", "taylor_green", "--set", "time.dt=50", "--set", "time.end=100", "--out", "flow"],
        ["dt=50 is", "times the stability bound", "dt='auto'"],
    ),
    "wrong address": (["check", "taylor_green", "--set", "fluid.viscosty=1"], ["Did you mean 'viscosity'?"]),
    "wrong entity": (
        ["check", "taylor_green", "--set", "flud.viscosity=1"],
        ["the scene has fluid", "Did you mean 'fluid'?"],
    ),
    "setting without a value": (["check", "taylor_green", "--set", "time.end"], ["--set address=value"]),
    "unknown scene": (["run", "kolmogorof"], ["Did you mean 'kolmogorov'?", "Ready scenes:"]),
    "no scene": (["run"], ["Which scene?"]),
    "scene file is missing": (["run", "wake.toml"], ["There is no scene file 'wake.toml'"]),
    "file of another kind": (["run", "wake.yaml"], ["There is no scene file"]),
    "unknown precision": (["check", "taylor_green", "--dtype", "float16"], ["'float16'", "float32, float64"]),
    "unknown device": (["check", "taylor_green", "--device", "gpu"], ["'gpu'", "cpu", "device='auto'"]),
    "no run to make again": (["run", "--from", "nowhere"], ["nowhere holds no run"]),
    "nothing to draw": (["view", "nowhere"], ["nowhere"]),
    "no dataset": (["train", "fno_kolmogorov", "nowhere"], ["nowhere holds no dataset"]),
    "scene that does not vary": (["generate", "taylor_green", "-n", "4"], ["holds no distribution", "Uniform"]),
    "wrong share": (["generate", "kolmogorov", "-n", "4", "--shard", "4/4"], ["'4/4' is not i/n with 0 <= i < n"]),
    "no member together": (["generate", "kolmogorov", "-n", "4", "--batch", "0"], ["batch=0", "positive number"]),
    "no thread": (["generate", "kolmogorov", "-n", "4", "--threads", "0"], ["threads=0", "positive number"]),
    "no worker": (["generate", "kolmogorov", "-n", "4", "--workers", "0"], ["workers=0", "positive number"]),
    "time that runs back": (
        ["run", "taylor_green", "--checkpoint-every", "-1"],
        ["checkpoint_every=-1", "not negative"],
    ),
    "gravity that is no number": (
        ["check", "elastic_drop", "--set", "gravity=[0, 0, NaN]"],
        ["gravity", "finite number"],
    ),
    "no end": (["check", "taylor_green", "--set", "time.end=Infinity"], ["time.end", "finite number"]),
    "cells of a third axis": (
        ["check", "taylor_green", "--set", "domain.cells.9=13"],
        ["nothing to replace at '9'", "0, 1"],
    ),
    "unknown benchmark": (["bench", "nothing"], ["There is no benchmark 'nothing'"]),
}


@pytest.mark.parametrize("what", WRONG_WORDS)
def test_wrong_requests_are_refused_with_the_cure(scenegrad, tmp_path, what):
    command, words = WRONG_WORDS[what]
    assert_refused(scenegrad(*command), *words)
    assert not list(tmp_path.iterdir()), "nothing was begun"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["rum"], ["no command 'rum'", "Did you mean 'run'?", "generate"]),
        (["run", "taylor_green", "--dtyp", "float64"], ["--dtyp", "--dtype", "scenegrad run --help"]),
        (["generate", "kolmogorov"], ["scenegrad generate --help"]),
        (["generate", "kolmogorov", "-n", "many"], ["many", "scenegrad generate --help"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_wrong_usage_has_an_exit_code_of_its_own(scenegrad, command, words):
    assert_refused(scenegrad(*command), *words, code=2)


def test_debug_shows_where_an_error_arose(scenegrad):
    with pytest.raises(sg.SceneError):
        scenegrad("--debug", "run", "kolmogorof")


def test_errors_are_json_for_programs(scenegrad):
    import json

    answer = scenegrad("check", "kolmogorof", "--json")
    assert json.loads(answer.err)["code"] == answer.code == 1


def test_a_fault_in_a_scene_of_python_is_told_as_such(scenegrad, tmp_path):
    (tmp_path / "scene.py").write_text("1 / 0")
    assert_refused(scenegrad("check", "scene.py"), "ZeroDivisionError", "a scene file in Python", "--debug")


# ---- what is there already is not harmed

FLOW = ("run", "taylor_green", "--quiet", "--set", "domain.cells=[16, 16]", "--set", "time.end=1")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_folder_with_another_run_is_refused_and_left_alone(scenegrad, tmp_path):
    scenegrad(*FLOW, "--out", "flow")
    before = contents(tmp_path / "flow")
    for change in (["--set", "fluid.viscosity=0.1"], ["--dtype", "float64"]):
        assert_refused(scenegrad(*FLOW, *change, "--out", "flow"), "another run", "--out", "--overwrite")
    assert contents(tmp_path / "flow") == before


def test_a_folder_with_other_things_is_refused_and_left_alone(scenegrad, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "fields.h5").write_text("mine")
    assert_refused(scenegrad(*FLOW, "--out", "thesis", "--overwrite"), "is not empty", "fields.h5")
    assert_refused(scenegrad("generate", "kolmogorov", "-n", "2", "--out", "thesis"), "is not empty", "fields.h5")
    assert contents(tmp_path / "thesis") == {"fields.h5": b"mine"}


@pytest.mark.parametrize("out", ["mine", "mine/below", "/proc/x"])
def test_a_place_that_can_be_no_folder_is_refused_and_left_alone(scenegrad, tmp_path, out):
    (tmp_path / "mine").write_text("mine")
    make = ("generate", "kolmogorov", "-n", 2, "--quiet", "--set", "domain.cells=[20, 20]", "--out", out)
    for words in ((*FLOW, "--out", out), make, ("schema", "--out", f"{out}/schema.json"), ("demo", "--out", out)):
        answer = scenegrad(*words)
        assert_refused(answer, out, "--out")
        assert "fault of scenegrad" not in answer.err
    assert contents(tmp_path) == {"mine": b"mine"}


def test_a_run_with_a_mesh_beside_it_can_be_made_again_from_anywhere(scenegrad, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "tetrahedron.obj").write_text(OPEN_MESH + "f 2 3 4\n")
    shape = 'shape = {kind = "mesh", path = "../tetrahedron.obj", scale = 0.4, center = [0.5, 0.5, 0.5]}'
    drop(tmp_path / "work" / "drop.toml", *IN_SPACE, (BOX, shape), ("time = {end = 0.05}", "time = {end = 0.001}"))
    monkeypatch.chdir(tmp_path / "work")
    assert_refused(
        scenegrad("run", "drop.toml", "--out", tmp_path / "run", "--quiet"), "lies outside", "--outside-files"
    )
    answer = scenegrad("run", "drop.toml", "--out", tmp_path / "run", "--quiet", "--outside-files")
    assert answer.code == 0, answer.err
    monkeypatch.chdir("/")
    written = sg.read_scene(tmp_path / "run" / "scene.toml", outside_files=True)
    assert sg.open_run(tmp_path / "run").scene.hash == written.hash
    answer = scenegrad("run", "--from", tmp_path / "run", "--out", tmp_path / "again", "--quiet")
    assert answer.code == 0, answer.err


def test_what_is_no_scene_is_not_compiled():
    for stranger in ("kolmogorov", Path("drop.toml"), ["kolmogorov"], None):
        with pytest.raises(sg.SceneError, match=r"A Scene, or a list of them, is needed here.*read_scene"):
            sg.compile(stranger)


def test_a_device_may_be_given_as_torch_has_it(tmp_path):
    import torch

    solver, _, _ = sg.compile(sg.read_scene("taylor_green"), device=torch.device("cpu"))
    assert solver is not None
    with pytest.raises(sg.EngineError, match="meta"):
        sg.compile(sg.read_scene("taylor_green"), device=torch.device("meta"))


def test_a_folder_in_use_is_refused_by_the_number_of_the_process(scenegrad, tmp_path):
    with claimed(tmp_path / "flow" / "lock") as pid:
        assert_refused(scenegrad(*FLOW, "--out", "flow"), f"in use by process {pid}", "--out")
    with claimed(tmp_path / "data" / "lock") as pid:
        assert_refused(scenegrad("generate", "kolmogorov", "-n", 2, "--out", "data"), f"in use by process {pid}")


@contextmanager
def claimed(lock):
    code = (
        "import sys\nfrom pathlib import Path\nfrom scenegrad.engine.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1]))\nlock.claim()\nprint('held', flush=True)\nsys.stdin.read()"
    )
    pipe, command = subprocess.PIPE, [sys.executable, "-c", code, str(lock)]
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    child.stdout.readline()
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_an_unreadable_checkpoint_is_refused_and_left_alone(scenegrad, tmp_path, monkeypatch):
    stop_half_way(scenegrad, monkeypatch)
    (tmp_path / "flow" / "checkpoint.h5").write_bytes(b"rubbish")
    before = contents(tmp_path / "flow")
    answer = scenegrad(*FLOW, "--out", "flow")
    assert_refused(answer, "checkpoint.h5 cannot be used", "--overwrite")
    after = contents(tmp_path / "flow")
    assert {name: after[name] for name in before if name.endswith(("h5", "vtkhdf"))} == {
        name: before[name] for name in before if name.endswith(("h5", "vtkhdf"))
    }
    assert scenegrad(*FLOW, "--out", "flow", "--overwrite").code == 0


def stop_half_way(scenegrad, monkeypatch):
    """Presses Ctrl-C when the second frame is there."""
    from scenegrad.engine.files.recorder import Recorder

    commit = Recorder.commit

    def commit_and_stop(self):
        commit(self)
        if self.frames.get("fields") == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "commit", commit_and_stop)
        assert scenegrad(*FLOW, "--out", "flow").code == 130


def test_a_dataset_of_another_scene_is_refused_and_left_alone(scenegrad, tmp_path):
    words = ("generate", "kolmogorov", "-n", 1, "--quiet", "--set", "domain.cells=[20, 20]", "--set", "time.end=0.5")
    assert scenegrad(*words, "--out", "data").code == 0
    before = contents(tmp_path / "data")
    for change in (["--set", "fluid.viscosity=0.1"], ["--seed", "3"], ["--dtype", "float64"]):
        assert_refused(scenegrad(*words, *change, "--out", "data"), "another dataset", "--out")
    assert contents(tmp_path / "data") == before


def test_a_run_that_diverges_keeps_its_frames_and_says_where(scenegrad, tmp_path, monkeypatch):
    import torch

    from scenegrad.engine.state import with_tensors
    from scenegrad.solvers.navier_stokes.spectral.solver import SpectralSolver

    step = SpectralSolver.step

    def blow_up(self, state, params, time, dt):
        after = step(self, state, params, time, dt)
        if float(time[0]) > 0.5:
            return type(after)(with_tensors(after.state, {"vorticity": after.state.vorticity * torch.nan}), after.error)
        return after

    monkeypatch.setattr(SpectralSolver, "step", blow_up)
    answer = scenegrad(*FLOW, "--out", "flow")
    assert_refused(answer, "vorticity of member 0 is not finite after step", "dt =", "Everything up to t =", code=3)
    run = sg.open_run("flow")
    assert run.status == "diverged"
    assert len(run["fields"]) == 3
    assert np.isfinite(np.asarray(run["fields"].vorticity)).all()
    with pytest.raises(sg.CheckFailed, match="the run diverged"):
        run.check()
    monkeypatch.setattr(SpectralSolver, "step", step)
    assert_refused(scenegrad(*FLOW, "--out", "flow"), "it diverged", "--overwrite")


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(scenegrad, tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    words = ("run", "taylor_green", "--quiet", "--out", disk / "flow")
    try:
        assert_refused(scenegrad(*words), "needs", "are free", "are missing", "--out")
        assert not (disk / "flow" / "fields.part.vtkhdf").exists(), "it was refused before it began"
        monkeypatch.setattr("scenegrad.running.bytes_of_outputs", lambda *scene: 0)  # others fill the disk meanwhile
        assert_refused(scenegrad(*words), "are missing")
        committed = sg.open_run(disk / "flow")["fields"]
        assert len(committed) >= 3
        assert np.isfinite(np.asarray(committed.vorticity)).all()
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert scenegrad(*words).code == 0
        assert len(sg.open_run(disk / "flow")["fields"]) == 21
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
